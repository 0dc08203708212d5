//! All tasks: what waits for an answer, and what was answered, kept current while somebody looks.

use holon_model::wire::Page;
use holon_model::wire::tasks::{ME, NOBODY, TaskSummary, WHOM};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use super::api::TasksQuery;
use super::strings::{self, answerer};
use crate::frame::{Crumb, bar};
use crate::ports::{Ports, use_ports};
use crate::rest::{Query, connection::lost_since};
use crate::runs::{follow::follow, strings as runs};
use crate::ui::more::more;
use crate::ui::select::filter;
use crate::ui::{ago, empty, keys, plain, problem_notice, skeleton, words};

/// So many are on a page of the server.
const PAGE: usize = 50;

/// What the page shows: its address says so, so that it can be shared and gone back from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shown {
    /// Answered and closed ones too.
    all: bool,
    /// `me`, `nobody`, or empty for whoever it is.
    whom: String,
}

impl Shown {
    fn query(&self, cursor: Option<String>) -> TasksQuery {
        let state = (!self.all).then(|| "open".to_owned());
        TasksQuery { state, whom: Some(self.whom.clone()).filter(|whom| !whom.is_empty()), cursor }
    }

    fn address(&self) -> String {
        let show = if self.all { "all" } else { "" };
        Query::new("/tasks").with("show", show).with("for", &self.whom).build()
    }
}

/// `/tasks`: those that are open; with `?show=all` all, with `?for=me` or `?for=nobody` those that name the reader, or nobody.
#[component]
pub fn TasksPage() -> impl IntoView {
    let ports = use_ports();
    let query = use_query_map();
    let shown = Memo::new(move |_| {
        query.with(|query| Shown {
            all: query.get("show").as_deref() == Some("all"),
            whom: query.get("for").filter(|whom| WHOM.contains(&whom.as_str())).unwrap_or_default(),
        })
    });
    let tasks = Resource::new(move || shown.get(), {
        let ports = ports.clone();
        move |shown: Shown| ports.tasks.list(shown.query(None))
    });
    view! {
        <Title text=strings::TASKS/>
        {bar(vec![Crumb::here(strings::TASKS)], ())}
        <div class="content whole">
            <div class="page-head">
                <h1>{strings::TASKS}</h1>
                <p>{strings::ABOUT}</p>
            </div>
            <div class="filters">{state(shown)}{whom(shown)}{mark()}</div>
            <Transition fallback=|| skeleton::table(4)>
                {move || {
                    let ports = ports.clone();
                    Suspend::new(async move {
                        match tasks.await {
                            Ok(page) => table(ports, page, shown.get_untracked()),
                            Err(problem) => problem_notice(&problem),
                        }
                    })
                }}
            </Transition>
        </div>
    }
}

/// Open ones or all.
fn state(shown: Memo<Shown>) -> AnyView {
    let navigate = use_navigate();
    let choices = vec![(String::new(), strings::OPEN.to_owned()), ("all".to_owned(), strings::ALL.to_owned())];
    let value = Signal::derive(move || if shown.with(|shown| shown.all) { "all".to_owned() } else { String::new() });
    filter(strings::SHOW, choices, value, move |show| {
        let next = Shown { all: !show.is_empty(), ..shown.get_untracked() };
        navigate(&next.address(), NavigateOptions::default());
    })
}

/// Whose.
fn whom(shown: Memo<Shown>) -> AnyView {
    let navigate = use_navigate();
    let choice = |value: &str, words: &str| (value.to_owned(), words.to_owned());
    let choices =
        vec![choice("", strings::FOR_ANYBODY), choice(ME, strings::FOR_ME), choice(NOBODY, strings::FOR_NOBODY)];
    let value = Signal::derive(move || shown.with(|shown| shown.whom.clone()));
    filter(strings::WHOSE, choices, value, move |whom| {
        let next = Shown { whom, ..shown.get_untracked() };
        navigate(&next.address(), NavigateOptions::default());
    })
}

/// Whether what is shown is what is.
fn mark() -> AnyView {
    let lost = lost_since();
    let words = move || if lost.get().is_none() { runs::LIVE } else { runs::NOT_LIVE };
    view! { <span class="live live-dot" class:lost=move || lost.get().is_some() role="status">{words}</span> }
        .into_any()
}

fn nothing(shown: &Shown) -> AnyView {
    let (title, what) = match (shown.all, shown.whom.is_empty()) {
        (_, false) => (strings::EMPTY_WHOM, strings::EMPTY_WHOM_WHAT),
        (true, _) => (strings::EMPTY_ALL, strings::EMPTY_WHAT),
        (false, _) => (strings::EMPTY, strings::EMPTY_WHAT),
    };
    empty("clipboard-check", title, what, ())
}

/// Reads the first page again; rows below it stay as they are.
fn read(ports: &Ports, shown: &Shown, rows: RwSignal<Vec<TaskSummary>>, cursor: RwSignal<Option<String>>) {
    let asked = ports.tasks.list(shown.query(None));
    spawn_local(async move {
        // Not read: what is shown stays, and the next change asks again.
        let Ok(page) = asked.await else { return };
        let whole = page.next_cursor.is_none();
        let now = rows.try_update(|rows| {
            let last = page.data.last().map(|last| (last.run, last.id.clone()));
            let below =
                rows.drain(..).filter(|row| last.as_ref().is_some_and(|last| (row.run, &row.id) < (last.0, &last.1)));
            let below: Vec<_> = below.filter(|_| !whole).collect();
            *rows = page.data;
            rows.extend(below);
            rows.len()
        });
        if whole || now.is_some_and(|now| now <= PAGE) {
            cursor.try_set(page.next_cursor);
        }
    });
}

fn table(ports: Ports, page: Page<TaskSummary>, shown: Shown) -> AnyView {
    let (rows, cursor, all) = (RwSignal::new(page.data), RwSignal::new(page.next_cursor), shown.all);
    let first = StoredValue::new((ports.clone(), shown.clone()));
    follow(|| None, move || _ = first.try_with_value(|(ports, shown)| read(ports, shown, rows, cursor)));
    let none = shown.clone();
    let next = move |cursor| ports.tasks.list(shown.query(Some(cursor)));
    let key = |task: &TaskSummary| (task.id.clone(), task.state.clone(), task.assignees.clone());
    view! {
        <div class="table-box">
            <table class="data" hidden=move || rows.with(Vec::is_empty) on:keydown=move |event| keys::vertical(&event, ".row-link")>
                <thead>
                    <tr>
                        <th scope="col">{strings::TASK}</th>
                        <th scope="col" style="width:220px">{strings::FLOW}</th>
                        <th scope="col" style="width:180px">{strings::FOR}</th>
                        <th scope="col" style="width:130px">{strings::DUE}</th>
                        <th scope="col" style="width:130px">{strings::ASKED}</th>
                        {all.then(|| view! { <th scope="col" style="width:110px">{strings::STATE}</th> })}
                    </tr>
                </thead>
                <tbody><For each=move || rows.get() key children=move |task| row(&task, all)/></tbody>
            </table>
            {move || rows.with(Vec::is_empty).then(|| nothing(&none))}
            {more(rows, cursor, next)}
        </div>
    }
    .into_any()
}

fn row(task: &TaskSummary, all: bool) -> AnyView {
    let none = || view! { {strings::NONE} }.into_any();
    let people = if task.assignees.is_empty() { strings::NONE.to_owned() } else { task.assignees.join(", ") };
    let nobody = task.assignees.is_empty();
    let state = all.then(|| {
        let over = strings::over(
            &task.state,
            task.choice.as_deref(),
            answerer(task.answered_by.as_deref(), task.answered_by_name.as_deref()).as_deref(),
        );
        let title = (task.state != "open").then_some(over);
        view! { <td title=title><span class="tag">{strings::state(&task.state)}</span></td> }
    });
    view! {
        <tr>
            <td title=plain(&task.title)>
                <a class="row-link" href=format!("/tasks/{}/{}", task.run, task.id)>{words(&task.title)}</a>
            </td>
            <td title=task.flow_name.clone()><a class="above" href=format!("/flows/{}", task.flow)>{task.flow_name.clone()}</a></td>
            <td class="sub" class:none=nobody title=people.clone() data-label=strings::FOR>{people.clone()}</td>
            <td class="sub" class:none=task.due.is_none() data-label=strings::DUE>{task.due.map_or_else(none, ago)}</td>
            <td class="sub" data-label=strings::ASKED>{ago(task.opened_at)}</td>
            {state}
        </tr>
    }
    .into_any()
}
