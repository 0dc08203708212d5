//! One run: what happens, node by node, while it happens and ever after.

use holon_model::wire::runs::Run;
use holon_model::{Code, Problem, RunId};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::live::LiveRun;
use super::{actions, journal, nodes, strings, waits};
use crate::canvas::RunCanvas;
use crate::engine::LogHash;
use crate::frame::{Crumb, NotFound, bar};
use crate::ports::use_ports;
use crate::ui::format::short_id;
use crate::ui::status::status_chip;
use crate::ui::time::took;
use crate::ui::{Json, Tabs, ago, icon, problem_notice, skeleton, words};

/// `/runs/{id}`
#[component]
pub fn RunPage() -> impl IntoView {
    let (ports, params) = (use_ports(), use_params_map());
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<RunId>().ok()));
    let run = Resource::new(
        move || id.get(),
        move |id| {
            let ports = ports.clone();
            async move {
                let id = id.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
                ports.runs.get(id).await
            }
        },
    );
    view! {
        <Title text=strings::RUN/>
        <Suspense fallback=|| view! { {bar(vec![Crumb::to(strings::RUNS, "/runs")], ())}<div class="content whole">{skeleton::table(8)}</div> }>
            {move || Suspend::new(async move {
                match run.await {
                    Ok(run) => page(run),
                    Err(problem) if problem.code == Code::NotFound => view! { <NotFound/> }.into_any(),
                    Err(problem) => view! { {bar(vec![Crumb::to(strings::RUNS, "/runs")], ())}<div class="content">{problem_notice(&problem)}</div> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn page(run: Run) -> AnyView {
    let retry_of = run.retry_of;
    let short = short_id(&run.summary.id);
    let flow = (run.summary.flow_name.clone(), run.summary.flow);
    let live = LiveRun::follow(run);
    let crumbs = vec![
        Crumb::to(strings::RUNS, "/runs"),
        Crumb::to(flow.0.clone(), format!("/runs?flow={}", flow.1)),
        Crumb::here(short),
    ];
    let tab = RwSignal::new("nodes");
    let chosen = RwSignal::new(None::<String>);
    let choose = Callback::new(move |path: Option<String>| {
        if path.is_some() {
            chosen.set(path);
            tab.set("nodes");
        }
    });
    let count = Signal::derive(move || live.nodes.with(Vec::len));
    view! {
        {bar(crumbs, ())}
        <div class="run">
            <div class="run-head">
                <div class="run-title">
                    <h1 tabindex="-1">{flow.0}</h1>
                    <span role="status">{move || live.summary.with(|summary| status_chip(&summary.status))}</span>
                    <div class="actions">{actions::actions(live)}</div>
                </div>
                {facts(live, retry_of)}
                {move || live.summary.with(|summary| summary.error.as_deref().map(|error| ending(&summary.status, error)))}
                {waits::of_people(live)}
            </div>
            <div class="run-canvas" role="region" aria-label=strings::CANVAS>
                <RunCanvas definition=live.definition.get_value() nodes=live.nodes chosen=choose/>
            </div>
            <div class="run-body">
                <Tabs
                    id="run"
                    label=strings::RUN
                    tabs=vec![("nodes", strings::NODES, Some(count)), ("data", strings::DATA, None), ("journal", strings::JOURNAL, None)]
                    open=tab
                />
                <div id="run-panel" role="tabpanel" aria-labelledby=move || format!("run-{}", tab.get())>
                    {move || match tab.get() {
                        "data" => data(live),
                        "journal" => journal::journal(live),
                        _ => nodes::nodes(live, chosen),
                    }}
                </div>
            </div>
        </div>
    }
    .into_any()
}

fn facts(live: LiveRun, retry_of: Option<RunId>) -> AnyView {
    let summary = live.summary;
    let (version, trigger, started) =
        summary.with_untracked(|it| (it.version, strings::trigger(&it.trigger), it.started_at));
    let retries = retry_of.map(|id| {
        view! { <div><dt>{strings::RETRY_OF}</dt><dd><a href=format!("/runs/{id}")>{short_id(&id)}</a></dd></div> }
    });
    view! {
        <dl class="facts">
            <div><dt>{strings::STARTED}</dt><dd>{ago(started)}</dd></div>
            <div><dt>{strings::TOOK}</dt><dd>{move || took(started, summary.with(|it| it.finished_at))}</dd></div>
            <div><dt>{strings::TRIGGER}</dt><dd>{trigger}</dd></div>
            <div><dt>{strings::VERSION}</dt><dd>{format!("v{version}")}</dd></div>
            {retries}
            <div class="grow">
                <dt>{strings::LOG_HASH}</dt>
                <dd><LogHash run=live.id definition=live.definition.get_value() log_hash=live.log_hash/></dd>
            </div>
        </dl>
    }
    .into_any()
}

/// Why it ended as it did. What somebody asked for is told, what went wrong is an alarm.
fn ending(status: &str, why: &str) -> AnyView {
    let (class, role, glyph) = match status {
        "cancelled" => ("notice", "status", "ban"),
        _ => ("notice bad", "alert", "circle-x"),
    };
    view! {
        <div class=class role=role>
            {icon(glyph)}
            <span class="detail sentence">{words(why)}</span>
        </div>
    }
    .into_any()
}

fn data(live: LiveRun) -> AnyView {
    let input = live.input.get_value();
    let output = move || match live.output.get() {
        Some(output) => view! { <Json id="run-output" title=strings::WHOLE_OUTPUT value=output/> }.into_any(),
        None => view! { <p class="muted">{strings::NOT_OUT_YET}</p> }.into_any(),
    };
    view! {
        <div class="stack">
            <Json id="run-input" title=strings::WHOLE_INPUT value=input/>
            {output}
        </div>
    }
    .into_any()
}
