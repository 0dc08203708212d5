//! The inspector: everything about what is selected. It knows kinds only by what they say of themselves.

mod address;
mod cache;
mod complete;
mod data;
mod edge;
mod expression;
mod field;
mod flow;
mod head;
mod help;
mod import;
mod inputs;
mod limits;
mod lists;
mod node;
mod options;
mod raw;
mod refuse;
mod result;
mod setting;
mod spot;
mod width;

use leptos::prelude::*;

use super::store::use_editor;
use crate::ui::icon;

pub(super) use data::data;
pub(super) use result::ID as RESULT_FIELD;
pub(super) use spot::Spot;

/// The panel on the right.
#[component]
pub(super) fn Inspector() -> impl IntoView {
    let editor = use_editor();
    // What is shown is drawn anew only when something else is selected, not on each keystroke.
    let shown = Memo::new(move |_| {
        let selection = editor.scene.selection.get();
        let path = editor.scene.path.get();
        let node = selection.single().cloned().and_then(|key| {
            editor.definition.with(|definition| {
                let kind = path.find(definition)?.nodes.get(&key)?.kind.to_string();
                Some((key, kind))
            })
        });
        // A node of another kind has another form, and one whose kind is not loaded yet has none.
        let unknown = editor.kinds.with(|kinds| kinds.is_empty());
        (path, node, selection.edge, selection.nodes.len(), unknown)
    });
    let picked =
        move || editor.scene.selection.with(|selection| !selection.nodes.is_empty() || selection.edge.is_some());
    view! {
        <aside class="editor-inspector" class:picked=picked aria-label=super::strings::SETTINGS>
            {width::handle()}
            // On a narrow page it lies above the canvas while something is selected.
            <button
                type="button"
                class="button ghost only-icon narrow-only inspector-close"
                aria-label=crate::ui::strings::CLOSE
                on:click=move |_| editor.scene.selection.set(Default::default())
            >
                {icon("x")}
            </button>
            <div class="inspector-body">
                {move || match shown.get() {
                    (path, Some((key, _)), ..) => node::node(path, key),
                    (_, None, Some(edge), ..) => edge::edge(edge),
                    (_, None, None, count, _) if count > 1 => node::several(count),
                    _ => flow::flow(),
                }}
            </div>
        </aside>
    }
    .into_any()
}
