//! One schedule: its next ten times, its last firings, and firing it now.

use holon_model::wire::schedules::{Occurrence, Schedule};
use holon_model::{Code, Problem, ScheduleId};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{api, firings, strings, switch};
use crate::frame::{Crumb, NotFound, bar};
use crate::ports::use_ports;
use crate::runs::follow::follow;
use crate::ui::{ago, format, icon, problem_notice, send, skeleton, use_clock, use_ready};

/// `/schedules/{id}`
#[component]
pub fn SchedulePage() -> impl IntoView {
    let (ports, params) = (use_ports(), use_params_map());
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<ScheduleId>().ok()));
    let schedule = Resource::new(
        move || id.get(),
        move |id| {
            let ports = ports.clone();
            async move {
                let id = id.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
                ports.schedules.get(id).await
            }
        },
    );
    let crumbs = || vec![Crumb::to(strings::SCHEDULES, "/schedules")];
    view! {
        <Title text=strings::SCHEDULE/>
        <Transition fallback=move || view! { {bar(crumbs(), ())}<div class="content">{skeleton::table(6)}</div> }>
            {move || Suspend::new(async move {
                match schedule.await {
                    Ok(found) => page(found, move || schedule.refetch()),
                    Err(problem) if problem.code == Code::NotFound => view! { <NotFound/> }.into_any(),
                    Err(problem) => view! { {bar(crumbs(), ())}<div class="content">{problem_notice(&problem)}</div> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn page(schedule: Schedule, again: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    let Schedule { summary, next, firings } = schedule;
    let due = summary.next_at;
    follow(move || due, again);
    let crumbs = vec![Crumb::to(strings::SCHEDULES, "/schedules"), Crumb::here(summary.flow_name.clone())];
    let name = summary.flow_name.clone();
    let flow = format!("/flows/{}", summary.flow);
    view! {
        {bar(crumbs, ())}
        <div class="content">
            <div class="page-head">
                <h1>{summary.flow_name.clone()}</h1>
                <div class="actions">
                    {switch::active(summary.id, summary.paused, &name, again)}
                    {fire(summary.id, again)}
                </div>
            </div>
            <dl class="facts">
                <div><dt>{strings::CRON}</dt><dd><code>{summary.cron.clone()}</code>" "{summary.time_zone.clone()}</dd></div>
                <div><dt>{strings::FLOW}</dt><dd><a href=flow>{format!("{} · {}", summary.flow_name, summary.node)}</a></dd></div>
                <div><dt>{strings::VERSION}</dt><dd>{format!("v{}", summary.version)}</dd></div>
                <div><dt>{strings::OVERLAP}</dt><dd>{strings::overlap(&summary.overlap)}</dd></div>
                <div><dt>{strings::CATCH_UP}</dt><dd>{format::duration(summary.catch_up)}</dd></div>
                <div><dt>{strings::JITTER}</dt><dd>{if summary.jitter == 0 { strings::NONE.to_owned() } else { format::duration(summary.jitter) }}</dd></div>
            </dl>
            <section class="stack schedule-part" aria-labelledby="ahead">
                <h2 id="ahead">{if summary.paused { strings::AHEAD_PAUSED } else { strings::AHEAD }}</h2>
                {occurrences(next, !summary.paused)}
            </section>
            <section class="stack schedule-part" aria-labelledby="firings">
                <h2 id="firings">{strings::FIRINGS}</h2>
                {firings::table(firings)}
            </section>
        </div>
    }
    .into_any()
}

fn fire(id: ScheduleId, again: impl Fn() + Copy + 'static) -> AnyView {
    let ready = use_ready();
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let press = move |_| send(api::fire(id), pending, problem, move |_| again());
    view! {
        <button type="button" class="button primary" disabled=move || !ready.get() || pending.get() on:click=press>
            {icon("play")}{strings::FIRE}
        </button>
        {move || problem.get().map(|problem| problem_notice(&problem))}
    }
    .into_any()
}

/// Times to come, each in the schedule's zone, and from now where it will come.
pub(super) fn occurrences(next: Vec<Occurrence>, comes: bool) -> AnyView {
    // What is farther away is told as a date, and that stands there already.
    const NEAR: u64 = 7 * 86_400_000;
    let now = use_clock().0.get_untracked();
    let one = |at: Occurrence| {
        let from_now = (comes && at.at.since(now).0 < NEAR).then(|| view! { <span class="sub">{ago(at.at)}</span> });
        view! { <li><span class="mono">{at.local}</span>{from_now}</li> }
    };
    view! { <ol class="ahead">{next.into_iter().map(one).collect::<Vec<_>>()}</ol> }.into_any()
}
