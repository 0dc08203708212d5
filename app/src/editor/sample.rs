//! Editing the sample of a trigger or an effect: the JSON that preview uses in its place.

use holon_model::Value;
use holon_studio::Command;
use leptos::prelude::*;

use super::{store::use_editor, strings};
use crate::ui::icon;

/// The text field of the sample at `path`; the kind's own is shown until there is one.
pub(super) fn editor(path: String, built_in: Value, id: &'static str) -> AnyView {
    let editor = use_editor();
    let own = {
        let path = path.clone();
        Memo::new(move |_| editor.definition.with(|definition| definition.samples.get(&path).cloned()))
    };
    let text = Memo::new(move |_| holon_model::json::to_string_pretty(&own.get().unwrap_or_else(|| built_in.clone())));
    let draft = RwSignal::new(None::<String>);
    let wrong = RwSignal::new(None::<String>);
    // A sample that came from elsewhere (caught, undone) takes the place of what was typed.
    Effect::new(move |before: Option<Option<Value>>| {
        let now = own.get();
        if before.is_some_and(|before| before != now) && wrong.get_untracked().is_none() {
            let typed = draft.get_untracked().and_then(|text| holon_model::json::parse(text.as_bytes()).ok());
            if typed != now {
                draft.set(None);
            }
        }
        now
    });
    let typed = {
        let path = path.clone();
        move |event| {
            let text = event_target_value(&event);
            match holon_model::json::parse(text.as_bytes()) {
                Ok(value) => {
                    wrong.set(None);
                    editor.perform(Command::SetSample { path: path.clone(), value: Some(value) });
                }
                Err(error) => wrong.set(Some(error.to_string())),
            }
            draft.set(Some(text));
        }
    };
    let reset = move |_| {
        draft.set(None);
        wrong.set(None);
        editor.perform(Command::SetSample { path: path.clone(), value: None });
    };
    view! {
        <textarea
            class="input mono sample"
            id=id
            rows="6"
            spellcheck="false"
            aria-label=strings::SAMPLE
            aria-invalid=move || wrong.with(Option::is_some).to_string()
            prop:value=move || draft.get().unwrap_or_else(|| text.get())
            on:input=typed
        ></textarea>
        {move || wrong.get().map(|message| view! { <p class="form-problem">{message}</p> })}
        <Show when=move || own.with(Option::is_some)>
            <button type="button" class="button small start" on:click=reset.clone()>{icon("rotate-ccw")}{strings::SAMPLE_RESET}</button>
        </Show>
    }
    .into_any()
}
