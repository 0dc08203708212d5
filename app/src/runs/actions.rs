//! What can be done with a run: stop it while it is live, start it again when it is over.

use holon_model::Problem;
use holon_model::wire::runs::Started;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::live::LiveRun;
use super::{api, strings};
use crate::ui::status::is_live;
use crate::ui::{dom, icon, send, use_toasts};

/// The buttons in a run's header.
pub fn actions(run: LiveRun) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (toasts, navigate) = (use_toasts(), use_navigate());
    Effect::new(move |_| {
        if let Some(problem) = problem.get() {
            toasts.bad(format!("{}. {}", problem.title, problem.detail));
        }
    });
    let cancel = move |_| send(api::cancel(run.id), pending, problem, move |()| toasts.good(strings::CANCELLING));
    let go = move |started: Started| navigate(&format!("/runs/{}", started.id), NavigateOptions::default());
    let retry = move |completed: bool| {
        // What completed is not repeated as itself: a new run starts with the same input.
        let ask = if completed { api::again(run.id) } else { api::retry(run.id) };
        send(ask, pending, problem, go.clone());
    };
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
            let retry = retry.clone();
            if live.get() {
                return view! {
                    <button type="button" class="button danger" disabled=move || pending.get() on:click=cancel>
                        {icon("ban")}
                        {strings::CANCEL}
                    </button>
                }
                .into_any();
            }
            let completed = run.summary.with(|summary| summary.status == "completed");
            view! {
                <button
                    type="button"
                    class="button"
                    class:primary=!completed
                    disabled=move || pending.get()
                    on:click=move |_| retry(completed)
                >
                    {icon("rotate-ccw")}
                    {if completed { strings::AGAIN } else { strings::RETRY }}
                </button>
            }
            .into_any()
        }}
    }
    .into_any()
}
