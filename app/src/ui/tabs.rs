//! Tabs: one of a few panels, walked with the arrow keys.

use leptos::prelude::*;

use super::keys;

/// The row of tabs; the panel below is the caller's, with the id `<id>-panel`.
#[component]
pub fn Tabs(
    /// Unique on the page.
    id: &'static str,
    /// What the tabs are about.
    label: &'static str,
    /// Keys and words, and how many things are behind each, if that says something.
    tabs: Vec<(&'static str, &'static str, Option<Signal<usize>>)>,
    /// The key of the open one.
    open: RwSignal<&'static str>,
) -> impl IntoView {
    let tab = move |(key, word, count): (&'static str, &'static str, Option<Signal<usize>>)| {
        let chosen = move || open.get() == key;
        view! {
            <button
                type="button"
                role="tab"
                id=format!("{id}-{key}")
                aria-controls=format!("{id}-panel")
                aria-selected=move || if chosen() { "true" } else { "false" }
                tabindex=move || if chosen() { "0" } else { "-1" }
                on:click=move |_| open.set(key)
                on:focus=move |_| open.set(key)
            >
                {word}
                {count.map(|count| view! { <span class="count">{move || count.get()}</span> })}
            </button>
        }
        .into_any()
    };
    view! {
        <div class="tabs" role="tablist" aria-label=label on:keydown=move |event| keys::horizontal(&event, "[role=tab]")>
            {tabs.into_iter().map(tab).collect::<Vec<_>>()}
        </div>
    }
    .into_any()
}
