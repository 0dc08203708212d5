//! Catching a real delivery: a test address, and waiting for what is sent to it.

use holon_flow::definition::Key;
use holon_model::{Value, wire::flows::Catch};
use holon_studio::{Command, private};
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
    // The editor's: waiting goes on while the drawer shows something else.
    let waiting = editor.catching;
    let opening = RwSignal::new(false);
    let start = move |_| {
        let Some(trigger) = trigger.get_untracked().filter(|_| !opening.get_untracked()) else { return };
        opening.set(true);
        spawn_local(async move {
            let opened = api::catch(editor.flow).await;
            opening.try_set(false);
            match opened {
                Ok(catch) => {
                    waiting.try_set(Some(catch.clone()));
                    if let Some(value) = listen(editor, waiting, catch).await {
                        keep(editor, &trigger, value);
                    }
                }
                Err(problem) => editor.toasts.bad(problem.detail),
            }
        });
    };
    view! {
        <div class="stack tight">
            {move || match waiting.get() {
                None => view! { <button type="button" class="button" disabled=opening on:click=start>{icon("radio")}{strings::CATCH}</button> }.into_any(),
                Some(catch) => {
                    let line = format!("curl -X POST '{}' -H 'content-type: application/json' -d '{{\"hello\":\"world\"}}'", catch.url);
                    view! {
                        <p role="status">{icon("loader-circle")}" "{strings::CATCHING}</p>
                        {copyable(catch.url, strings::THE_TEST_ADDRESS)}
                        {code(line, strings::THE_COMMAND, true)}
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
    let wanted = || waiting.try_get_untracked().flatten().is_some_and(|now| now.token == catch.token);
    while wanted() {
        match api::caught(editor.flow, &catch.token).await {
            // Waiting was stopped meanwhile: what comes late changes nothing.
            _ if !wanted() => break,
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

fn keep(editor: Editor, trigger: &Key, value: Value) {
    let config = editor
        .definition
        .try_with_untracked(|definition| definition.graph.nodes.get(trigger).map(|node| node.config.clone()));
    let Some(config) = config.flatten() else { return editor.toasts.bad(strings::CAUGHT_FOR_NONE) };
    let (value, left_out) = private::left_out(&value, &config);
    editor.perform(Command::SetSample { path: trigger.to_string(), value: Some(value) });
    // What was caught is what is shown now.
    editor.trigger.try_set(Some(trigger.to_string()));
    editor.toasts.good(strings::caught(&left_out));
}
