//! Autosave: the commands since the last save, with the revision they were made on. A stale save is refused and explained.
//!
//! What saving needs outlives the page ([`Editor::keeper`]): going to another page of the app saves what was typed last.

use std::{cell::RefCell, time::Duration};

use holon_flow::Definition;
use holon_model::{Code, FlowId, Value, wire::flows::ApplyCommands};
use holon_studio::Command;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{
    store::{Asking, Editor, Saving},
    strings,
};
use crate::{
    flows::api::{self, FlowsPort},
    rest::Rest,
};

/// Quiet time before a save.
const QUIET: Duration = Duration::from_millis(700);
/// Time before a failed save is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Milliseconds before what was left behind is tried again.
const LEAVING_AGAIN: [u32; 2] = [1000, 3000];
/// Definitions that are remembered while no save is answered.
const LOST: usize = 16;

/// Whether a save that failed so may succeed when it is only sent again.
pub(super) fn passes(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::Internal | Code::TooManyRequests)
}

/// Saves when nothing changes for a moment.
pub(super) fn schedule(editor: Editor) {
    if editor.saving.get_untracked() == Saving::Stale {
        return;
    }
    editor.saving.set(Saving::Pending);
    later(editor, QUIET);
}

fn later(editor: Editor, after: Duration) {
    let handle = set_timeout_with_handle(move || soon(editor), after).ok();
    let before = editor.timer.try_update_value(|timer| std::mem::replace(timer, handle)).flatten();
    if let Some(before) = before {
        before.clear();
    }
}

/// Saves without waiting for it.
pub(super) fn soon(editor: Editor) {
    spawn_local(async move { _ = now(editor).await });
}

/// Saves everything that is not saved; says whether the server has it all.
pub(super) async fn now(editor: Editor) -> bool {
    loop {
        if editor.busy.try_get_value() != Some(false) {
            // Another save runs. Its end is near, or the editor is gone.
            if editor.busy.try_get_value().is_none() {
                return false;
            }
            pause(40).await;
            continue;
        }
        let Some(commands) = editor.history.try_update_value(|history| history.take_unsaved()) else { return false };
        if commands.is_empty() {
            return editor.saving.try_get_untracked() == Some(Saving::Saved);
        }
        editor.busy.try_update_value(|busy| *busy = true);
        let done = send(editor, commands).await;
        editor.busy.try_update_value(|busy| *busy = false);
        if !done {
            return false;
        }
    }
}

async fn send(editor: Editor, commands: Vec<Command>) -> bool {
    editor.saving.try_set(Saving::Running);
    let base_rev = editor.revision.try_get_value().unwrap_or_default();
    let body = ApplyCommands { base_rev, commands: commands.iter().map(Command::to_value).collect() };
    // Nothing else is unsaved: this is what the server has when it applied the commands.
    let sent = editor.definition.try_with_untracked(|definition| definition.to_value());
    match api::apply(editor.flow, &body).await {
        Ok(saved) => {
            reached(editor, saved.revision);
            true
        }
        Err(problem) if problem.code == Code::StaleRevision => {
            editor.history.try_update_value(|history| history.put_back(commands));
            if adopted(editor).await {
                return true;
            }
            editor.wrong.try_set(None);
            editor.saving.try_set(Saving::Stale);
            editor.asking.try_set(Some(Asking::Stale));
            false
        }
        Err(problem) => {
            editor.history.try_update_value(|history| history.put_back(commands));
            let again = passes(problem.code);
            if let Some(sent) = sent.filter(|_| again) {
                remember(editor, sent);
            }
            editor.wrong.try_set(Some(problem));
            editor.saving.try_set(Saving::Failed);
            // What is refused for good is sent again when something changes, or when it is asked for.
            if again && editor.timer.try_get_value().is_some() {
                later(editor, AGAIN);
            }
            false
        }
    }
}

/// The server has everything up to this revision.
fn reached(editor: Editor, revision: i64) {
    editor.revision.try_update_value(|now| *now = revision);
    editor.lost.try_update_value(Vec::clear);
    editor.wrong.try_set(None);
    let more = editor.history.try_with_value(|history| history.has_unsaved()).unwrap_or(false);
    editor.saving.try_set(if more { Saving::Pending } else { Saving::Saved });
}

/// An attempt without an answer may have been done all the same.
fn remember(editor: Editor, sent: Value) {
    editor.lost.try_update_value(|lost| {
        if !lost.contains(&sent) {
            if lost.len() == LOST {
                // The first one is the likeliest: those after it were refused if it was done.
                lost.remove(1);
            }
            lost.push(sent);
        }
    });
}

/// Whether the newer revision is our own save, whose answer was lost; then what came since is saved on top of it.
async fn adopted(editor: Editor) -> bool {
    let Some(lost) = editor.lost.try_get_value().filter(|lost| !lost.is_empty()) else { return false };
    let Ok(flow) = Rest.get(editor.flow).await else { return false };
    let Ok(there) = Definition::from_value(&flow.definition).map(|definition| definition.to_value()) else {
        return false;
    };
    if !lost.contains(&there) {
        return false;
    }
    let Some(commands) = editor.history.try_update_value(|history| history.take_unsaved()) else { return false };
    let Some(here) = editor.definition.try_with_untracked(|definition| definition.to_value()) else { return false };
    if here == there {
        reached(editor, flow.revision);
        return true;
    }
    match api::replace(editor.flow, flow.revision, &here).await {
        Ok(saved) => {
            reached(editor, saved.revision);
            true
        }
        Err(_) => {
            editor.history.try_update_value(|history| history.put_back(commands));
            false
        }
    }
}

/// Lets time pass.
pub(super) async fn pause(millis: u32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        set_timeout(move || _ = resolve.call0(&wasm_bindgen::JsValue::NULL), Duration::from_millis(millis.into()));
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

/// Closing the tab with unsaved changes asks first; a hidden tab saves at once, and so does one that is connected again.
pub(super) fn guard(editor: Editor) {
    let leaving = window_event_listener(leptos::ev::beforeunload, move |event| {
        if editor.saving.try_get_untracked().is_some_and(|saving| saving != Saving::Saved) {
            event.prevent_default();
        }
    });
    let hidden = window_event_listener(leptos::ev::blur, move |_| {
        if editor.saving.try_get_untracked() == Some(Saving::Pending) {
            soon(editor);
        }
    });
    let online = window_event_listener(leptos::ev::online, move |_| {
        if editor.saving.try_get_untracked() == Some(Saving::Failed) {
            soon(editor);
        }
    });
    on_cleanup(move || {
        leaving.remove();
        hidden.remove();
        online.remove();
        if let Some(timer) = editor.timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
        if unsaved(editor) || editor.busy.try_get_value() == Some(true) {
            leave(editor);
        }
    });
}

/// Whether there is something that the server does not have.
pub(super) fn unsaved(editor: Editor) -> bool {
    editor.history.try_with_value(|history| history.has_unsaved()) == Some(true)
}

thread_local! {
    /// Flows whose last changes are being saved although their editor is gone.
    static LEFT: RefCell<Vec<FlowId>> = const { RefCell::new(Vec::new()) };
}

/// Saves what the page leaves behind, and says when it cannot.
fn leave(editor: Editor) {
    let Some(keeper) = editor.keeper.try_get_value() else { return };
    LEFT.with_borrow_mut(|left| left.push(editor.flow));
    spawn_local(async move {
        let mut pauses = LEAVING_AGAIN.into_iter();
        while !now(editor).await && unsaved(editor) {
            let again = editor.wrong.try_with_untracked(|wrong| wrong.as_ref().is_some_and(|wrong| passes(wrong.code)));
            let Some(millis) = pauses.next().filter(|_| again == Some(true)) else {
                // The messages are the app's: they are shown on whatever page is there now.
                editor.toasts.bad(strings::LEFT_UNSAVED);
                break;
            };
            pause(millis).await;
        }
        LEFT.with_borrow_mut(|left| {
            if let Some(at) = left.iter().position(|flow| *flow == editor.flow) {
                left.swap_remove(at);
            }
        });
        drop(keeper);
    });
}

/// Waits, some seconds at most, until what an editor of this flow left behind is saved: it must not be read before.
pub(super) async fn settled(flow: FlowId) {
    const STEPS: u32 = 150;
    for _ in 0..STEPS {
        if !LEFT.with_borrow(|left| left.contains(&flow)) {
            return;
        }
        pause(40).await;
    }
}
