//! The page of a back-test: how many runs, how far, and what was found.

use holon_model::wire::flows::Flow;
use holon_model::{Code, FlowId, Problem, RunId};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::results;
use super::store::{Backtest, Phase};
use super::strings;
use crate::frame::{Crumb, NotFound, bar};
use crate::ports::use_ports;
use crate::ui::{icon, problem_notice, skeleton, use_ready};

/// How many runs can be tried at once.
const MANY: [u16; 4] = [50, 200, 500, 1_000];

/// `/flows/{id}/backtest`; with `?run=run_…` it begins by itself, with that run among those that are tried.
#[component]
pub fn BacktestPage() -> impl IntoView {
    let (ports, params, query) = (use_ports(), use_params_map(), use_query_map());
    let with = move || query.with_untracked(|query| query.get("run")).and_then(|run| run.parse::<RunId>().ok());
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<FlowId>().ok()));
    let flow = Resource::new(
        move || id.get(),
        move |id| {
            let ports = ports.clone();
            async move {
                let id = id.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
                ports.flows.get(id).await
            }
        },
    );
    view! {
        <Title text=strings::BACKTEST/>
        <Suspense fallback=|| view! { {bar(vec![Crumb::to(strings::FLOWS, "/flows")], ())}<div class="content whole">{skeleton::table(4)}</div> }>
            {move || Suspend::new(async move {
                match flow.await {
                    Ok(flow) => body(flow, with()),
                    Err(problem) if problem.code == Code::NotFound => view! { <NotFound/> }.into_any(),
                    Err(problem) => view! { {bar(vec![Crumb::to(strings::FLOWS, "/flows")], ())}<div class="content">{problem_notice(&problem)}</div> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn body(flow: Flow, with: Option<RunId>) -> AnyView {
    let crumbs = vec![
        Crumb::to(strings::FLOWS, "/flows"),
        Crumb::to(flow.name.clone(), format!("/flows/{}", flow.id)),
        Crumb::here(strings::BACKTEST),
    ];
    let test = Backtest::new(flow.id, flow.definition, with);
    Effect::new(move |_| {
        if with.is_some() && test.phase.get_untracked() == Phase::Ready {
            test.start(MANY[1].into());
        }
    });
    view! {
        {bar(crumbs, ())}
        <div class="content whole stack">
            <div class="page-head"><h1>{strings::BACKTEST}</h1><p>{strings::WHAT}</p></div>
            {controls(test)}
            {move || (test.mistakes.get() > 0).then(|| view! {
                <div class="notice warn" role="status">{icon("triangle-alert")}<span class="detail">{strings::draft_mistakes(test.mistakes.get())}</span></div>
            })}
            {results::results(test)}
        </div>
    }
    .into_any()
}

fn controls(test: Backtest) -> AnyView {
    let ready = use_ready();
    let many = RwSignal::new(MANY[1]);
    let busy = Memo::new(move |_| matches!(test.phase.get(), Phase::Listing | Phase::Running));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            test.stop();
        } else {
            test.start(many.get_untracked().into());
        }
    };
    let options = MANY.map(|number| {
        view! { <option value=number.to_string() selected=number == MANY[1]>{strings::last(number)}</option> }
    });
    let button = move || match busy.get() {
        true => view! { {icon("ban")}{strings::STOP} }.into_any(),
        false => view! { {icon("flask-conical")}{strings::START} }.into_any(),
    };
    view! {
        <form class="filters backtest-controls" method="post" on:submit=submit>
            <select
                class="input"
                aria-label=strings::HOW_MANY
                disabled=busy
                on:change=move |event| if let Ok(number) = event_target_value(&event).parse() { many.set(number) }
            >
                {options.into_iter().collect::<Vec<_>>()}
            </select>
            <button type="submit" class="button" class:primary=move || !busy.get() disabled=move || !ready.get()>{button}</button>
            <span class="backtest-progress" role="status">{move || progress(test)}</span>
        </form>
    }
    .into_any()
}

fn progress(test: Backtest) -> Option<AnyView> {
    let (done, total) = (test.tried.with(Vec::len), test.total.get());
    let line = |words: String| view! { <span class="muted number">{words}</span> }.into_any();
    Some(match test.phase.get() {
        Phase::Ready => return None,
        Phase::Listing => line(strings::LISTING.to_owned()),
        Phase::Running => view! {
            <progress aria-label=strings::BACKTEST max=total.to_string() value=done.to_string()></progress>
            {line(strings::progress(done, total))}
        }
        .into_any(),
        Phase::Stopped => line(strings::stopped(done, total)),
        Phase::Done(millis) => line(strings::tried(done, millis)),
        Phase::Failed(why) => {
            view! { <span class="status is-failed">{icon("circle-x")}<span>{why}</span></span> }.into_any()
        }
    })
}
