//! What comes out of the preview: the result or the failure, and the log hash.

use leptos::prelude::*;

use crate::{
    editor::{inspector::data, store::use_editor, strings},
    ui::{copyable, words},
};

pub(super) fn output() -> AnyView {
    let editor = use_editor();
    view! {
        <div class="drawer-columns">
            {move || editor.preview.with(|preview| {
                if preview.status.is_empty() {
                    let words = if preview.diagnostics.is_empty() { strings::STARTING } else { strings::NOT_RUN };
                    return view! { <p class="muted">{words}</p> }.into_any();
                }
                if let Some(error) = &preview.error {
                    return view! {
                        <div class="notice bad"><span class="title">{strings::ERROR}" "<code>{error.code.clone()}</code></span><span class="detail">{words(&error.message)}</span></div>
                    }.into_any();
                }
                let value = preview.output.clone().unwrap_or_default();
                data("data-result", strings::RESULT.to_owned(), value)
            })}
            <dl class="facts">
                {move || editor.preview.with(|preview| (!preview.log_hash.is_empty()).then(|| {
                    let sampled = preview.sampled.join(", ");
                    view! {
                        <div><dt>{strings::LOG_HASH}</dt><dd>{copyable(preview.log_hash.clone(), strings::THE_LOG_HASH)}</dd></div>
                        {(!sampled.is_empty()).then(|| view! { <div><dt>{strings::SAMPLED}</dt><dd>{sampled}</dd></div> })}
                    }
                }))}
            </dl>
        </div>
    }
    .into_any()
}
