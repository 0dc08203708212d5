//! Flows that somebody should look at: the last run failed, or the draft waits to be published.

use holon_model::wire::flows::FlowSummary;
use leptos::prelude::*;

use super::strings;
use crate::ui::icon;

/// At most so many.
const SHOWN: usize = 8;

/// The list, failures first.
pub fn attention(flows: &[FlowSummary]) -> AnyView {
    let failed = flows.iter().filter(|flow| flow.last_run.as_deref() == Some("failed")).map(|flow| (flow, true));
    let changed = flows
        .iter()
        .filter(|flow| flow.changed && flow.version.is_some() && flow.last_run.as_deref() != Some("failed"));
    let rows: Vec<AnyView> = failed.chain(changed.map(|flow| (flow, false))).take(SHOWN).map(row).collect();
    let body = if rows.is_empty() {
        view! { <ul class="list"><li class="muted">{icon("circle-check")}{strings::NOTHING_TO_LOOK_AT}</li></ul> }
            .into_any()
    } else {
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    view! {
        <section aria-labelledby="attention">
            <div class="section-head"><h2 id="attention">{strings::ATTENTION}</h2></div>
            {body}
        </section>
    }
    .into_any()
}

fn row((flow, failed): (&FlowSummary, bool)) -> AnyView {
    let (glyph, class, why, href) = if failed {
        ("circle-x", "status is-failed", strings::FAILED, format!("/runs?flow={}", flow.id))
    } else {
        ("git-branch", "status is-waiting", strings::CHANGED, format!("/flows/{}", flow.id))
    };
    view! {
        <li>
            <span class=class>{icon(glyph)}</span>
            <div class="grow">
                <a class="row-link" href=href>{flow.name.clone()}</a>
                <p class="muted small">{why}</p>
            </div>
        </li>
    }
    .into_any()
}
