//! The address of a trigger of the published version: what to copy, and for programs a command that sends the sample to it.

use holon_model::{Value, wire::flows::Webhook};
use leptos::prelude::*;

use super::{store::Editor, strings};
use crate::ui::{code, copyable};

/// The address of one trigger; the command is unfolded where it is what one does next.
pub(super) fn address(editor: Editor, webhook: Webhook, unfolded: bool) -> AnyView {
    let title = if webhook.is_form { strings::FORM } else { strings::WEBHOOK };
    let line = (!webhook.is_form).then(|| {
        let Webhook { method, url, .. } = &webhook;
        let body = sample(editor, &webhook);
        match signature(editor, &webhook) {
            None => format!("curl -X {method} '{url}' -H 'content-type: application/json' -d '{body}'"),
            Some(signature) => signed(method, url, &body, &signature),
        }
    });
    let key = signature(editor, &webhook)
        .map(|signature| view! { <p class="hint">{strings::signed(&signature.connection)}</p> });
    view! {
        <div class="stack tight">
            <span class="form-title">{title}" "<code class="muted">{webhook.node}</code></span>
            {copyable(webhook.url, strings::THE_ADDRESS)}
            {line.map(|line| view! {
                <details class="form-more" open=unfolded>
                    <summary>{strings::TRY_IT}</summary>
                    {key}
                    {code(line, strings::THE_COMMAND, true)}
                </details>
            })}
        </div>
    }
    .into_any()
}

/// How deliveries to a trigger are signed.
struct Signature {
    connection: String,
    scheme: String,
    header: String,
}

/// How the trigger wants them signed, if it does.
fn signature(editor: Editor, webhook: &Webhook) -> Option<Signature> {
    editor.definition.with_untracked(|definition| {
        let hmac = definition.graph.nodes.get(webhook.node.as_str())?.config.pointer("/auth/hmac")?;
        let text = |name: &str, absent: &str| hmac.get(name).and_then(Value::as_str).unwrap_or(absent).to_owned();
        Some(Signature {
            connection: text("connection", ""),
            scheme: text("scheme", "hex"),
            header: text("header", "X-Signature"),
        })
    })
}

/// A command that signs what it sends with the key in `KEY`, as `capabilities/triggers` checks it.
fn signed(method: &str, url: &str, body: &str, signature: &Signature) -> String {
    let start = format!("KEY='…'\nBODY='{body}'\n");
    let hex = "openssl dgst -sha256 -hmac \"$KEY\" -r | cut -d' ' -f1";
    let header = match signature.scheme.as_str() {
        "github" => format!("X-Hub-Signature-256: sha256=$(printf %s \"$BODY\" | {hex})"),
        "base64" => {
            let name = &signature.header;
            format!("{name}: $(printf %s \"$BODY\" | openssl dgst -sha256 -hmac \"$KEY\" -binary | base64)")
        }
        "standard" => return standard(&start, method, url),
        _ => format!("{}: $(printf %s \"$BODY\" | {hex})", signature.header),
    };
    format!(
        "{start}curl -X {method} '{url}' -H 'content-type: application/json' \\\n  -H \"{header}\" \\\n  -d \"$BODY\""
    )
}

/// Standard Webhooks sign an id and the time too; their keys are written in base64 after `whsec_`.
fn standard(start: &str, method: &str, url: &str) -> String {
    let key = "HEX=$(case \"$KEY\" in whsec_*) printf %s \"${KEY#whsec_}\" | base64 -d;; *) printf %s \"$KEY\";; esac | od -An -v -tx1 | tr -d ' \\n')";
    let sign = "SIGNATURE=$(printf '%s.%s.%s' \"$ID\" \"$AT\" \"$BODY\" | openssl dgst -sha256 -mac HMAC -macopt \"hexkey:$HEX\" -binary | base64)";
    format!(
        "{start}ID=msg_$(date +%s) AT=$(date +%s)\n{key}\n{sign}\ncurl -X {method} '{url}' -H 'content-type: application/json' \\\n  \
         -H \"webhook-id: $ID\" -H \"webhook-timestamp: $AT\" -H \"webhook-signature: v1,$SIGNATURE\" \\\n  -d \"$BODY\""
    )
}

/// The body of the trigger's sample, as a shell takes it between single quotes.
fn sample(editor: Editor, webhook: &Webhook) -> String {
    let body = editor.definition.with_untracked(|definition| {
        let sample = definition.samples.get(&webhook.node).cloned();
        let sample = sample.or_else(|| {
            let node = definition.graph.nodes.get(webhook.node.as_str())?;
            editor.kinds.with_untracked(|kinds| kinds.of_node(node).map(|kind| kind.sample.clone()))
        });
        sample.and_then(|value| value.get("body").cloned()).unwrap_or_default()
    });
    body.to_json().replace('\'', "'\\''")
}
