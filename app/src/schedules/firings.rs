//! What came of firings: in a cell, and as a table.

use holon_model::wire::schedules::Firing;
use leptos::prelude::*;

use super::strings;
use crate::ui::status::status;
use crate::ui::words as marked;
use crate::ui::{ago, keys, plain};

/// The result of one firing: its run's status, or why there is no run.
pub fn result(firing: &Firing) -> AnyView {
    let words = match firing.run_status.as_deref() {
        Some(run_status) => status(run_status),
        None => {
            let class = match firing.outcome.as_str() {
                "missed" | "failed" => "tag bad",
                _ => "tag",
            };
            view! { <span class=class>{strings::outcome(&firing.outcome, firing.count)}</span> }.into_any()
        }
    };
    match firing.run {
        Some(run) => view! { <a class="above" href=format!("/runs/{run}")>{words}</a> }.into_any(),
        None => view! { <span title=firing.reason.as_deref().map(plain)>{words}</span> }.into_any(),
    }
}

/// The last firings, newest first.
pub fn table(firings: Vec<Firing>) -> AnyView {
    if firings.is_empty() {
        return view! { <p class="muted">{strings::NO_FIRINGS}</p> }.into_any();
    }
    let row = |firing: Firing| {
        let by_hand = (firing.cause == "person").then(|| view! { <span class="sub">" "{strings::BY_HAND}</span> });
        let reason = firing.reason.clone().unwrap_or_default();
        view! {
            <tr>
                <td>{ago(firing.scheduled_at)}{by_hand}</td>
                <td>{result(&firing)}</td>
                <td class="sub wide" title=plain(&reason)>{marked(&reason)}</td>
                <td class="sub">{ago(firing.fired_at)}</td>
            </tr>
        }
    };
    view! {
        <div class="table-box">
            <table class="data" on:keydown=move |event| keys::vertical(&event, "a")>
                <thead>
                    <tr>
                        <th scope="col" style="width:170px">{strings::SCHEDULED}</th>
                        <th scope="col" style="width:160px">{strings::RESULT}</th>
                        <th scope="col" class="wide">{strings::REASON}</th>
                        <th scope="col" style="width:120px">{strings::FIRED}</th>
                    </tr>
                </thead>
                <tbody>{firings.into_iter().map(row).collect::<Vec<_>>()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
