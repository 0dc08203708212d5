//! The sample that starts the preview: which trigger, its data, and catching a real delivery.

use holon_flow::definition::Key;
use leptos::prelude::*;

use super::catch;
use crate::editor::{sample, store::use_editor, strings};

pub(super) fn input() -> AnyView {
    let editor = use_editor();
    let triggers = Memo::new(move |_| {
        editor.kinds.with(|kinds| {
            editor.definition.with(|definition| {
                let is = |node: &holon_flow::Node| kinds.of_node(node).is_some_and(|kind| kind.trigger);
                definition
                    .graph
                    .nodes
                    .iter()
                    .filter(|(_, node)| is(node))
                    .map(|(key, _)| key.clone())
                    .collect::<Vec<Key>>()
            })
        })
    });
    let chosen = Memo::new(move |_| {
        let wanted = editor.trigger.get();
        triggers.with(|triggers| {
            triggers.iter().find(|key| wanted.as_deref() == Some(key)).or_else(|| triggers.first()).cloned()
        })
    });
    // What is caught is a delivery, with headers and a body: only a trigger of deliveries can take it.
    let caught = Memo::new(move |_| {
        let takes = |key: &Key| {
            editor.kinds.with(|kinds| {
                editor.definition.with(|definition| {
                    let kind = definition.graph.nodes.get(key).and_then(|node| kinds.of_node(node));
                    kind.is_some_and(|kind| kind.sample.get("headers").is_some())
                })
            })
        };
        chosen.get().filter(takes).or_else(|| triggers.with(|triggers| triggers.iter().find(|key| takes(key)).cloned()))
    });
    let pick = move || {
        triggers.with(|triggers| {
            (triggers.len() > 1).then(|| {
                let options: Vec<_> = triggers
                    .iter()
                    .map(|key| {
                        let own = key.clone();
                        view! { <option value=key.to_string() selected=move || chosen.get().as_ref() == Some(&own)>{key.to_string()}</option> }
                    })
                    .collect();
                view! {
                    <label class="line">
                        <span class="form-title nowrap">{strings::TRIGGER}</span>
                        <select class="input" on:change=move |event| editor.trigger.set(Some(event_target_value(&event)))>{options}</select>
                    </label>
                }
            })
        })
    };
    view! {
        <div class="drawer-columns">
            <div class="stack tight">
                {pick}
                {move || match chosen.get() {
                    None => view! { <p class="muted">{strings::NO_TRIGGER}</p> }.into_any(),
                    Some(key) => {
                        let built_in = editor.kinds.with_untracked(|kinds| {
                            editor.definition.with_untracked(|definition| {
                                definition.graph.nodes.get(&key).and_then(|node| kinds.of_node(node)).map(|kind| kind.sample.clone())
                            })
                        });
                        sample::editor(key.to_string(), built_in.unwrap_or_default(), "drawer-sample")
                    }
                }}
            </div>
            <Show when=move || caught.with(Option::is_some)><catch::Catching trigger=caught/></Show>
        </div>
    }
    .into_any()
}
