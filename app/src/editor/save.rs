//! Autosave: the commands since the last save, with the revision they were made on. A stale save is refused and explained.

use std::time::Duration;

use holon_model::{Code, wire::flows::ApplyCommands};
use holon_studio::Command;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::store::{Asking, Editor, Saving};
use crate::flows::api;

/// Quiet time before a save.
const QUIET: Duration = Duration::from_millis(700);
/// Time before a failed save is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Saves when nothing changes for a moment.
pub(super) fn schedule(editor: Editor) {
    if editor.saving.get_untracked() == Saving::Stale {
        return;
    }
    editor.saving.set(Saving::Pending);
    later(editor, QUIET);
}

fn later(editor: Editor, after: Duration) {
    let handle = set_timeout_with_handle(move || spawn_local(async move { _ = now(editor).await }), after).ok();
    let before = editor.timer.try_update_value(|timer| std::mem::replace(timer, handle)).flatten();
    if let Some(before) = before {
        before.clear();
    }
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
    match api::apply(editor.flow, &body).await {
        Ok(saved) => {
            editor.revision.try_update_value(|revision| *revision = saved.revision);
            let more = editor.history.try_with_value(|history| history.has_unsaved()).unwrap_or(false);
            editor.saving.try_set(if more { Saving::Pending } else { Saving::Saved });
            true
        }
        Err(problem) => {
            editor.history.try_update_value(|history| history.put_back(commands));
            if problem.code == Code::StaleRevision {
                editor.saving.try_set(Saving::Stale);
                editor.asking.try_set(Some(Asking::Stale));
            } else {
                editor.saving.try_set(Saving::Failed(problem.detail));
                if editor.timer.try_get_value().is_some() {
                    later(editor, AGAIN);
                }
            }
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

/// Leaving with unsaved changes asks first; a hidden tab saves at once.
pub(super) fn guard(editor: Editor) {
    let leaving = window_event_listener(leptos::ev::beforeunload, move |event| {
        if editor.saving.try_get_untracked().is_some_and(|saving| saving != Saving::Saved) {
            event.prevent_default();
        }
    });
    let hidden = window_event_listener(leptos::ev::blur, move |_| {
        if editor.saving.try_get_untracked() == Some(Saving::Pending) {
            spawn_local(async move { _ = now(editor).await });
        }
    });
    on_cleanup(move || {
        leaving.remove();
        hidden.remove();
        // Going to another page of the app keeps what was typed last.
        spawn_local(async move { _ = now(editor).await });
    });
}
