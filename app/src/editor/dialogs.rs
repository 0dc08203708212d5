//! Dialogs about the whole flow: a stale save explained, and the sheet of keys.

use holon_model::wire::flows::CreateFlow;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{
    store::{Asking, use_editor},
    strings,
};
use crate::{
    flows::api,
    ui::{Dialog, dom},
};

/// A signal for a dialog that is open while the editor asks `what`; closing it ends the question.
pub(super) fn asked(what: fn(&Asking) -> bool) -> RwSignal<bool> {
    let editor = use_editor();
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(editor.asking.with(|asking| asking.as_ref().is_some_and(what))));
    Effect::new(move |_| {
        if !open.get() && editor.asking.with_untracked(|asking| asking.as_ref().is_some_and(what)) {
            editor.asking.set(None);
        }
    });
    open
}

/// Somebody else saved first.
#[component]
pub(super) fn StaleDialog() -> impl IntoView {
    let editor = use_editor();
    let open = asked(|asking| *asking == Asking::Stale);
    let copying = RwSignal::new(false);
    let copy = move |_| {
        if copying.get_untracked() {
            return;
        }
        copying.set(true);
        spawn_local(async move {
            let Some(definition) = editor.definition.try_get_untracked() else { return };
            let mut mine = holon_flow::Definition::clone(&definition);
            mine.name = crate::flows::strings::copy_of(&mine.name);
            let body = CreateFlow { definition: Some(mine.to_value()), example: None, name: None };
            match api::create(&body).await {
                // Nothing is unsaved any more: all of it is in the copy.
                Ok(flow) => {
                    editor.history.try_update_value(|history| history.take_unsaved());
                    editor.saving.try_set(super::store::Saving::Saved);
                    dom::leave_for(&format!("/flows/{}", flow.id));
                }
                Err(problem) => {
                    copying.try_set(false);
                    editor.toasts.bad(problem.detail);
                }
            }
        });
    };
    view! {
        <Dialog open title=strings::STALE_TITLE.to_owned()>
            <p>{strings::STALE_TEXT}</p>
            <div class="dialog-foot">
                <button type="button" class="button" on:click=|_| dom::reload()>{strings::RELOAD}</button>
                <button type="button" class="button primary" autofocus=true disabled=copying on:click=copy>{strings::SAVE_COPY}</button>
            </div>
        </Dialog>
    }
    .into_any()
}

/// All keys.
#[component]
pub(super) fn KeysDialog() -> impl IntoView {
    let open = asked(|asking| *asking == Asking::Keys);
    view! {
        <Dialog open title=strings::KEYS.to_owned()>
            <dl class="shortcuts">
                {strings::SHORTCUTS.iter().map(|(keys, words)| view! { <div><dt><kbd>{*keys}</kbd></dt><dd>{*words}</dd></div> }).collect::<Vec<_>>()}
            </dl>
        </Dialog>
    }
    .into_any()
}
