//! A labelled text field with its hint and its error.

use leptos::prelude::*;

use super::{icon, strings, words};

/// One line of text.
#[component]
pub fn Field(
    /// Unique on the page.
    id: &'static str,
    /// What to enter.
    #[prop(into)]
    label: String,
    /// The text.
    value: RwSignal<String>,
    /// `text`, `email`, `password`, `number`; may change, such as to show a password.
    #[prop(into, default = Signal::stored("text"))]
    kind: Signal<&'static str>,
    /// How to fill it in.
    #[prop(into, optional)]
    hint: Option<String>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Option<Signal<Option<String>>>,
    /// What the browser may fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// An example.
    #[prop(optional)]
    placeholder: &'static str,
    /// May be left out.
    #[prop(optional)]
    optional: bool,
    /// Set in the data font.
    #[prop(optional)]
    mono: bool,
    /// Takes the focus when it appears.
    #[prop(optional)]
    focused: bool,
    /// A control inside its right edge.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let wrong = move || error.and_then(|error| error.get());
    let described = described(id, hint.is_some());
    let inside = children.is_some();
    view! {
        <div class="field">
            <label for=id>{label}{optional.then(|| view! { <span class="optional">" · "{strings::OPTIONAL}</span> })}</label>
            <div class:inside=inside>
                <input
                    id=id
                    name=id
                    class="input"
                    class:mono=mono
                    type=kind
                    prop:value=value
                    value=value.get_untracked()
                    placeholder=placeholder
                    autocomplete=autocomplete
                    autofocus=focused
                    spellcheck="false"
                    required=!optional
                    aria-invalid=move || if wrong().is_some() { "true" } else { "false" }
                    aria-describedby=described
                    on:input=move |event| value.set(event_target_value(&event))
                />
                {children.map(|children| children())}
            </div>
            {below(id, hint, wrong)}
        </div>
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub fn Area(
    /// Unique on the page.
    id: &'static str,
    /// What to enter.
    #[prop(into)]
    label: String,
    /// The text.
    value: RwSignal<String>,
    /// How to fill it in.
    #[prop(into, optional)]
    hint: Option<String>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Option<Signal<Option<String>>>,
    /// An example.
    #[prop(optional)]
    placeholder: &'static str,
    /// May be left out.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    let wrong = move || error.and_then(|error| error.get());
    let described = described(id, hint.is_some());
    view! {
        <div class="field">
            <label for=id>{label}{optional.then(|| view! { <span class="optional">" · "{strings::OPTIONAL}</span> })}</label>
            <textarea
                id=id
                name=id
                class="input mono"
                placeholder=placeholder
                autocomplete="off"
                spellcheck="false"
                required=!optional
                prop:value=value
                aria-invalid=move || if wrong().is_some() { "true" } else { "false" }
                aria-describedby=described
                on:input=move |event| value.set(event_target_value(&event))
            ></textarea>
            {below(id, hint, wrong)}
        </div>
    }
    .into_any()
}

fn described(id: &str, hint: bool) -> String {
    if hint { format!("{id}-hint {id}-error") } else { format!("{id}-error") }
}

fn below(id: &str, hint: Option<String>, wrong: impl Fn() -> Option<String> + Send + 'static) -> AnyView {
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    view! {
        {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
        <div id=error_id aria-live="polite" class="error-slot">
            {move || wrong().map(|wrong| view! { <p class="error">{icon("circle-alert")}<span>{words(&wrong)}</span></p> })}
        </div>
    }
    .into_any()
}
