//! The status of a run or a node: colour and icon and word.

use holon_model::wire::runs::GOING;
use leptos::prelude::*;

use super::icon;

/// Icon and word of a status, as the API names it.
fn look(status: &str) -> (&'static str, &'static str, &'static str) {
    match status {
        "queued" => ("is-queued", "circle-dashed", "Queued"),
        "running" => ("is-running", "loader-circle", "Running"),
        "waiting" => ("is-waiting", "clock", "Waiting"),
        "paused" => ("is-paused", "circle-pause", "Paused"),
        // Asked for by lists: the run is paused.
        "parked" => ("is-paused", "circle-pause", "Parked by Holon"),
        "completed" => ("is-completed", "circle-check", "Completed"),
        "succeeded" => ("is-succeeded", "circle-check", "Succeeded"),
        "failed" => ("is-failed", "circle-x", "Failed"),
        "cancelled" => ("is-cancelled", "ban", "Cancelled"),
        "continued" => ("is-completed", "arrow-right", "Continued"),
        "terminated" => ("is-terminated", "octagon-x", "Terminated"),
        "compensating" => ("is-compensating", "undo-2", "Compensating"),
        "skipped" => ("is-skipped", "circle-minus", "Skipped"),
        "pending" => ("is-pending", "circle-dashed", "Pending"),
        _ => ("is-none", "circle-minus", "No runs yet"),
    }
}

/// Icon and word.
pub fn status(status: &str) -> AnyView {
    let (class, glyph, word) = look(status);
    view! { <span class=format!("status {class}")>{icon(glyph)}{word}</span> }.into_any()
}

/// The same on a tint, for headers.
pub fn status_chip(status: &str) -> AnyView {
    let (class, glyph, word) = look(status);
    view! { <span class=format!("status chip {class}")>{icon(glyph)}{word}</span> }.into_any()
}

/// The icon alone with the word for screen readers, for rows where the word stands elsewhere.
pub fn status_icon(status: &str) -> AnyView {
    let (class, glyph, word) = look(status);
    view! { <span class=class title=word>{icon(glyph)}<span class="hidden-visually">{word}</span></span> }.into_any()
}

/// The icon alone, for rows that are of the state's class and have its word beside it.
pub fn state_icon(status: &str) -> AnyView {
    icon(look(status).1)
}

/// Whether a run in this status may still change.
pub fn is_live(status: &str) -> bool {
    GOING.contains(&status)
}

/// The word for a status.
pub fn word(status: &str) -> &'static str {
    look(status).2
}
