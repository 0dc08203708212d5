//! Choosing one of a list.

use leptos::prelude::*;

/// A value and what people read for it.
pub type Choice = (String, String);

/// A select without a label beside it, for filters; `label` is for screen readers.
pub fn filter(
    label: &'static str,
    choices: Vec<Choice>,
    value: Signal<String>,
    set: impl Fn(String) + 'static,
) -> AnyView {
    // What it shows may be read again after the part of the page that it belongs to was.
    let shown = move || value.try_get().unwrap_or_default();
    view! {
        <select class="input" aria-label=label prop:value=shown on:change=move |event| set(event_target_value(&event))>
            {options(choices, &value.get_untracked())}
        </select>
    }
    .into_any()
}

/// A select with a label, for forms.
pub fn select(id: &'static str, label: &'static str, choices: Vec<Choice>, value: RwSignal<String>) -> AnyView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <select id=id class="input" prop:value=value on:change=move |event| value.set(event_target_value(&event))>
                {options(choices, &value.get_untracked())}
            </select>
        </div>
    }
    .into_any()
}

fn options(choices: Vec<Choice>, chosen: &str) -> Vec<AnyView> {
    let option = |(value, label): Choice| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{label}</option> }.into_any()
    };
    choices.into_iter().map(option).collect()
}
