//! What can be done with a run: stop it while it is live, start it again when it is over.

use holon_model::Problem;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::live::LiveRun;
use super::{api, strings};
use crate::ui::status::is_live;
use crate::ui::{icon, send, use_toasts};

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
    let retry = move |_| {
        let navigate = navigate.clone();
        send(api::retry(run.id), pending, problem, move |started| {
            navigate(&format!("/runs/{}", started.id), NavigateOptions::default());
        });
    };
    let live = Memo::new(move |_| run.summary.with(|summary| is_live(&summary.status)));
    let flow = move || run.summary.with(|summary| format!("/flows/{}", summary.flow));
    view! {
        <a class="button" href=flow>{icon("pencil")}{strings::OPEN_FLOW}</a>
        {move || {
            let retry = retry.clone();
            if live.get() {
                view! { <button type="button" class="button danger" disabled=move || pending.get() on:click=cancel>{icon("ban")}{strings::CANCEL}</button> }.into_any()
            } else {
                view! { <button type="button" class="button primary" disabled=move || pending.get() on:click=retry>{icon("rotate-ccw")}{strings::RETRY}</button> }.into_any()
            }
        }}
    }
    .into_any()
}
