//! The way of a saga: its steps forward, and what became of undoing them.

use std::collections::BTreeMap;

use holon_model::wire::runs::{SagaRun, SagaStepRun};
use leptos::prelude::*;

use super::strings;
use crate::ui::strings::named;
use crate::ui::{icon, words};

/// The names of those who decided about steps, in the context of a run's page.
#[derive(Debug, Clone, Copy)]
pub struct Names(pub RwSignal<BTreeMap<String, String>>);

/// The steps in the order in which they are walked: backward from the last to the first.
pub fn way(saga: &SagaRun) -> AnyView {
    let backward = saga.phase == "backward";
    let mut steps: Vec<&SagaStepRun> = saga.steps.iter().collect();
    if backward {
        steps.reverse();
    }
    let (glyph, phase) = if backward { ("undo-2", strings::BACKWARD) } else { ("arrow-right", strings::FORWARD) };
    view! {
        <section class="saga" aria-label=strings::SAGA>
            <p class="saga-phase">{icon(glyph)}{phase}</p>
            <ol class="list">{steps.into_iter().map(step).collect::<Vec<_>>()}</ol>
        </section>
    }
    .into_any()
}

fn step(step: &SagaStepRun) -> AnyView {
    let (class, glyph) = look(&step.state);
    let error = step.error.as_ref().map(|error| view! { <p class="muted small">{words(&error.message)}</p> });
    let decided = step.by.as_ref().map(|by| {
        let why = step.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let names = use_context::<Names>().map(|names| names.0.get_untracked()).unwrap_or_default();
        let who = named(by, names.get(by).map(String::as_str));
        view! { <p class="muted small">{format!("{}{why}", strings::decided(&step.state, &who))}</p> }
    });
    let tries =
        (step.tries > 1).then(|| view! { <span class="sub end">{format!("{} {}", step.tries, strings::TRIES)}</span> });
    let plain = (!step.compensable && step.state == "completed")
        .then(|| view! { <span class="sub end">{strings::NOT_UNDOABLE}</span> });
    view! {
        <li>
            <span class=format!("status {class}")>{icon(glyph)}{strings::step(&step.state)}</span>
            <div class="grow"><code>{step.step.clone()}</code>{error}{decided}</div>
            {tries}
            {plain}
        </li>
    }
    .into_any()
}

fn look(state: &str) -> (&'static str, &'static str) {
    match state {
        "running" => ("is-running", "loader-circle"),
        "completed" => ("is-succeeded", "circle-check"),
        "failed" | "parked" => ("is-failed", "circle-x"),
        "cancelled" => ("is-cancelled", "ban"),
        "compensating" | "compensated" | "by_hand" => ("is-compensating", "undo-2"),
        "skipped" => ("is-skipped", "circle-minus"),
        _ => ("is-pending", "circle-dashed"),
    }
}
