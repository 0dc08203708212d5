//! The way of a saga: forward over its steps, and back over what undoes them. What the canvas draws stands here in words, with
//! tries, times and reasons.

use std::collections::BTreeMap;

use holon_model::wire::runs::NodeRun;
use holon_studio::way::{self, Leg, Way};
use leptos::prelude::*;

use super::strings;
use crate::ui::strings::named;
use crate::ui::{ago, icon, time::took, words};

/// The names of those who decided about steps, in the context of a run's page.
#[derive(Debug, Clone, Copy)]
pub struct Names(pub RwSignal<BTreeMap<String, String>>);

/// The paths of this node among these, if it is a saga that began.
pub fn way(node: Option<&NodeRun>, nodes: &[NodeRun]) -> Option<Way> {
    let node = node?;
    node.saga.as_ref().map(|saga| way::way(&node.path, saga, nodes))
}

/// Both paths, each in the order in which it is gone.
pub fn paths(way: &Way) -> AnyView {
    let back = (!way.back.is_empty()).then(|| path("undo-2", strings::BACKWARD, &way.back, true));
    view! {
        <section class="saga" aria-label=strings::SAGA>
            {path("arrow-right", strings::FORWARD, &way.forward, false)}
            {back}
        </section>
    }
    .into_any()
}

fn path(glyph: &'static str, title: &'static str, legs: &[Leg], back: bool) -> AnyView {
    let rows: Vec<AnyView> = legs.iter().map(|leg| row(leg, back)).collect();
    view! {
        <h3 class="saga-phase">{icon(glyph)}{title}</h3>
        <ol class="list saga-path" aria-label=title>{rows}</ol>
    }
    .into_any()
}

fn row(leg: &Leg, back: bool) -> AnyView {
    let (class, glyph, word) = look(&leg.state);
    let error = leg.error.as_ref().map(|error| view! { <p class="muted small">{words(&error.message)}</p> });
    let decided = leg.by.as_ref().map(|by| {
        let why = leg.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let names = use_context::<Names>().map(|names| names.0.get_untracked()).unwrap_or_default();
        let who = named(by, names.get(by).map(String::as_str));
        view! { <p class="muted small">{format!("{}{why}", strings::decided(&leg.state, &who))}</p> }
    });
    let tries = (leg.attempts > 1).then(|| view! { <span>{format!("{} {}", leg.attempts, strings::TRIES)}</span> });
    let begun = leg.started_at.map(|at| view! { <span>{ago(at)}</span> });
    let running = matches!(leg.state.as_str(), "running" | "compensating");
    let lasted = leg
        .started_at
        .filter(|_| running || leg.finished_at.is_some())
        .map(|at| view! { <span>{took(at, leg.finished_at)}</span> });
    let by = leg.body.as_ref().filter(|_| back).map(|body| {
        view! { <span class="muted">" "{strings::BY_BODY}" "<code>{body.clone()}</code></span> }
    });
    view! {
        <li>
            <span class="saga-turn number" aria-hidden="true">{leg.number}</span>
            <div class="grow">
                <span><code>{leg.step.clone()}</code>{by}</span>
                {error}
                {decided}
                <p class="saga-times muted small">{begun}{lasted}{tries}</p>
            </div>
            <span class=format!("status {class}")>{icon(glyph)}{word}</span>
        </li>
    }
    .into_any()
}

/// Class, icon and word of a step in this state.
pub fn look(state: &str) -> (&'static str, &'static str, &'static str) {
    let word = strings::step(state);
    let (class, glyph) = match state {
        "running" => ("is-running", "loader-circle"),
        "completed" => ("is-succeeded", "circle-check"),
        "failed" | "parked" => ("is-failed", "circle-x"),
        "cancelled" => ("is-cancelled", "ban"),
        "compensating" => ("is-running", "loader-circle"),
        "compensated" | "by_hand" => ("is-compensating", "undo-2"),
        "skipped" => ("is-skipped", "circle-minus"),
        _ => ("is-pending", "circle-dashed"),
    };
    (class, glyph, word)
}
