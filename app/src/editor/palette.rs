//! The palette: all kinds, found by words, added by click, Enter or by dragging them onto the canvas.

use leptos::{ev, prelude::*};

use super::{
    store::{Adding, Editor, use_editor},
    strings,
};
use crate::ui::{dom, icon, words as words_of};

/// Shows the palette and moves the focus into its search.
pub(super) fn focus(editor: Editor) {
    if editor.side.get_untracked() == SIDE {
        // At once: what is typed next is meant for it.
        return dom::focus("#kind-search");
    }
    editor.side.set(SIDE);
    // It is drawn first.
    set_timeout(|| dom::focus("#kind-search"), std::time::Duration::ZERO);
}

/// The tab of the left panel that shows the palette.
pub(super) const SIDE: &str = "nodes";

/// A kind as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    id: String,
    title: String,
    summary: String,
    icon: String,
    group: String,
}

/// The list with its search.
#[component]
pub(super) fn Palette() -> impl IntoView {
    let editor = use_editor();
    let words = RwSignal::new(String::new());
    let active = RwSignal::new(0usize);
    let found = Memo::new(move |_| {
        let adding = editor.adding.get();
        let needs_input = adding.after.is_some() || adding.edge.is_some();
        let inside = editor.scene.path.with(|path| !path.is_root());
        editor.kinds.with(|kinds| {
            let mut entries: Vec<Entry> = kinds
                .search(&words.get())
                .into_iter()
                .filter(|kind| !(needs_input && kind.inputs.is_empty() || inside && kind.trigger))
                .map(|kind| Entry {
                    id: kind.id.clone(),
                    title: kind.title.clone(),
                    summary: kind.summary.clone(),
                    icon: kind.icon.clone(),
                    group: kind.category.clone(),
                })
                .collect();
            if words.with(String::is_empty) {
                // Without words the groups stand in one order, triggers first.
                entries
                    .sort_by_key(|entry| (kinds.get(&entry.id).is_none_or(|kind| !kind.trigger), entry.group.clone()));
            }
            entries
        })
    });
    Effect::new(move |_| {
        words.track();
        active.set(0);
    });
    // Asked for with a place or a port: the search takes the focus.
    Effect::new(move |_| {
        if editor.adding.with(|adding| *adding != Adding::default()) {
            words.set(String::new());
            dom::focus("#kind-search");
        }
    });
    let choose = move |id: &str| {
        editor.add(id);
        words.set(String::new());
        dom::focus("#canvas");
    };
    let press = move |event: ev::KeyboardEvent| {
        let count = found.with(Vec::len);
        match event.key().as_str() {
            "ArrowDown" => active.update(|at| *at = (*at + 1).min(count.saturating_sub(1))),
            "ArrowUp" => active.update(|at| *at = at.saturating_sub(1)),
            "Enter" => {
                if let Some(entry) = found.with(|found| found.get(active.get_untracked()).cloned()) {
                    choose(&entry.id);
                }
            }
            "Escape" => {
                words.set(String::new());
                editor.adding.set(Adding::default());
                dom::focus("#canvas");
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
        dom::reveal(&format!("#kind-{}", active.get_untracked()));
    };
    let context = move || {
        let adding = editor.adding.get();
        let words =
            adding.after.map(|port| strings::after(&port)).or_else(|| adding.edge.map(|edge| edge.replace('>', " → ")));
        words.map(|words| {
            view! {
                <p class="palette-context">
                    <span class="truncate">{words}</span>
                    <button type="button" class="button ghost small only-icon" aria-label=strings::CLOSE on:click=move |_| editor.adding.set(Adding::default())>{icon("x")}</button>
                </p>
            }
        })
    };
    view! {
        <div class="kinds">
            <label class="search">
                {icon("search")}
                <span class="hidden-visually">{strings::PALETTE}</span>
                <input
                    id="kind-search"
                    class="input"
                    type="search"
                    placeholder=strings::FIND_KIND
                    autocomplete="off"
                    role="combobox"
                    aria-expanded=move || found.with(|found| !found.is_empty()).to_string()
                    aria-controls="kind-list"
                    aria-activedescendant=move || found.with(|found| !found.is_empty()).then(|| format!("kind-{}", active.get()))
                    prop:value=words
                    on:input=move |event| words.set(event_target_value(&event))
                    on:keydown=press
                />
            </label>
            {context}
            {move || found.with(Vec::is_empty).then(|| {
                // Without kinds no words would help.
                let why = editor.trouble.get().filter(|_| editor.kinds.with(|kinds| kinds.is_empty()));
                let none = match why {
                    Some(trouble) => view! {
                        {words_of(&trouble)}" "
                        <button type="button" class="button ghost small" on:click=move |_| editor.again()>{strings::AGAIN}</button>
                    }
                    .into_any(),
                    None => strings::NO_KIND.into_any(),
                };
                view! { <p class="muted kind-none" role="status">{none}</p> }
            })}
            <div id="kind-list" class="kind-list" role="listbox" aria-label=strings::PALETTE hidden=move || found.with(Vec::is_empty)>
                {move || {
                    let entries = found.get();
                    let grouped = words.with(String::is_empty);
                    let mut last = String::new();
                    entries
                        .into_iter()
                        .enumerate()
                        .map(|(index, entry)| {
                            let head = (grouped && entry.group != last).then(|| entry.group.clone());
                            last.clone_from(&entry.group);
                            view! {
                                {head.map(|head| view! { <div class="kind-group" role="presentation">{head}</div> })}
                                {option(index, entry, active, choose, words)}
                            }
                        })
                        .collect::<Vec<_>>()
                }}
            </div>
        </div>
    }
    .into_any()
}

fn option(
    index: usize,
    entry: Entry,
    active: RwSignal<usize>,
    choose: impl Fn(&str) + Copy + 'static,
    words: RwSignal<String>,
) -> AnyView {
    let (id, dragged) = (entry.id.clone(), entry.id);
    let drag = move |event: ev::DragEvent| {
        if let Some(transfer) = event.data_transfer() {
            let _ = transfer.set_data("application/x-holon-kind", &dragged);
            transfer.set_effect_allowed("copy");
        }
    };
    view! {
        <div
            class="kind"
            id=format!("kind-{index}")
            role="option"
            draggable="true"
            aria-selected=move || if active.get() == index { "true" } else { "false" }
            title=entry.summary
            on:click=move |_| choose(&id)
            on:dragstart=drag
            on:dragend=move |_| words.set(String::new())
            on:pointerenter=move |_| active.set(index)
        >
            <span class="node-icon">{icon(&entry.icon)}</span>
            <span class="truncate">{entry.title}</span>
        </div>
    }
    .into_any()
}
