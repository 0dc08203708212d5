//! Publishing a version and starting a real run of it.

use holon_model::wire::{
    flows::{Publish, Severity, Webhook},
    runs::StartRun,
};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{
    dialogs, save,
    store::{Asking, Editor, Tab, use_editor},
    strings,
};
use crate::{
    flows::api,
    ports::use_ports,
    runs,
    ui::{Dialog, code, copyable, focus_inside, icon},
};

/// The dialog: what changed, then the version with its hash and addresses.
#[component]
pub(super) fn PublishDialog() -> impl IntoView {
    let editor = use_editor();
    let open = dialogs::asked(|asking| *asking == Asking::Publish);
    let message = RwSignal::new(String::new());
    let working = RwSignal::new(false);
    let done = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let ports = StoredValue::new(use_ports());
    Effect::new(move |_| {
        if open.get() {
            done.set(false);
            wrong.set(None);
        }
    });
    let errors = Memo::new(move |_| {
        editor.preview.with(|preview| preview.diagnostics.iter().any(|found| found.severity == Severity::Error))
    });
    let publish = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if working.get_untracked() || errors.get_untracked() {
            return;
        }
        working.set(true);
        wrong.set(None);
        spawn_local(async move {
            let result = send(editor, message.try_get_untracked().unwrap_or_default()).await;
            working.try_set(false);
            match result {
                Ok(()) => {
                    done.try_set(true);
                    focus_inside();
                    message.try_set(String::new());
                    // The addresses come with the flow.
                    let Some(ports) = ports.try_get_value() else { return };
                    if let Ok(flow) = ports.flows.get(editor.flow).await {
                        editor.webhooks.try_set(flow.webhooks);
                    }
                }
                Err(reason) => {
                    wrong.try_set(Some(reason));
                }
            }
        });
    };
    view! {
        <Dialog open title=strings::PUBLISH_TITLE.to_owned() wide=true>
            {move || if done.get() {
                published(editor)
            } else {
                view! {
                    <form method="post" class="stack" on:submit=publish>
                        <p class="muted">{strings::PUBLISH_TEXT}</p>
                        <div class="field">
                            <label for="publish-message">{strings::MESSAGE}" "<span class="optional">{strings::OPTIONAL}</span></label>
                            <input class="input" id="publish-message" autocomplete="off" prop:value=message on:input=move |event| message.set(event_target_value(&event))/>
                        </div>
                        <Show when=move || errors.get()><p class="form-problem">{strings::CANNOT_PUBLISH}</p></Show>
                        {move || wrong.get().map(|reason| view! { <p class="form-problem" role="alert">{reason}</p> })}
                        <div class="dialog-foot">
                            <Show when=move || errors.get()>
                                <button type="button" class="button" on:click=move |_| { editor.asking.set(None); editor.drawer.set(Some(Tab::Problems)); }>{strings::PROBLEMS}</button>
                            </Show>
                            <button type="submit" class="button primary" disabled=move || working.get() || errors.get() aria-busy=move || working.get().to_string()>{strings::PUBLISH}</button>
                        </div>
                    </form>
                }.into_any()
            }}
        </Dialog>
    }
    .into_any()
}

async fn send(editor: Editor, message: String) -> Result<(), String> {
    if !save::now(editor).await {
        return Err("The draft could not be saved first.".into());
    }
    let version = api::publish(editor.flow, &Publish { message }).await.map_err(|problem| problem.detail)?;
    editor.said.try_set(format!("Published version {}", version.version));
    editor.published.try_set(Some(version));
    Ok(())
}

fn published(editor: Editor) -> AnyView {
    let sample = move |webhook: &Webhook| {
        let body = editor.definition.with(|definition| {
            let sample = definition.samples.get(&webhook.node).cloned();
            let sample = sample.or_else(|| {
                let node = definition.graph.nodes.get(webhook.node.as_str())?;
                editor.kinds.with(|kinds| kinds.of_node(node).map(|kind| kind.sample.clone()))
            });
            sample.and_then(|value| value.get("body").cloned()).unwrap_or_default()
        });
        body.to_json().replace('\'', "'\\''")
    };
    let address = move |webhook: Webhook| {
        let line = format!(
            "curl -X {} '{}' -H 'content-type: application/json' -d '{}'",
            webhook.method,
            webhook.url,
            sample(&webhook)
        );
        view! {
            <div class="stack tight">
                <span class="form-title">{strings::WEBHOOK}" "<code class="muted">{webhook.node}</code></span>
                {copyable(webhook.url, "the webhook address")}
                <span class="form-title">{strings::TRY_IT}</span>
                {code(line, "the command", true)}
            </div>
        }
        .into_any()
    };
    view! {
        {move || editor.published.get().map(|version| view! {
            <p class="line" role="status">{icon("circle-check")}{format!("{} version {}", strings::PUBLISHED, version.version)}</p>
            <dl class="facts"><div><dt>"Hash"</dt><dd>{copyable(version.hash, "the hash")}</dd></div></dl>
        })}
        {move || editor.webhooks.get().into_iter().map(address).collect::<Vec<_>>()}
        <div class="dialog-foot">
            <button type="button" class="button primary" on:click=move |_| editor.asking.set(None)>{strings::CLOSE}</button>
        </div>
    }
    .into_any()
}

/// Starts a run of the published version with the trigger's sample, and goes to it.
pub(super) fn run(editor: Editor, go: impl Fn(String) + 'static) {
    if editor.published.get_untracked().is_none() {
        editor.toasts.bad(strings::RUN_UNPUBLISHED);
        editor.asking.set(Some(Asking::Publish));
        return;
    }
    let input = editor.preview.with_untracked(|preview| preview.input.clone()).unwrap_or_default();
    let trigger = editor.trigger.get_untracked();
    let hash = editor.preview.with_untracked(|preview| preview.hash.clone());
    let old = editor
        .published
        .with_untracked(|version| version.as_ref().is_some_and(|version| !hash.is_empty() && version.hash != hash));
    spawn_local(async move {
        match runs::api::start(editor.flow, &StartRun { input, trigger }).await {
            Ok(started) => {
                editor.toasts.good(if old { strings::RUN_OLD } else { strings::RUN_STARTED });
                go(format!("/runs/{}", started.id));
            }
            Err(problem) => editor.toasts.bad(problem.detail),
        }
    });
}
