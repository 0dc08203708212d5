//! One setting that is typed: taken when its field is left, or put back with the reason below it.

use holon_model::Value;
use holon_studio::form::{self, Mode};
use leptos::prelude::*;

use super::refuse;

/// Its field.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    /// Of the element.
    pub id: &'static str,
    pub title: &'static str,
    pub hint: &'static str,
    /// Whether it is a number, for which phones show other keys and the field is narrow.
    pub number: bool,
}

impl Setting {
    /// Of any text.
    pub fn text(id: &'static str, title: &'static str, hint: &'static str) -> Self {
        Self { id, title, hint, number: false }
    }

    /// The field with what is stored; `set` stores what was typed, trimmed, or says why not.
    pub fn view(self, now: Memo<String>, set: impl Fn(&str) -> Result<(), String> + 'static) -> AnyView {
        let Self { id, title, hint, number } = self;
        let wrong = RwSignal::new(None::<String>);
        let change = move |event| {
            let refused = set(event_target_value(&event).trim()).err();
            if refused.is_some() {
                refuse::put_back(&event, &now.get_untracked());
            }
            wrong.set(refused);
        };
        let (class, keys) = if number { ("input number", "decimal") } else { ("input", "text") };
        view! {
            <div class="form-field">
                <label class="form-title" for=id>{title}</label>
                <input class=class id=id type="text" inputmode=keys autocomplete="off" spellcheck="false" prop:value=now on:change=change/>
                <p class="hint">{hint}</p>
                {refuse::told(wrong)}
            </div>
        }
        .into_any()
    }
}

/// What stands in a field for this value: the source of an expression, otherwise the text or JSON of what it is.
pub(super) fn shown(value: &Value) -> String {
    match form::mode(Some(value)) {
        Mode::Expression(source) | Mode::Text(source) => source,
        Mode::Fixed => value.as_str().map_or_else(|| value.to_json(), str::to_owned),
    }
}
