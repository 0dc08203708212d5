//! All runs, the newest first, live.

use holon_model::wire::Page;
use holon_model::wire::flows::FlowSummary;
use holon_model::wire::runs::{RunSummary, Starter};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use super::api::RunsQuery;
use super::filters::{Filters, WITHIN, statuses};
use super::live::LiveList;
use super::picked::Picked;
use super::{bulk, rows, strings};
use crate::flows::api::FlowsQuery;
use crate::frame::{Crumb, bar};
use crate::ports::{Ports, use_ports};
use crate::ui::more::more;
use crate::ui::select::{Choice, filter};
use crate::ui::status::word;
use crate::ui::{empty, icon, problem_notice, skeleton, time};

/// Where `Show more` goes on, so many at once.
const MORE: u16 = 200;

/// `/runs`, filtered by its query.
#[component]
pub fn RunsPage() -> impl IntoView {
    let ports = use_ports();
    let query = use_query_map();
    let filters = Memo::new(move |_| query.with(Filters::read));
    let runs = Resource::new(move || filters.get(), {
        let ports = ports.clone();
        move |filters: Filters| ports.runs.list(filters.query(now(&ports)))
    });
    let flows = Resource::new(|| (), {
        let ports = ports.clone();
        move |()| ports.flows.list(FlowsQuery { limit: Some(200), ..FlowsQuery::default() })
    });
    let starters = Resource::new(|| (), {
        let ports = ports.clone();
        move |()| ports.runs.starters()
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
                        let starters = starters.await.map(|page| page.data).unwrap_or_default();
                        match runs.await {
                            Ok(page) => body(ports, page, (&flows, starters), filters),
                            Err(problem) => problem_notice(&problem),
                        }
                    })
                }}
            </Transition>
        </div>
    }
}

/// Now: the server's, or the browser's where there is one.
fn now(ports: &Ports) -> holon_model::Timestamp {
    ports.now.max(time::browser_now())
}

fn body(
    ports: Ports,
    page: Page<RunSummary>,
    (flows, starters): (&[FlowSummary], Vec<Starter>),
    filters: Memo<Filters>,
) -> AnyView {
    let chosen = filters.get_untracked();
    let (query, filtered) = (chosen.query(now(&ports)), chosen.any());
    let list = LiveList::new(page.data, page.next_cursor);
    list.follow(query.clone(), None);
    let (rows, cursor) = (list.rows, list.cursor);
    let picked = Picked::new(rows);
    let next = {
        let (ports, query) = (ports.clone(), query.clone());
        move |cursor| ports.runs.list(RunsQuery { cursor: Some(cursor), limit: Some(MORE), ..query.clone() })
    };
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
            {selects(flows, starters, filters)}
            {marks(filters)}
            <span class="live live-dot" class:lost=move || !list.connected.get() role="status">
                {move || if list.connected.get() { strings::LIVE } else { strings::NOT_LIVE }}
            </span>
        </div>
        {between(filters)}
        {chips(filters)}
        <div class="table-box">{rows::long(rows, picked)}{none}{more(rows, cursor, next)}</div>
        {bulk::bar(list, picked, query, &ports)}
    }
    .into_any()
}

/// Changes a filter in the address, so that it can be shared and gone back from.
fn goer(filters: Memo<Filters>) -> impl Fn(&dyn Fn(&mut Filters)) + Clone + 'static {
    let navigate = use_navigate();
    move |change| {
        let mut next = filters.get_untracked();
        change(&mut next);
        navigate(&next.address(), NavigateOptions { scroll: false, ..NavigateOptions::default() });
    }
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn selects(flows: &[FlowSummary], starters: Vec<Starter>, filters: Memo<Filters>) -> AnyView {
    let go = goer(filters);
    let with = |any: &str, choices: &mut dyn Iterator<Item = Choice>| {
        let mut all: Vec<Choice> = vec![(String::new(), any.to_owned())];
        all.extend(choices);
        all
    };
    let of = move |read: fn(&Filters) -> Option<String>| {
        Signal::derive(move || filters.with(|filters| read(filters).unwrap_or_default()))
    };
    let flow = {
        let go = go.clone();
        let choices = with(strings::ALL_FLOWS, &mut flows.iter().map(|flow| (flow.id.to_string(), flow.name.clone())));
        let value = of(|filters| filters.flow.map(|flow| flow.to_string()));
        filter(strings::FILTER_FLOW, choices, value, move |flow| go(&|filters| filters.flow = flow.parse().ok()))
    };
    let status = {
        let go = go.clone();
        let choices =
            with(strings::ALL_STATUSES, &mut statuses().map(|status| (status.to_owned(), word(status).to_owned())));
        let value = of(|filters| filters.status.clone());
        filter(strings::FILTER_STATUS, choices, value, move |status| {
            go(&|filters| filters.status = given(status.clone()));
        })
    };
    let trigger = {
        let go = go.clone();
        let choices =
            with(strings::ANY_TRIGGER, &mut starters.into_iter().map(|starter| (starter.kind, starter.title)));
        let value = of(|filters| filters.trigger.clone());
        filter(strings::FILTER_TRIGGER, choices, value, move |kind| {
            go(&|filters| filters.trigger = given(kind.clone()));
        })
    };
    let when = {
        let words = [strings::LAST_HOUR, strings::LAST_DAY, strings::LAST_WEEK, strings::LAST_MONTH];
        let named = WITHIN.iter().zip(words).map(|((name, _), words)| ((*name).to_owned(), words.to_owned()));
        let custom = (CUSTOM.to_owned(), strings::CUSTOM_TIME.to_owned());
        let choices = with(strings::ANY_TIME, &mut named.chain([custom]));
        let value = of(|filters| match filters.since.or(filters.until) {
            Some(_) => Some(CUSTOM.to_owned()),
            None => filters.within.clone(),
        });
        filter(strings::FILTER_TIME, choices, value, move |within| {
            let now = time::browser_now();
            go(&|filters| {
                let custom = within == CUSTOM;
                // A day back to begin with.
                filters.since = custom.then(|| now.minus(holon_model::Millis(86_400_000)));
                filters.until = None;
                filters.within = given(within.clone()).filter(|_| !custom);
            });
        })
    };
    view! { {flow}{status}{trigger}{when} }.into_any()
}

/// Of the choices of time: two instants.
const CUSTOM: &str = "between";

/// The two instants, when that is what was chosen.
fn between(filters: Memo<Filters>) -> AnyView {
    let go = goer(filters);
    let shown = Memo::new(move |_| filters.with(|filters| filters.since.or(filters.until).is_some()));
    let field = move |id: &'static str,
                      label: &'static str,
                      read: fn(&Filters) -> Option<holon_model::Timestamp>,
                      write: fn(&mut Filters, Option<holon_model::Timestamp>)| {
        let go = go.clone();
        // The reader's zone is known in a browser only.
        let value = RwSignal::new(String::new());
        Effect::new(move |_| value.set(filters.with(read).map(time::local_input).unwrap_or_default()));
        view! {
            <label class="filter-time" for=id>
                <span>{label}</span>
                <input
                    id=id
                    class="input"
                    type="datetime-local"
                    prop:value=value
                    on:change=move |event| {
                        let at = time::from_local_input(&event_target_value(&event));
                        go(&|filters| write(filters, at));
                    }
                />
            </label>
        }
        .into_any()
    };
    let (from, to) = (
        field("since", strings::FROM, |filters| filters.since, |filters, at| filters.since = at),
        field("until", strings::TO, |filters| filters.until, |filters, at| filters.until = at),
    );
    view! { <div class="filters" hidden=move || !shown.get()>{from}{to}</div> }.into_any()
}

/// Finds by label or correlation.
fn marks(filters: Memo<Filters>) -> AnyView {
    let go = goer(filters);
    let text = RwSignal::new(String::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = text.get_untracked();
        if !typed.trim().is_empty() {
            text.set(String::new());
            go(&|filters| *filters = filters.clone().marked(&typed));
        }
    };
    view! {
        <form class="search" method="get" role="search" on:submit=submit>
            {icon("search")}
            <input
                class="input"
                type="search"
                aria-label=strings::FILTER_MARK
                placeholder=strings::FILTER_MARK_HINT
                autocomplete="off"
                spellcheck="false"
                prop:value=text
                on:input=move |event| text.set(event_target_value(&event))
            />
        </form>
    }
    .into_any()
}

/// What is filtered by besides the choices above, each with a way out.
fn chips(filters: Memo<Filters>) -> AnyView {
    let chip = |text: String, without: Filters| {
        let label = format!("{}: {text}", strings::REMOVE_FILTER);
        view! { <a class="tag accent chip" href=without.address() title=label.clone() aria-label=label><span class="truncate">{text}</span>{icon("x")}</a> }
            .into_any()
    };
    let all = move || {
        filters.with(|filters| {
            let about =
                filters.correlation.clone().map(|about| chip(about, Filters { correlation: None, ..filters.clone() }));
            let labels = filters.labels.iter().map(|(key, value)| {
                let mut without = filters.clone();
                without.labels.remove(key);
                chip(format!("{key}:{value}"), without)
            });
            let chips: Vec<AnyView> = about.into_iter().chain(labels).collect();
            (!chips.is_empty()).then(|| view! { <div class="filter-chips">{chips}</div> })
        })
    };
    view! { {all} }.into_any()
}
