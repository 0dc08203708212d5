//! The flow as a tree: everything the canvas shows, in words, for those who do not use it.

use holon_studio::outline::{Item, outline};
use leptos::prelude::*;

use super::{store::use_editor, strings};
use crate::{
    canvas::Selection,
    ui::{keys, status},
};

/// The whole flow as nested lists.
#[component]
pub(super) fn Outline() -> impl IntoView {
    let editor = use_editor();
    let items = Memo::new(move |_| {
        editor
            .definition
            .with(|definition| editor.kinds.with(|kinds| outline(definition, &holon_studio::GraphPath::root(), kinds)))
    });
    view! {
        <nav class="outline" aria-label=strings::OUTLINE on:keydown=move |event| keys::vertical(&event, ".outline-item")>
            <ul>{move || items.get().into_iter().map(|item| branch(item, 0)).collect::<Vec<_>>()}</ul>
        </nav>
    }
    .into_any()
}

fn branch(item: Item, depth: usize) -> AnyView {
    let editor = use_editor();
    let (path, key) = (item.path.clone(), item.key.clone());
    let state = {
        let (path, key) = (path.clone(), key.clone());
        Memo::new(move |_| {
            editor.preview.with(|preview| {
                holon_studio::states::find(&path, &[], &key, &preview.nodes)
                    .map(|node| node.status.clone())
                    .unwrap_or_default()
            })
        })
    };
    let selected = {
        let (path, key) = (path.clone(), key.clone());
        Memo::new(move |_| {
            editor.scene.path.with(|at| *at == path)
                && editor.scene.selection.with(|selection| *selection == Selection::node(&key))
        })
    };
    let name = {
        let item = item.clone();
        move || item.name(if state.with(String::is_empty) { "" } else { status::word(&state.get()) })
    };
    let leads: Vec<String> = item
        .leads
        .iter()
        .filter(|(_, keys)| !keys.is_empty())
        .map(|(port, keys)| format!("{port} → {}", keys.iter().map(|key| &**key).collect::<Vec<_>>().join(", ")))
        .collect();
    let bodies = item.bodies.clone().into_iter().map(move |(body, items)| {
        view! {
            <div class="outline-body" style=format!("--depth:{}", depth + 1)>{body.to_string()}</div>
            <ul aria-label=body.to_string()>{items.into_iter().map(|item| branch(item, depth + 1)).collect::<Vec<_>>()}</ul>
        }
        .into_any()
    });
    view! {
        <li>
            <button
                type="button"
                class="outline-item"
                aria-current=move || if selected.get() { "true" } else { "false" }
                aria-label=name
                style=format!("--depth:{depth}")
                on:click=move |_| editor.go_to(path.clone(), &key)
            >
                <span class="outline-key truncate">{item.key.to_string()}</span>
                {move || (!state.with(String::is_empty)).then(|| status::status_icon(&state.get()))}
                <span class="outline-leads truncate">{leads.join(" · ")}</span>
            </button>
            {bodies.collect::<Vec<_>>()}
        </li>
    }
    .into_any()
}
