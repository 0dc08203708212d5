//! All flows: a table to search, and how to start one.

use holon_model::wire::Page;
use holon_model::wire::flows::{Example, FlowSummary};
use leptos::prelude::*;
use leptos_meta::Title;

use super::api::FlowsQuery;
use super::{new, strings, table};
use crate::frame::{Crumb, bar};
use crate::ports::{Ports, use_ports};
use crate::ui::more::more;
use crate::ui::search::search;
use crate::ui::{asked, empty, icon, problem_notice, skeleton};

/// `/flows`
#[component]
pub fn FlowsPage() -> impl IntoView {
    let ports = use_ports();
    let (words, making) = (RwSignal::new(String::new()), RwSignal::new(false));
    // Where the page shows the examples, the dialog need not.
    let bare = RwSignal::new(false);
    asked::when_new("/flows", move || making.set(true));
    let flows = Resource::new(move || words.get(), {
        let ports = ports.clone();
        move |q| ports.flows.list(FlowsQuery { q, ..FlowsQuery::default() })
    });
    let examples = Resource::new(|| (), {
        let ports = ports.clone();
        move |()| ports.flows.examples()
    });
    let new_flow = move || {
        view! {
            <button type="button" class="button primary" on:click=move |_| making.set(true)>{icon("plus")}{strings::NEW}</button>
        }
    };
    view! {
        <Title text=strings::FLOWS/>
        {bar(vec![Crumb::here(strings::FLOWS)], ())}
        <div class="content whole">
            <div class="page-head">
                <h1>{strings::FLOWS}</h1>
                <div class="actions">{new_flow()}</div>
                <p>{strings::ABOUT}</p>
            </div>
            <Transition fallback=|| skeleton::table(8)>
                {move || {
                    let ports = ports.clone();
                    Suspend::new(async move {
                        let examples = examples.await.map(|page| page.data).unwrap_or_default();
                        match flows.await {
                            Ok(page) => {
                                bare.try_set(page.data.is_empty() && words.get_untracked().trim().is_empty());
                                body(ports, page, examples, words, making)
                            }
                            Err(problem) => problem_notice(&problem),
                        }
                    })
                }}
            </Transition>
        </div>
        <new::NewFlow open=making examples=examples bare/>
    }
}

fn body(
    ports: Ports,
    page: Page<FlowSummary>,
    examples: Vec<Example>,
    words: RwSignal<String>,
    making: RwSignal<bool>,
) -> AnyView {
    let q = words.get_untracked();
    if page.data.is_empty() && q.trim().is_empty() {
        let start = view! { <button type="button" class="button" on:click=move |_| making.set(true)>{icon("plus")}{strings::EMPTY_FLOW}</button> };
        return view! {
            <div class="stack">
                <div class="table-box">{empty("workflow", strings::EMPTY, strings::EMPTY_WHAT, start)}</div>
                {new::examples(examples)}
            </div>
        }
        .into_any();
    }
    let found = !page.data.is_empty();
    let (rows, cursor) = (RwSignal::new(page.data), RwSignal::new(page.next_cursor));
    let next = move |cursor| ports.flows.list(FlowsQuery { q: q.clone(), cursor: Some(cursor), limit: None });
    let table = if found {
        view! { {table::table(rows)}{more(rows, cursor, next)} }.into_any()
    } else {
        empty("search-x", strings::NOT_FOUND, strings::NOT_FOUND_WHAT, ())
    };
    view! {
        <div class="filters">{search(strings::SEARCH, words)}</div>
        <div class="table-box">{table}</div>
    }
    .into_any()
}
