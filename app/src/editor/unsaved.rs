//! What is said while a save fails: why, whether it is tried again, and how nothing is lost meanwhile.

use holon_model::{Code, json};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{save, store::use_editor, strings};
use crate::ui::{dom, icon, words};

/// The notice under the bar.
#[component]
pub(super) fn Unsaved() -> impl IntoView {
    let editor = use_editor();
    // The same failure, tried again, is not told again.
    let why = Memo::new(move |_| {
        editor.wrong.with(|wrong| {
            wrong.as_ref().map(|wrong| {
                let mut detail = wrong.detail.clone();
                for error in &wrong.errors {
                    detail.push(' ');
                    detail.push_str(&error.detail);
                }
                (wrong.code, detail)
            })
        })
    });
    let copy = move |_| {
        let text = editor.definition.with_untracked(|definition| json::to_string_pretty(&definition.to_value()));
        spawn_local(async move {
            if dom::copy(text).await {
                editor.toasts.good(strings::DEFINITION_COPIED);
            } else {
                editor.toasts.bad(strings::DEFINITION_NOT_COPIED);
            }
        });
    };
    let notice = move |(code, detail): (Code, String)| {
        let next = match code {
            Code::Unauthenticated => strings::SIGN_IN_AGAIN,
            code if save::passes(code) => strings::TRIED_AGAIN,
            _ => strings::REFUSED,
        };
        let sign_in = (code == Code::Unauthenticated).then(|| {
            view! { <a class="button small" href="/sign-in" target="_blank">{icon("external-link")}{strings::SIGN_IN}</a> }
        });
        view! {
            <div class="notice bad unsaved" role="alert">
                {icon("circle-alert")}
                <span class="title">{strings::NOT_SAVED}</span>
                <span class="detail">{words(&detail)}" "{next}</span>
                <div class="detail line wrap">
                    {sign_in}
                    <button type="button" class="button small" on:click=move |_| save::soon(editor)>{strings::AGAIN}</button>
                    <button type="button" class="button small" on:click=copy>{icon("copy")}{strings::COPY_DEFINITION}</button>
                </div>
            </div>
        }
        .into_any()
    };
    move || why.get().map(notice)
}
