//! A node as JSON: what the form shows, for those who would rather type it.

use holon_model::{Value, json};
use holon_studio::Command;
use leptos::prelude::*;

use super::{Spot, refuse};
use crate::editor::strings;

/// The JSON tab.
pub(super) fn raw(spot: &Spot) -> AnyView {
    let stored = {
        let spot = spot.clone();
        Memo::new(move |_| spot.with(|node| json::to_string_pretty(&node.to_value())).unwrap_or_default())
    };
    let draft = RwSignal::new(None::<String>);
    let wrong = RwSignal::new(None::<String>);
    let spot = spot.clone();
    let typed = move |event| {
        let text = event_target_value(&event);
        let node = json::parse(text.as_bytes()).map_err(|error| error.to_string()).and_then(|value| {
            let read = holon_flow::definition::Node::from_value(&value);
            read.map(|_| value).map_err(|found| {
                found.first().map(|found| format!("{} ({})", found.message, found.pointer)).unwrap_or_default()
            })
        });
        draft.set(Some(text));
        let kind = spot.now(|node| node.kind.to_string());
        match node {
            Ok(node) if node.get("kind").and_then(Value::as_str) != kind.as_deref() => {
                wrong.set(Some(strings::KIND_STAYS.to_owned()));
            }
            Ok(node) => {
                wrong.set(None);
                spot.editor.perform(Command::Replace { at: spot.at.clone(), key: spot.key.clone(), node });
            }
            Err(message) => wrong.set(Some(message)),
        }
    };
    view! {
        <div class="form">
            <textarea
                class="input mono raw-json"
                spellcheck="false"
                aria-label=strings::JSON
                aria-invalid=move || wrong.with(Option::is_some).to_string()
                prop:value=move || draft.get().unwrap_or_else(|| stored.get())
                on:input=typed
                on:blur=move |_| if wrong.with_untracked(Option::is_none) { draft.set(None) }
            ></textarea>
            {refuse::told(wrong)}
        </div>
    }
    .into_any()
}
