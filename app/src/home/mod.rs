//! The first page: whether everything is fine, what ran, what to look at, and for a newcomer what to do first.

mod attention;
mod first_steps;
pub(crate) mod strings;

use holon_model::Problem;
use holon_model::wire::identity::Overview;
use holon_model::wire::tasks::TaskCounts;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::flows::api::FlowsQuery;
use crate::frame::{Crumb, bar, strings as frame};
use crate::ports::use_ports;
use crate::runs::api::RunsQuery;
use crate::runs::live::LiveList;
use crate::runs::table;
use crate::tasks::api::TasksQuery;
use crate::ui::{format, icon, problem_notice, skeleton};

/// So many runs are shown.
const RECENT: usize = 8;

/// The runs that Holon parked.
const PARKED_AT: &str = "/runs?status=parked";

/// `/`
#[component]
pub fn HomePage() -> impl IntoView {
    let ports = use_ports();
    let all = Resource::new(
        || (),
        move |()| {
            let ports = ports.clone();
            async move {
                let flows = FlowsQuery { limit: Some(100), ..FlowsQuery::default() };
                let runs = RunsQuery { limit: u16::try_from(RECENT).ok(), ..RunsQuery::default() };
                let overview = ports.identity.overview().await?;
                let open = TasksQuery { state: Some("open".to_owned()), ..TasksQuery::default() };
                let tasks = ports.tasks.list(open).await?;
                let counts = ports.tasks.counts().await?;
                Ok::<_, Problem>((
                    overview,
                    ports.flows.list(flows).await?,
                    ports.runs.list(runs).await?,
                    tasks,
                    counts,
                ))
            }
        },
    );
    view! {
        <Title text=frame::HOME/>
        {bar(vec![Crumb::here(frame::HOME)], ())}
        <div class="content">
            <Suspense fallback=|| skeleton::table(8)>
                {move || Suspend::new(async move {
                    match all.await {
                        Ok((overview, flows, runs, tasks, counts)) => {
                            let started = !runs.data.is_empty();
                            let recent = LiveList::new(runs.data, None);
                            let side = attention::attention(&flows.data, &tasks, overview.parked_runs);
                            let steps = first_steps::first_steps(&flows.data, started);
                            view! {
                                <div class="home">
                                    {health(&overview, counts)}
                                    {steps}
                                    {started.then(|| view! { <div class="home-columns">{recent_runs(recent)}{side}</div> })}
                                </div>
                            }
                            .into_any()
                        }
                        Err(problem) => problem_notice(&problem),
                    }
                })}
            </Suspense>
        </div>
    }
}

fn health(overview: &Overview, tasks: TaskCounts) -> AnyView {
    // Where nothing is, nothing went well.
    let nothing = overview.flows == 0 && overview.live_runs == 0;
    let (glyph, class) = match overview.healthy {
        true if nothing => ("circle-dashed", "health"),
        true => ("circle-check", "health is-succeeded"),
        false => ("triangle-alert", "health is-waiting"),
    };
    let count = |number: u32, one, many, href| {
        view! { <a href=href><strong>{format::thousands(number.into())}</strong>" "{if number == 1 { one } else { many }}</a> }
    };
    view! {
        <div>
            <h1 class=class>{icon(glyph)}<span>{overview.line.clone()}</span></h1>
            <p class="counts">
                {count(overview.flows, strings::FLOW, strings::FLOWS, "/flows")}
                {count(overview.live_runs, strings::LIVE_RUN, strings::LIVE_RUNS, "/runs")}
                {count(overview.failed_runs, strings::FAILED_RUN, strings::FAILED_RUNS, "/runs?status=failed")}
                {(tasks.mine > 0).then(|| count(tasks.mine, strings::TASK_FOR_YOU, strings::TASKS_FOR_YOU, "/tasks?for=me"))}
                {(overview.parked_runs > 0).then(|| count(overview.parked_runs, strings::PARKED_RUN, strings::PARKED_RUNS, PARKED_AT))}
            </p>
        </div>
    }
    .into_any()
}

fn recent_runs(runs: LiveList) -> AnyView {
    runs.follow(RunsQuery::default(), Some(RECENT));
    view! {
        <section aria-labelledby="recent-runs">
            <div class="section-head"><h2 id="recent-runs">{strings::RECENT}</h2><a href="/runs">{strings::ALL_RUNS}</a></div>
            <div class="table-box">{table::short(runs.rows)}</div>
        </section>
    }
    .into_any()
}
