//! Deleting a flow, after asking.

use holon_model::Problem;
use holon_model::wire::flows::FlowSummary;
use leptos::prelude::*;

use super::{api, strings};
use crate::ui::{Confirm, about, send, use_toasts};

/// Shown while a flow is about to go; takes its row away when it is gone.
#[component]
pub fn DeleteFlow(
    /// The flow that was chosen.
    doomed: RwSignal<Option<FlowSummary>>,
    /// The list it is in.
    rows: RwSignal<Vec<FlowSummary>>,
) -> impl IntoView {
    let (open, pending, problem) = (about(doomed), RwSignal::new(false), RwSignal::new(None::<Problem>));
    let toasts = use_toasts();
    let title = Signal::derive(move || {
        doomed.with(|flow| flow.as_ref().map(|flow| strings::delete_title(&flow.name)).unwrap_or_default())
    });
    let act = UnsyncCallback::new(move |()| {
        let Some(flow) = doomed.get_untracked() else { return };
        send(api::delete(flow.id, flow.revision), pending, problem, move |()| {
            rows.try_update(|rows| rows.retain(|row| row.id != flow.id));
            open.try_set(false);
            toasts.good(format!("{} “{}”.", strings::DELETED, flow.name));
        });
    });
    view! { <Confirm open title body=strings::DELETE_WHAT.to_owned() verb=strings::DELETE_FLOW pending problem act/> }
}
