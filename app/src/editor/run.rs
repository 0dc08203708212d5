//! Starting a real run of the published version: it is told before what that is, since it does what the preview only plays.

use holon_model::wire::runs::StartRun;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{
    dialogs,
    store::{Asking, Editor, use_editor},
    strings,
};
use crate::{
    runs,
    ui::{Dialog, icon},
};

/// Asks for a run, where there is something to run.
pub(super) fn ask(editor: Editor) {
    if editor.published.get_untracked().is_none() {
        editor.toasts.bad(strings::RUN_UNPUBLISHED);
        editor.asking.set(Some(Asking::Publish));
        return;
    }
    if editor.preview.with_untracked(|preview| preview.input.is_none()) {
        return editor.toasts.bad(strings::RUN_NO_INPUT);
    }
    editor.asking.set(Some(Asking::Run));
}

/// Whether the draft is another than the version that is run and delivered to.
pub(super) fn differs(editor: Editor) -> bool {
    let hash = editor.preview.with(|preview| preview.hash.clone());
    editor.published.with(|version| version.as_ref().is_some_and(|version| !hash.is_empty() && version.hash != hash))
}

/// The question: which version, with what, and what is done for real.
#[component]
pub(super) fn RunDialog() -> impl IntoView {
    let editor = use_editor();
    let open = dialogs::asked(|asking| *asking == Asking::Run);
    let navigate = StoredValue::new_local(leptos_router::hooks::use_navigate());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        start(editor, move |to| {
            navigate.try_with_value(|navigate| navigate(&to, Default::default()));
        });
    };
    let version = move || editor.published.with(|version| version.as_ref().map_or(0, |version| version.version));
    let trigger = move || editor.trigger.get().map(|key| key.to_string()).unwrap_or_default();
    let changed = Memo::new(move |_| differs(editor));
    // What the draft calls says nothing of a version that differs from it.
    let real = move || {
        let sampled = editor.preview.with(|preview| preview.sampled.clone());
        (!changed.get() && !sampled.is_empty()).then(|| view! { <p>{strings::run_real(&sampled)}</p> })
    };
    view! {
        <Dialog open title=strings::RUN_TITLE.to_owned()>
            <form method="post" class="stack" on:submit=submit>
                <p>{move || strings::run_what(version(), &trigger())}</p>
                {real}
                <Show when=move || changed.get()>
                    <div class="notice warn">
                        {icon("triangle-alert")}
                        <span class="detail">{move || strings::run_old(version())}</span>
                    </div>
                </Show>
                <div class="dialog-foot">
                    <Show when=move || changed.get()>
                        <button type="button" class="button" on:click=move |_| editor.asking.set(Some(Asking::Publish))>{strings::PUBLISH_FIRST}</button>
                    </Show>
                    <button type="submit" class="button primary" autofocus=true disabled=editor.starting aria-busy=move || editor.starting.get().to_string()>
                        {move || strings::run_button(version())}
                    </button>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

/// Starts it with the trigger's sample, and goes to it.
fn start(editor: Editor, go: impl Fn(String) + 'static) {
    let Some(input) = editor.preview.with_untracked(|preview| preview.input.clone()) else {
        return editor.toasts.bad(strings::RUN_NO_INPUT);
    };
    if editor.starting.get_untracked() {
        return;
    }
    editor.starting.set(true);
    let trigger = editor.trigger.get_untracked();
    spawn_local(async move {
        let answer = runs::api::start(editor.flow, &StartRun { input, trigger, ..StartRun::default() }).await;
        editor.starting.try_set(false);
        match answer {
            Ok(started) => {
                editor.asking.try_set(None);
                editor.toasts.good(strings::RUN_STARTED);
                go(format!("/runs/{}", started.id));
            }
            Err(problem) => editor.toasts.bad(problem.detail),
        }
    });
}
