//! The inspector: everything about what is selected. It knows kinds only by what they say of themselves.

mod complete;
mod data;
mod edge;
mod expression;
mod field;
mod flow;
mod head;
mod import;
mod inputs;
mod lists;
mod node;
mod options;
mod raw;
mod spot;
mod width;

use leptos::prelude::*;

use super::store::use_editor;

pub(super) use data::data;
pub(super) use node::OpenTab;
pub(super) use spot::Spot;

/// The panel on the right.
#[component]
pub(super) fn Inspector() -> impl IntoView {
    let editor = use_editor();
    // What is shown is drawn anew only when something else is selected, not on each keystroke.
    let shown = Memo::new(move |_| {
        let selection = editor.scene.selection.get();
        let path = editor.scene.path.get();
        let key = selection.single().cloned().filter(|key| {
            editor
                .definition
                .with(|definition| path.find(definition).is_some_and(|graph| graph.nodes.contains_key(key)))
        });
        (path, key, selection.edge, selection.nodes.len())
    });
    view! {
        <aside class="editor-inspector" aria-label=super::strings::SETTINGS>
            {width::handle()}
            <div class="inspector-body">
                {move || match shown.get() {
                    (path, Some(key), _, _) => node::node(path, key),
                    (_, None, Some(edge), _) => edge::edge(edge),
                    (_, None, None, count) if count > 1 => node::several(count),
                    _ => flow::flow(),
                }}
            </div>
        </aside>
    }
    .into_any()
}
