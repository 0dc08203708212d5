//! Deleting a flow, after asking.

use holon_model::Problem;
use holon_model::wire::flows::FlowSummary;
use holon_model::wire::runs::GOING;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{api, strings};
use crate::ports::use_ports;
use crate::runs::api::RunsQuery;
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
    // How many runs are not over is read while the question is shown.
    let (live, ports) = (RwSignal::new(None::<(usize, bool)>), StoredValue::new(use_ports()));
    Effect::new(move |_| {
        let Some(flow) = doomed.with(|flow| flow.as_ref().map(|flow| flow.id)) else { return };
        live.set(None);
        let Some(ports) = ports.try_get_value() else { return };
        spawn_local(async move {
            let (mut count, mut more) = (0, false);
            for status in GOING {
                let asked = RunsQuery {
                    flow: Some(flow),
                    status: Some(status.to_owned()),
                    limit: Some(200),
                    ..RunsQuery::default()
                };
                let Ok(page) = ports.runs.list(asked).await else { return };
                count += page.data.len();
                more |= page.next_cursor.is_some();
            }
            if doomed.try_with_untracked(|now| now.as_ref().is_some_and(|now| now.id == flow)) == Some(true) {
                live.try_set(Some((count, more)));
            }
        });
    });
    let body = Signal::derive(move || strings::delete_what(live.get()));
    view! { <Confirm open title body verb=strings::DELETE_FLOW pending problem act/> }
}
