//! What somebody should look at: tasks that wait for an answer, runs that Holon parked, flows whose last run failed or
//! whose draft waits to be published.

use holon_model::wire::Page;
use holon_model::wire::flows::FlowSummary;
use holon_model::wire::tasks::TaskSummary;
use leptos::prelude::*;

use super::{PARKED_AT, strings};
use crate::ui::{format, icon, plain};

/// At most so many flows.
const SHOWN: usize = 8;

/// At most so many tasks, each by itself.
const TASKS: usize = 3;

/// The kind of the tasks about undoing that keeps failing.
const COMPENSATION: &str = "compensation";

/// The list: tasks and parked runs, since runs stand still there, then failures.
pub fn attention(flows: &[FlowSummary], tasks: &Page<TaskSummary>, parked_runs: u32) -> AnyView {
    let failed = flows.iter().filter(|flow| flow.last_run.as_deref() == Some("failed")).map(|flow| (flow, true));
    let changed = flows
        .iter()
        .filter(|flow| flow.changed && flow.version.is_some() && flow.last_run.as_deref() != Some("failed"));
    let mut rows: Vec<AnyView> = tasks.data.iter().take(TASKS).map(task).collect();
    rows.extend(more(tasks));
    rows.extend(parked(parked_runs));
    rows.extend(failed.chain(changed.map(|flow| (flow, false))).take(SHOWN).map(row));
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

fn task(task: &TaskSummary) -> AnyView {
    // Undoing a step failed, which nobody asked for.
    let (glyph, class, why) = match task.kind == COMPENSATION {
        true => ("undo-2", "status is-failed", strings::STUCK),
        false => ("clipboard-check", "status is-waiting", strings::ASKED),
    };
    line(glyph, class, plain(&task.title), why, format!("/tasks/{}/{}", task.run, task.id))
}

/// How many tasks there are besides those that are shown; of very many, how many at least.
fn more(tasks: &Page<TaskSummary>) -> Option<AnyView> {
    let left = tasks.data.len().saturating_sub(TASKS);
    let least = if tasks.next_cursor.is_some() { "+" } else { "" };
    let words = if left == 1 { strings::MORE_TASK } else { strings::MORE_TASKS };
    (left > 0).then(|| {
        line(
            "clipboard-check",
            "status is-waiting",
            format!("{left}{least} {words}"),
            strings::ASKED,
            "/tasks".to_owned(),
        )
    })
}

/// Runs that go on for nobody, however many there are.
fn parked(count: u32) -> Option<AnyView> {
    let words = if count == 1 { strings::PARKED_RUN } else { strings::PARKED_RUNS };
    let title = format!("{} {words}", format::thousands(count.into()));
    (count > 0).then(|| line("circle-pause", "status is-failed", title, strings::PARKED, PARKED_AT.to_owned()))
}

fn row((flow, failed): (&FlowSummary, bool)) -> AnyView {
    let (glyph, class, why, href) = if failed {
        ("circle-x", "status is-failed", strings::FAILED, format!("/runs?flow={}", flow.id))
    } else {
        ("git-branch", "status is-waiting", strings::CHANGED, format!("/flows/{}", flow.id))
    };
    line(glyph, class, flow.name.clone(), why, href)
}

fn line(glyph: &str, class: &'static str, title: String, why: &'static str, href: String) -> AnyView {
    view! {
        <li>
            <span class=class>{icon(glyph)}</span>
            <div class="grow">
                <a class="row-link" href=href>{title}</a>
                <p class="muted small">{why}</p>
            </div>
        </li>
    }
    .into_any()
}
