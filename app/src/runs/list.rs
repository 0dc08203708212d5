//! All runs, the newest first, live.

use holon_model::FlowId;
use holon_model::wire::Page;
use holon_model::wire::flows::FlowSummary;
use holon_model::wire::runs::{ENDED, GOING, RunSummary};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use super::api::RunsQuery;
use super::live::LiveList;
use super::{strings, table};
use crate::flows::api::FlowsQuery;
use crate::frame::{Crumb, bar};
use crate::ports::{Ports, use_ports};
use crate::rest::Query;
use crate::ui::more::more;
use crate::ui::select::{Choice, filter};
use crate::ui::status::word;
use crate::ui::{empty, problem_notice, skeleton};

/// Every status, those that may still change first.
fn statuses() -> impl Iterator<Item = &'static str> {
    GOING.into_iter().chain(ENDED)
}

/// `/runs`, filtered by `?flow` and `?status`
#[component]
pub fn RunsPage() -> impl IntoView {
    let ports = use_ports();
    let query = use_query_map();
    let filters = Memo::new(move |_| {
        query.with(|query| RunsQuery {
            flow: query.get("flow").and_then(|flow| flow.parse::<FlowId>().ok()),
            status: query.get("status").filter(|status| statuses().any(|known| known == status)),
            ..RunsQuery::default()
        })
    });
    let runs = Resource::new(move || filters.get(), {
        let ports = ports.clone();
        move |query| ports.runs.list(query)
    });
    let flows = Resource::new(|| (), {
        let ports = ports.clone();
        move |()| ports.flows.list(FlowsQuery { limit: Some(200), ..FlowsQuery::default() })
    });
    view! {
        <Title text=strings::RUNS/>
        {bar(vec![Crumb::here(strings::RUNS)], ())}
        <div class="content whole">
            <div class="page-head"><h1>{strings::RUNS}</h1></div>
            <Transition fallback=|| skeleton::table(10)>
                {move || {
                    let ports = ports.clone();
                    Suspend::new(async move {
                        let flows = flows.await.map(|page| page.data).unwrap_or_default();
                        match runs.await {
                            Ok(page) => body(ports, page, &flows, filters),
                            Err(problem) => problem_notice(&problem),
                        }
                    })
                }}
            </Transition>
        </div>
    }
}

fn body(ports: Ports, page: Page<RunSummary>, flows: &[FlowSummary], filters: Memo<RunsQuery>) -> AnyView {
    let query = filters.get_untracked();
    let filtered = query.flow.is_some() || query.status.is_some();
    let list = LiveList::new(page.data, page.next_cursor);
    list.follow(query.clone(), None);
    let (rows, cursor) = (list.rows, list.cursor);
    let next = move |cursor| ports.runs.list(RunsQuery { cursor: Some(cursor), ..query.clone() });
    let none = move || {
        rows.with(Vec::is_empty).then(|| {
            if filtered {
                let act = view! { <a class="button" href="/runs">{strings::CLEAR}</a> };
                empty("funnel-x", strings::EMPTY_FILTER, strings::EMPTY_FILTER_WHAT, act)
            } else {
                let act = view! { <a class="button primary" href="/flows">{strings::SEE_FLOWS}</a> };
                empty("activity", strings::EMPTY, strings::EMPTY_WHAT, act)
            }
        })
    };
    view! {
        <div class="filters">
            {flow_filter(flows, filters)}
            {status_filter(filters)}
            <span class="live live-dot" class:lost=move || !list.connected.get() role="status">
                {move || if list.connected.get() { strings::LIVE } else { strings::NOT_LIVE }}
            </span>
        </div>
        <div class="table-box">{table::long(rows)}{none}{more(rows, cursor, next)}</div>
    }
    .into_any()
}

fn flow_filter(flows: &[FlowSummary], filters: Memo<RunsQuery>) -> AnyView {
    let go = goer(filters);
    let mut choices: Vec<Choice> = vec![(String::new(), strings::ALL_FLOWS.to_owned())];
    choices.extend(flows.iter().map(|flow| (flow.id.to_string(), flow.name.clone())));
    let value =
        Signal::derive(move || filters.with(|query| query.flow.map(|flow| flow.to_string()).unwrap_or_default()));
    filter(strings::FILTER_FLOW, choices, value, move |flow| go(Some(flow), None))
}

fn status_filter(filters: Memo<RunsQuery>) -> AnyView {
    let go = goer(filters);
    let mut choices: Vec<Choice> = vec![(String::new(), strings::ALL_STATUSES.to_owned())];
    choices.extend(statuses().map(|status| (status.to_owned(), word(status).to_owned())));
    let value = Signal::derive(move || filters.with(|query| query.status.clone().unwrap_or_default()));
    filter(strings::FILTER_STATUS, choices, value, move |status| go(None, Some(status)))
}

/// Changes one filter in the address, so that it can be shared and gone back from.
fn goer(filters: Memo<RunsQuery>) -> impl Fn(Option<String>, Option<String>) + 'static {
    let navigate = use_navigate();
    move |flow, status| {
        let now = filters.get_untracked();
        let flow = flow.unwrap_or_else(|| now.flow.map(|flow| flow.to_string()).unwrap_or_default());
        let status = status.unwrap_or_else(|| now.status.unwrap_or_default());
        navigate(&Query::new("/runs").with("flow", &flow).with("status", &status).build(), NavigateOptions::default());
    }
}
