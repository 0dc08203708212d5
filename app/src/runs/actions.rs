//! What can be done with a run: stop it while it is live, start it again when it is over.

use holon_model::Problem;
use holon_model::wire::runs::{CancelRun, Started};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::live::LiveRun;
use super::{api, strings};
use crate::ui::form::{field_error, rest_of};
use crate::ui::status::is_live;
use crate::ui::{Dialog, Field, Submit, dom, icon, problem_notice, send, use_toasts};

/// The buttons in a run's header.
pub fn actions(run: LiveRun) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (toasts, navigate) = (use_toasts(), use_navigate());
    Effect::new(move |_| {
        if let Some(problem) = problem.get() {
            toasts.bad(format!("{}. {}", problem.title, problem.detail));
        }
    });
    let cancelling = RwSignal::new(false);
    let go = move |started: Started| navigate(&format!("/runs/{}", started.id), NavigateOptions::default());
    let (retried, repeated) = (go.clone(), go);
    let retry = move || send(api::retry(run.id), pending, problem, retried.clone());
    let again = move || send(api::again(run.id), pending, problem, repeated.clone());
    let live = Memo::new(move |_| run.summary.with(|summary| is_live(&summary.status)));
    Effect::new(move |before: Option<bool>| {
        let now = live.get();
        if before == Some(true) && !now {
            // The button that was pressed may be gone.
            request_animation_frame(|| dom::rescue_focus(".run-title h1"));
        }
        now
    });
    let flow = move || run.summary.with(|summary| format!("/flows/{}", summary.flow));
    view! {
        <a class="button" href=flow>{icon("pencil")}{strings::OPEN_FLOW}</a>
        {move || {
            let (retry, again) = (retry.clone(), again.clone());
            if live.get() {
                return view! {
                    <button type="button" class="button danger" on:click=move |_| cancelling.set(true)>
                        {icon("ban")}
                        {strings::CANCEL}
                    </button>
                }
                .into_any();
            }
            let retry = run.summary.with(|summary| retry_words(&summary.status)).map(|words| {
                view! {
                    <button type="button" class="button primary" disabled=move || pending.get() on:click=move |_| retry()>
                        {icon("rotate-ccw")}
                        {words}
                    </button>
                }
            });
            view! {
                {retry}
                <button type="button" class="button" disabled=move || pending.get() on:click=move |_| again()>
                    {icon("play")}
                    {strings::AGAIN}
                </button>
            }
            .into_any()
        }}
        {cancel(run, cancelling)}
    }
    .into_any()
}

/// Asks why before it stops a run: what was stopped can be started again, but not gone on with as if nothing had been.
fn cancel(run: LiveRun, open: RwSignal<bool>) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (toasts, reason) = (use_toasts(), RwSignal::new(String::new()));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let why = reason.get_untracked().trim().to_owned();
        let body = CancelRun { reason: (!why.is_empty()).then_some(why) };
        send(api::cancel(run.id, &body), pending, problem, move |()| {
            toasts.good(strings::CANCELLING);
            open.try_set(false);
            request_animation_frame(|| dom::rescue_focus(".run-title h1"));
        });
    };
    let shown = rest_of(problem, &["/reason"]);
    view! {
        <Dialog open title=strings::CANCEL_ASK.to_owned()>
            <form method="post" class="stack" novalidate=true on:submit=submit>
                <p>{strings::CANCEL_WHAT}</p>
                {move || shown.get().map(|problem| problem_notice(&problem))}
                <Field id="cancel-reason" label=strings::REASON value=reason optional=true hint=strings::REASON_HINT error=field_error(problem, "/reason")/>
                <div class="dialog-foot">
                    <button type="button" class="button" on:click=move |_| open.set(false)>{strings::KEEP_RUNNING}</button>
                    <Submit pending danger=true label=strings::CANCEL/>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

/// What a retry does with a run that ended so, if there is anything that it could do.
fn retry_words(status: &str) -> Option<&'static str> {
    match status {
        // Both did all they were to do; a continued one goes on in another run.
        "completed" | "continued" => None,
        "failed" => Some(strings::RETRY),
        _ => Some(strings::RETRY_STOPPED),
    }
}
