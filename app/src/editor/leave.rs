//! Leaving the editor for another page of the app while something cannot be saved: the link asks first.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, MouseEvent};

use super::{
    dialogs,
    store::{Asking, Editor, Saving, use_editor},
    strings,
};
use crate::ui::{Dialog, dom};

/// Where a press would lead inside the app, if it is a plain press of a link.
fn target(event: &MouseEvent) -> Option<String> {
    if event.button() != 0 || event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key() {
        return None;
    }
    let pressed = event.target()?.dyn_into::<Element>().ok()?;
    let link = pressed.closest("a[href]").ok().flatten()?;
    let elsewhere = link.has_attribute("download")
        || link.get_attribute("target").is_some_and(|target| target != "_self")
        || link.get_attribute("rel").is_some_and(|rel| rel.split_whitespace().any(|word| word == "external"));
    link.get_attribute("href").filter(|href| !elsewhere && href.starts_with('/') && !href.starts_with("//"))
}

/// While a save fails or is refused, links ask before they lead away. What cannot be asked is saved on the way, or said.
pub(super) fn guard(editor: Editor) {
    let Some(document) = dom::document() else { return };
    let heard = Closure::<dyn FnMut(MouseEvent)>::new(move |event: MouseEvent| {
        let stuck = matches!(editor.saving.try_get_untracked(), Some(Saving::Failed | Saving::Stale))
            || editor.wrong.try_with_untracked(Option::is_some) == Some(true);
        if let Some(href) = target(&event).filter(|_| stuck) {
            event.prevent_default();
            // The router listens further out.
            event.stop_propagation();
            editor.asking.try_set(Some(Asking::Leave(href)));
        }
    });
    // While it goes down: before the link and the router hear it.
    let _ = document.add_event_listener_with_callback_and_bool("click", heard.as_ref().unchecked_ref(), true);
    let kept = StoredValue::new_local(Some((document, heard)));
    on_cleanup(move || {
        if let Some((document, heard)) = kept.try_update_value(Option::take).flatten() {
            let _ =
                document.remove_event_listener_with_callback_and_bool("click", heard.as_ref().unchecked_ref(), true);
        }
    });
}

/// The question.
#[component]
pub(super) fn LeaveDialog() -> impl IntoView {
    let editor = use_editor();
    let open = dialogs::asked(|asking| matches!(asking, Asking::Leave(_)));
    let navigate = StoredValue::new_local(use_navigate());
    let leave = move |_| {
        let Some(Asking::Leave(href)) = editor.asking.get_untracked() else { return };
        editor.asking.set(None);
        // It was said to be lost: nothing is tried behind the person's back.
        editor.history.update_value(|history| _ = history.take_unsaved());
        editor.wrong.set(None);
        editor.saving.set(Saving::Saved);
        navigate.try_with_value(|navigate| navigate(&href, Default::default()));
    };
    view! {
        <Dialog open title=strings::LEAVE_TITLE.to_owned()>
            <p>{strings::LEAVE_TEXT}</p>
            <div class="dialog-foot">
                <button type="button" class="button danger" on:click=leave>{strings::LEAVE}</button>
                <button type="button" class="button primary" autofocus=true on:click=move |_| editor.asking.set(None)>{strings::STAY}</button>
            </div>
        </Dialog>
    }
    .into_any()
}
