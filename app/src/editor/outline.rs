//! The flow as a tree: everything the canvas shows, in words, for those who do not use it.

use holon_studio::outline::{Item, outline};
use leptos::prelude::*;

use super::{store::use_editor, strings};
use crate::{
    canvas::Selection,
    ui::{icon, keys, status},
};

/// The tree of the whole flow.
#[component]
pub(super) fn Outline() -> impl IntoView {
    let editor = use_editor();
    let items = Memo::new(move |_| {
        editor
            .definition
            .with(|definition| editor.kinds.with(|kinds| outline(definition, &holon_studio::GraphPath::root(), kinds)))
    });
    view! {
        <div class="outline" role="tree" aria-label=strings::OUTLINE on:keydown=move |event| keys::vertical(&event, "[role=treeitem]")>
            {move || items.get().into_iter().map(|item| branch(item, 1)).collect::<Vec<_>>()}
        </div>
    }
    .into_any()
}

fn branch(item: Item, level: usize) -> AnyView {
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
            <div role="group" aria-label=body.to_string()>
                <div class="outline-body" style=format!("--depth:{level}")>{body.to_string()}</div>
                {items.into_iter().map(|item| branch(item, level + 1)).collect::<Vec<_>>()}
            </div>
        }
        .into_any()
    });
    view! {
        <button
            type="button"
            class="outline-item"
            role="treeitem"
            {..leptos::attr::custom::custom_attribute("aria-level", level.to_string())}
            aria-selected=move || if selected.get() { "true" } else { "false" }
            aria-label=name
            style=format!("--depth:{}", level - 1)
            on:click=move |_| editor.go_to(path.clone(), &key)
        >
            <span class="outline-key truncate">{item.key.to_string()}</span>
            {move || (!state.with(String::is_empty)).then(|| status::status_icon(&state.get()))}
            <span class="outline-leads truncate">{leads.join(" · ")}</span>
            {(!item.bodies.is_empty()).then(|| icon("chevron-down"))}
        </button>
        {bodies.collect::<Vec<_>>()}
    }
    .into_any()
}
