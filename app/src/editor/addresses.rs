//! The address of a trigger of the published version: what to copy, and for programs a command that sends the sample to it.

use holon_model::wire::flows::Webhook;
use leptos::prelude::*;

use super::{store::Editor, strings};
use crate::ui::{code, copyable};

/// The address of one trigger; the command is unfolded where it is what one does next.
pub(super) fn address(editor: Editor, webhook: Webhook, unfolded: bool) -> AnyView {
    let title = if webhook.is_form { strings::FORM } else { strings::WEBHOOK };
    let line = (!webhook.is_form).then(|| {
        let Webhook { method, url, .. } = &webhook;
        format!("curl -X {method} '{url}' -H 'content-type: application/json' -d '{}'", sample(editor, &webhook))
    });
    view! {
        <div class="stack tight">
            <span class="form-title">{title}" "<code class="muted">{webhook.node}</code></span>
            {copyable(webhook.url, strings::THE_ADDRESS)}
            {line.map(|line| view! {
                <details class="form-more" open=unfolded>
                    <summary>{strings::TRY_IT}</summary>
                    {code(line, strings::THE_COMMAND, true)}
                </details>
            })}
        </div>
    }
    .into_any()
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
