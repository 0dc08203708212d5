//! Duplicating a flow: a new one begins with the draft that another has.

use holon_model::wire::flows::{CreateFlow, FlowSummary};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{api, new, strings};
use crate::ports::use_ports;
use crate::ui::use_toasts;

/// Makes the copy and opens it in the editor. Nothing of it is published, so it has no address and no schedule yet.
pub(super) fn duplicating() -> impl Fn(&FlowSummary) + Clone + Send + 'static {
    let (ports, toasts) = (StoredValue::new(use_ports()), use_toasts());
    let opened = StoredValue::new_local(new::opener());
    move |flow: &FlowSummary| {
        let Some(ports) = ports.try_get_value() else { return };
        let (id, name) = (flow.id, strings::copy_of(&flow.name));
        spawn_local(async move {
            let made = match ports.flows.get(id).await {
                Ok(flow) => {
                    let body = CreateFlow { definition: Some(flow.definition), example: None, name: Some(name) };
                    api::create(&body).await
                }
                Err(problem) => Err(problem),
            };
            match made {
                Ok(flow) => {
                    toasts.good(strings::duplicated(&flow.name));
                    // Whoever asked may have gone elsewhere meanwhile.
                    opened.try_with_value(|opened| opened(&flow));
                }
                Err(problem) => toasts.bad(problem.detail),
            }
        });
    }
}
