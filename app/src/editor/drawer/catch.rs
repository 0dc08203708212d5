//! Catching a real delivery: a test address, and waiting for what is sent to it.

use holon_flow::definition::Key;
use holon_model::{Value, wire::flows::Catch};
use holon_studio::Command;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::{
    editor::{
        save,
        store::{Editor, use_editor},
        strings,
    },
    flows::api,
    ui::{code, copyable, icon},
};

/// Failures in a row after which waiting ends.
const PATIENCE: u32 = 5;

/// The button and, while waiting, the address.
#[component]
pub(super) fn Catching(
    /// The trigger whose sample is caught.
    trigger: Memo<Option<Key>>,
) -> impl IntoView {
    let editor = use_editor();
    let waiting = RwSignal::new(None::<Catch>);
    let start = move |_| {
        spawn_local(async move {
            match api::catch(editor.flow).await {
                Ok(catch) => {
                    waiting.try_set(Some(catch.clone()));
                    if let Some(value) = listen(editor, waiting, catch).await {
                        keep(editor, trigger, value);
                    }
                }
                Err(problem) => editor.toasts.bad(problem.detail),
            }
        });
    };
    view! {
        <div class="stack tight">
            {move || match waiting.get() {
                None => view! { <button type="button" class="button" on:click=start>{icon("radio")}{strings::CATCH}</button> }.into_any(),
                Some(catch) => {
                    let line = format!("curl -X POST '{}' -H 'content-type: application/json' -d '{{\"hello\":\"world\"}}'", catch.url);
                    view! {
                        <p role="status">{icon("loader-circle")}" "{strings::CATCHING}</p>
                        {copyable(catch.url, "the test address")}
                        {code(line, "the command", true)}
                        <button type="button" class="button small" on:click=move |_| waiting.set(None)>{strings::STOP}</button>
                    }.into_any()
                }
            }}
        </div>
    }
    .into_any()
}

/// Waits, 25 seconds at a time, until something comes or waiting is stopped.
async fn listen(editor: Editor, waiting: RwSignal<Option<Catch>>, catch: Catch) -> Option<Value> {
    let mut failures = 0;
    while waiting.try_get_untracked().flatten().is_some_and(|now| now.token == catch.token) {
        match api::caught(editor.flow, &catch.token).await {
            Ok(caught) if caught.value.is_some() => {
                waiting.try_set(None);
                return caught.value;
            }
            Ok(_) => failures = 0,
            Err(_) if failures < PATIENCE => {
                failures += 1;
                save::pause(1000).await;
            }
            Err(problem) => {
                waiting.try_set(None);
                editor.toasts.bad(problem.detail);
            }
        }
    }
    None
}

fn keep(editor: Editor, trigger: Memo<Option<Key>>, value: Value) {
    if let Some(key) = trigger.try_get_untracked().flatten() {
        editor.perform(Command::SetSample { path: key.to_string(), value: Some(value) });
        // What was caught is what is shown now.
        editor.trigger.try_set(Some(key.to_string()));
        editor.toasts.good(strings::CAUGHT);
    }
}
