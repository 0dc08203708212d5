//! The published versions of a flow, each unchanged since.

use holon_model::wire::Page;
use holon_model::wire::flows::{Flow, Version, VersionSummary};
use holon_model::{Code, FlowId, Problem, Value};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_meta::Title;
use leptos_router::hooks::{use_navigate, use_params_map};

use super::{api, strings};
use crate::frame::{Crumb, NotFound, bar};
use crate::pauses::{self, Scope};
use crate::ports::use_ports;
use crate::ui::more::more;
use crate::ui::{
    Dialog, Json, Submit, about, ago, copyable, empty, icon, keys, problem_notice, send, skeleton, use_toasts,
};

/// `/flows/{id}/versions`
#[component]
pub fn VersionsPage() -> impl IntoView {
    let (ports, params) = (use_ports(), use_params_map());
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<FlowId>().ok()));
    let all = Resource::new(
        move || id.get(),
        move |id| {
            let ports = ports.clone();
            async move {
                let id = id.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
                Ok::<_, Problem>((ports.flows.get(id).await?, ports.flows.versions(id).await?))
            }
        },
    );
    view! {
        <Title text=strings::VERSIONS/>
        <Transition fallback=|| view! { {bar(vec![Crumb::to(strings::FLOWS, "/flows")], ())}<div class="content whole">{skeleton::table(4)}</div> }>
            {move || Suspend::new(async move {
                match all.await {
                    Ok((flow, page)) => body(&flow, page),
                    Err(problem) if problem.code == Code::NotFound => view! { <NotFound/> }.into_any(),
                    Err(problem) => view! { {bar(vec![Crumb::to(strings::FLOWS, "/flows")], ())}<div class="content">{problem_notice(&problem)}</div> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn body(flow: &Flow, page: Page<VersionSummary>) -> AnyView {
    let (id, editor) = (flow.id, format!("/flows/{}", flow.id));
    let in_force = flow.published.as_ref().map(|published| published.version);
    let open = RwSignal::new(None::<Version>);
    let crumbs = vec![
        Crumb::to(strings::FLOWS, "/flows"),
        Crumb::to(flow.name.clone(), editor.clone()),
        Crumb::here(strings::VERSIONS),
    ];
    let table = if page.data.is_empty() {
        let act = view! { <a class="button primary" href=editor>{icon("pencil")}{strings::OPEN}</a> };
        empty("rotate-ccw-clock", strings::VERSIONS_EMPTY, strings::VERSIONS_EMPTY_WHAT, act)
    } else {
        let (rows, cursor) = (RwSignal::new(page.data), RwSignal::new(page.next_cursor));
        view! {
            <table class="data" on:keydown=move |event| keys::vertical(&event, ".row-link")>
                <thead>
                    <tr>
                        <th scope="col" style="width:150px">{strings::VERSION}</th>
                        <th scope="col">{strings::MESSAGE}</th>
                        <th scope="col" style="width:160px">{strings::BY}</th>
                        <th scope="col" style="width:130px">{strings::PUBLISHED}</th>
                        <th scope="col" style="width:230px">{strings::HASH}</th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || rows.get() key=|version| version.version children=move |version| row(id, version, in_force, open)/>
                </tbody>
            </table>
            {more(rows, cursor, move |cursor| api::versions_after(id, cursor))}
        }
        .into_any()
    };
    view! {
        {bar(crumbs, ())}
        <div class="content whole">
            <div class="page-head">
                <h1>{strings::VERSIONS}</h1>
                <div class="actions"><a class="button" href=format!("/flows/{id}/backtest")>{icon("flask-conical")}{strings::BACKTEST}</a></div>
            </div>
            <div class="table-box">{table}</div>
            {in_force.map(|_| view! { <div class="settings">{pauses::panel(Scope::Flow(id))}</div> })}
        </div>
        {definition(id, flow.revision, open)}
    }
    .into_any()
}

fn row(flow: FlowId, version: VersionSummary, in_force: Option<i32>, open: RwSignal<Option<Version>>) -> AnyView {
    let (ports, toasts, number) = (use_ports(), use_toasts(), version.version);
    let show = move |_| {
        let ports = ports.clone();
        spawn_local(async move {
            match ports.flows.version(flow, number).await {
                Ok(version) => _ = open.try_set(Some(version)),
                Err(problem) => toasts.bad(problem.detail),
            }
        });
    };
    let message = if version.message.is_empty() { strings::NO_MESSAGE.to_owned() } else { version.message.clone() };
    view! {
        <tr>
            <td>
                <span class="line">
                    <button type="button" class="row-link" on:click=show>{format!("v{number}")}</button>
                    {(in_force == Some(number)).then(|| view! { <span class="tag accent">{strings::IN_FORCE}</span> })}
                </span>
            </td>
            <td class:sub=version.message.is_empty() title=message.clone()>{message.clone()}</td>
            <td class="sub">{version.published_by.clone()}</td>
            <td class="sub">{ago(version.published_at)}</td>
            <td class="wide">{copyable(version.hash.clone(), strings::THE_HASH)}</td>
        </tr>
    }
    .into_any()
}

/// The definition of the chosen version, and using it as the draft.
fn definition(flow: FlowId, revision: i64, open: RwSignal<Option<Version>>) -> AnyView {
    let shown = about(open);
    let title = Signal::derive(move || {
        open.with(|open| {
            open.as_ref().map(|open| format!("{} {}", strings::VERSION, open.summary.version)).unwrap_or_default()
        })
    });
    view! {
        <Dialog open=shown title wide=true>
            {move || open.get().map(|version| {
                let draft = version.definition.clone();
                view! {
                    <Json id="definition" title=strings::SHOW_DEFINITION value=version.definition/>
                    {restore(flow, revision, draft)}
                }
            })}
        </Dialog>
    }
    .into_any()
}

/// Makes a version's definition the draft, and opens it in the editor.
fn restore(flow: FlowId, revision: i64, draft: Value) -> AnyView {
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (toasts, navigate) = (use_toasts(), use_navigate());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        // The revision that this page was opened with: what others changed since is not overwritten.
        send(api::replace(flow, revision, &draft), pending, problem, move |flow| {
            toasts.good(strings::USED_DRAFT);
            navigate(&format!("/flows/{}", flow.id), Default::default());
        });
    };
    view! {
        <form method="post" class="stack tight" on:submit=submit>
            <p class="muted">{strings::USE_DRAFT_WHAT}</p>
            {move || problem.get().map(|problem| problem_notice(&problem))}
            <div class="dialog-foot"><Submit pending label=strings::USE_DRAFT/></div>
        </form>
    }
    .into_any()
}
