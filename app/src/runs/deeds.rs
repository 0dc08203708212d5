//! What is done to a live run after asking why: cancel, pause, terminate.

use holon_model::wire::runs::{CancelRun, PauseRun, TerminateRun};
use holon_model::{Problem, RunId};
use leptos::prelude::*;

use super::live::LiveRun;
use super::{api, strings};
use crate::ports::PortFuture;
use crate::ui::form::{field_error, rest_of};
use crate::ui::{Dialog, Field, Submit, about, dom, problem_notice, send, use_toasts};

/// One of them, in words and in the call that does it.
pub struct Deed {
    verb: &'static str,
    ask: &'static str,
    what: &'static str,
    hint: &'static str,
    keep: &'static str,
    done: &'static str,
    danger: bool,
    send: fn(RunId, Option<String>) -> PortFuture<()>,
}

/// Ends it gently: what was stopped can be started again, but not gone on with as if nothing had been.
pub static CANCEL: Deed = Deed {
    verb: strings::CANCEL,
    ask: strings::CANCEL_ASK,
    what: strings::CANCEL_WHAT,
    hint: strings::REASON_HINT,
    keep: strings::KEEP_RUNNING,
    done: strings::CANCELLING,
    danger: true,
    send: |run, reason| api::cancel(run, &CancelRun { reason }),
};

/// Holds it.
pub static PAUSE: Deed = Deed {
    verb: strings::PAUSE,
    ask: strings::PAUSE_ASK,
    what: strings::PAUSE_WHAT,
    hint: strings::PAUSE_HINT,
    keep: strings::KEEP_RUNNING,
    done: strings::PAUSING,
    danger: false,
    send: |run, reason| api::pause(run, &PauseRun { reason }),
};

/// Ends it at once.
pub static TERMINATE: Deed = Deed {
    verb: strings::TERMINATE,
    ask: strings::TERMINATE_ASK,
    what: strings::TERMINATE_WHAT,
    hint: strings::TERMINATE_HINT,
    keep: strings::KEEP_RUNNING,
    done: strings::TERMINATING,
    danger: true,
    send: |run, reason| api::terminate(run, &TerminateRun { reason }),
};

/// The dialog: what will happen, and why it is to.
pub fn ask(run: LiveRun, deed: RwSignal<Option<&'static Deed>>) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (toasts, reason) = (use_toasts(), RwSignal::new(String::new()));
    let open = about(deed);
    Effect::new(move |_| {
        if open.get() {
            problem.set(None);
            reason.set(String::new());
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(chosen) = deed.get_untracked() else { return };
        let why = reason.get_untracked().trim().to_owned();
        send((chosen.send)(run.id, (!why.is_empty()).then_some(why)), pending, problem, move |()| {
            toasts.good(chosen.done);
            deed.try_set(None);
            run.look_again();
            request_animation_frame(|| dom::rescue_focus(".run-title h1"));
        });
    };
    let title = Signal::derive(move || deed.get().map(|deed| deed.ask.to_owned()).unwrap_or_default());
    let shown = rest_of(problem, &["/reason"]);
    let form = move || {
        let deed = deed.get()?;
        Some(view! {
            <form method="post" class="stack" novalidate=true on:submit=submit>
                <p>{deed.what}</p>
                {move || shown.get().map(|problem| problem_notice(&problem))}
                <Field id="reason" label=strings::REASON value=reason optional=true hint=deed.hint error=field_error(problem, "/reason")/>
                <div class="dialog-foot">
                    <button type="button" class="button" on:click=move |_| open.set(false)>{deed.keep}</button>
                    <Submit pending danger=deed.danger label=deed.verb/>
                </div>
            </form>
        })
    };
    view! { <Dialog open title>{form}</Dialog> }.into_any()
}
