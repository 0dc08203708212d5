//! One run: what happens, node by node, while it happens and ever after.

use holon_model::wire::runs::{ForkOf, Run, RunSummary};
use holon_model::{Code, Problem, RunId};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::debugger::{self, Stepper};
use super::live::LiveRun;
use super::looking::Looking;
use super::replay::Replay;
use super::saga::Names;
use super::verify::LogHash;
use super::{actions, fork, journal, marks, nodes, strings, waits};
use crate::canvas::{Chosen, RunCanvas};
use crate::frame::{Crumb, NotFound, bar};
use crate::ports::use_ports;
use crate::ui::format::short_id;
use crate::ui::status::{is_live, status_chip};
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
    let (retry_of, fork_of) = (run.retry_of, run.fork_of);
    let short = short_id(&run.summary.id);
    let flow = (run.summary.flow_name.clone(), run.summary.flow);
    let live = LiveRun::follow(run);
    provide_context(Names(live.names));
    let crumbs = vec![
        Crumb::to(strings::RUNS, "/runs"),
        Crumb::to(flow.0.clone(), format!("/runs?flow={}", flow.1)),
        Crumb::here(short),
    ];
    let replay = Replay::new(live.id, live.definition.get_value());
    let stepper = Stepper::new(live, replay);
    let looking = Looking::new();
    let tab = RwSignal::new("nodes");
    let choose = Callback::new(move |chosen: Chosen| {
        if looking.take(chosen) && !stepper.on.get_untracked() {
            tab.set("nodes");
        }
    });
    // What was looked at among the nodes of now is nothing to begin with at a moment, and the other way round.
    Effect::new(move |before: Option<bool>| {
        let on = stepper.on.get();
        if before.is_some_and(|before| before != on) {
            looking.forget();
        }
        on
    });
    let about = move || {
        (!stepper.on.get()).then(|| {
            view! {
                {facts(live, replay, retry_of, fork_of)}
                {move || live.summary.with(|summary| summary.error.as_deref().map(|error| ending(&summary.status, error)))}
                {move || live.retry.with(|retry| retry.as_ref().and_then(|retry| retry.why.as_deref()).map(refused))}
                {move || live.summary.with(held)}
                {waits::of_people(live)}
            }
        })
    };
    let body =
        move || if stepper.on.get() { walking(live, stepper, looking) } else { standing(live, stepper, looking, tab) };
    view! {
        {bar(crumbs, ())}
        <div class="run" class:stepping=stepper.on>
            <div class="run-head">
                <div class="run-title">
                    <h1 tabindex="-1">{flow.0}</h1>
                    <span role="status">{move || live.summary.with(|summary| status_chip(&summary.status))}</span>
                    <div class="actions">{actions::actions(live, stepper)}</div>
                </div>
                {about}
            </div>
            <div class="run-canvas" role="region" aria-label=strings::CANVAS>
                <RunCanvas definition=live.definition.get_value() nodes=stepper.nodes chosen=choose/>
            </div>
            {body}
        </div>
    }
    .into_any()
}

/// The run as it is now.
fn standing(live: LiveRun, stepper: Stepper, looking: Looking, tab: RwSignal<&'static str>) -> AnyView {
    let count = Signal::derive(move || live.nodes.with(Vec::len));
    view! {
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
                    _ => nodes::nodes(live.id, stepper.nodes, looking, |_| ().into_any()),
                }}
            </div>
        </div>
    }
    .into_any()
}

/// The run as it was after one of its inputs.
fn walking(live: LiveRun, stepper: Stepper, looking: Looking) -> AnyView {
    let tab = RwSignal::new("inputs");
    let inputs = Signal::derive(move || stepper.replay.len());
    let count = Signal::derive(move || stepper.nodes.with(Vec::len));
    // Until a node is chosen, the one that the input is about is looked at.
    let at = Memo::new(move |_| {
        looking.node.get().or_else(|| {
            let at = stepper.shown.with(|shown| shown.as_ref().map(|shown| shown.at))? as usize;
            stepper.replay.steps.with(|steps| steps.get(at).and_then(|step| step.path.clone()))
        })
    });
    let pinned = move || {
        looking.node.get().map(|_| {
            view! {
                <button type="button" class="button ghost small" on:click=move |_| looking.forget()>
                    {icon("pin")}
                    {strings::FOLLOW}
                </button>
            }
        })
    };
    let run = stepper.run;
    view! {
        {debugger::bar(stepper, fork::from_here(stepper, live))}
        <div class="run-body">
            <Tabs
                id="walk"
                label=strings::STEP_THROUGH
                tabs=vec![("inputs", strings::INPUTS, Some(inputs)), ("nodes", strings::NODES, Some(count)), ("data", strings::DATA, None)]
                open=tab
            />
            <div id="walk-panel" role="tabpanel" aria-labelledby=move || format!("walk-{}", tab.get())>
                {move || match tab.get() {
                    "nodes" => nodes::nodes(run, stepper.nodes, looking, move |node| debugger::told(stepper, node)),
                    "data" => data_then(stepper),
                    _ => view! {
                        <div class="run-split walk-split">
                            {debugger::inputs(stepper)}
                            {debugger::moment(stepper, looking)}
                            <div class="stack tight">
                                {pinned}
                                {nodes::panel(run, stepper.nodes, looking, at, move |node| debugger::told(stepper, node))}
                            </div>
                        </div>
                    }
                    .into_any(),
                }}
            </div>
        </div>
    }
    .into_any()
}

/// What had come out by then.
fn data_then(stepper: Stepper) -> AnyView {
    let shown = move || {
        stepper.shown.with(|shown| {
            let shown = shown.as_ref()?;
            Some(match (&shown.output, &shown.error) {
                (Some(output), _) => {
                    view! { <Json id="run-output" title=strings::WHOLE_OUTPUT value=output.clone()/> }.into_any()
                }
                (None, Some(error)) => ending("failed", &error.message),
                (None, None) => view! { <p class="muted">{strings::NOT_OUT_YET}</p> }.into_any(),
            })
        })
    };
    view! { <div class="stack">{shown}</div> }.into_any()
}

fn facts(live: LiveRun, replay: Replay, retry_of: Option<RunId>, fork_of: Option<ForkOf>) -> AnyView {
    let summary = live.summary;
    let (version, trigger, started) = summary.with_untracked(|it| (it.version, strings::started_by(it), it.started_at));
    let retries = retry_of.map(|id| {
        view! { <div><dt>{strings::RETRY_OF}</dt><dd><a href=format!("/runs/{id}")>{short_id(&id)}</a></dd></div> }
    });
    let forked = fork_of.map(|fork| {
        // The last input that was copied is the one to look at.
        let at = fork.seq.saturating_sub(1);
        let words = strings::fork_of(&short_id(&fork.run), at);
        view! { <div><dt>{strings::FORK_OF}</dt><dd><a href=format!("/runs/{}?at={at}", fork.run)>{words}</a></dd></div> }
    });
    let marks = move || summary.with(marks::fact);
    let total = Signal::derive(move || {
        live.log_hash.track();
        live.inputs()
    });
    let over = Signal::derive(move || summary.with(|it| !is_live(&it.status)));
    view! {
        <dl class="facts">
            <div><dt>{strings::STARTED}</dt><dd>{ago(started)}</dd></div>
            <div><dt>{strings::TOOK}</dt><dd>{move || took(started, summary.with(|it| it.finished_at))}</dd></div>
            <div><dt>{strings::TRIGGER}</dt><dd>{trigger}</dd></div>
            <div><dt>{strings::VERSION}</dt><dd>{format!("v{version}")}</dd></div>
            {retries}
            {forked}
            {marks}
            <div class="grow">
                <dt>{strings::LOG_HASH}</dt>
                <dd><LogHash run=live.id replay log_hash=live.log_hash total over/></dd>
            </div>
        </dl>
    }
    .into_any()
}

/// Why it is paused, and by whom.
fn held(summary: &RunSummary) -> Option<AnyView> {
    let why = summary.reason.clone().filter(|_| summary.status == "paused")?;
    let class = if summary.paused_by.is_some() { "notice" } else { "notice warn" };
    Some(
        view! { <div class=class role="status">{icon("circle-pause")}<span class="detail sentence">{words(&strings::for_people(&why))}</span></div> }
            .into_any(),
    )
}

/// Why it ended as it did. What somebody asked for is told, what went wrong is an alarm.
fn ending(status: &str, why: &str) -> AnyView {
    let (class, role, glyph) = match status {
        "cancelled" => ("notice", "status", "ban"),
        _ => ("notice bad", "alert", "circle-x"),
    };
    let (code, why) = strings::apart(why);
    view! {
        <div class=class role=role>
            {icon(glyph)}
            <span class="detail sentence">{words(&strings::for_people(why))}</span>
            {code.map(|code| view! { <code class="aside">{code.to_owned()}</code> })}
        </div>
    }
    .into_any()
}

/// Why it cannot be retried: what can be done is among the buttons.
fn refused(why: &str) -> AnyView {
    view! { <p class="muted small">{icon("info")}" "{words(why)}</p> }.into_any()
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
