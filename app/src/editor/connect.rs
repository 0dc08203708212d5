//! Connecting without dragging: an output, and a list of what it can lead to.

use holon_studio::compose;
use leptos::prelude::*;

use super::{
    dialogs, palette,
    store::{Adding, Asking, use_editor},
    strings,
};
use crate::ui::{Dialog, close_at_once, dom, icon, keys};

/// The dialog "Connect to …".
#[component]
pub(super) fn ConnectDialog() -> impl IntoView {
    let editor = use_editor();
    let from = Memo::new(move |_| match editor.asking.get() {
        Some(Asking::Connect(from)) => Some(from),
        _ => None,
    });
    let open = dialogs::asked(|asking| matches!(asking, Asking::Connect(_)));
    let title = Signal::derive(move || from.get().map(|from| strings::connect_title(&from)).unwrap_or_default());
    let targets = Memo::new(move |_| {
        let from = from.get().unwrap_or_default();
        editor.definition.with(|definition| {
            editor.kinds.with(|kinds| compose::targets(definition, &editor.scene.path.get(), kinds, &from))
        })
    });
    let outputs = Memo::new(move |_| {
        let from = from.get()?;
        let (key, _) = from.split_once('.')?;
        editor.scene.view.with(|view| view.nodes.get(key).map(|node| (key.to_owned(), node.outputs.clone())))
    });
    Effect::new(move |_| {
        if open.get() {
            set_timeout(|| dom::focus(".connect-list button"), std::time::Duration::from_millis(0));
        }
    });
    let choose = move |to: String| {
        if let Some(from) = from.get_untracked() {
            close_at_once();
            editor.asking.set(None);
            editor.connect(&from, &to);
            dom::focus("#canvas");
        }
    };
    let add = move |_| {
        let after = from.get_untracked();
        // What is typed next is meant for the palette's search, not for the canvas.
        close_at_once();
        editor.asking.set(None);
        editor.adding.set(Adding { after, ..Adding::default() });
        palette::focus(editor);
    };
    view! {
        <Dialog open title>
            {move || outputs.get().filter(|(_, ports)| ports.len() > 1).map(|(key, ports)| {
                let chosen = from.get().unwrap_or_default();
                let ports = ports.into_iter().map(|port| {
                    let name = format!("{key}.{port}");
                    let pressed = name == chosen;
                    view! {
                        <button type="button" aria-pressed=pressed.to_string() on:click=move |_| editor.asking.set(Some(Asking::Connect(name.clone())))>
                            {port}
                        </button>
                    }
                });
                view! { <div class="segments" role="group" aria-label=strings::OUTPUTS>{ports.collect::<Vec<_>>()}</div> }
            })}
            <div class="connect-list" on:keydown=move |event| keys::vertical(&event, "button")>
                {move || targets.get().into_iter().map(|to| {
                    let target = to.clone();
                    view! { <button type="button" class="button ghost block" on:click=move |_| choose(target.clone())>{icon("arrow-right")}{to}</button> }
                }).collect::<Vec<_>>()}
                <Show when=move || targets.with(Vec::is_empty)><p class="muted">{strings::NO_TARGETS}</p></Show>
                <button type="button" class="button ghost block" on:click=add>{icon("plus")}{strings::ADD_AFTER}</button>
            </div>
        </Dialog>
    }
    .into_any()
}
