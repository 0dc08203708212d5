//! All that a flow keeps: a table, setting a key, forgetting one.

use holon_model::wire::Page;
use holon_model::wire::flow_state::StateEntry;
use holon_model::wire::flows::Flow;
use holon_model::{Code, FlowId, Problem};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::edit::{EditKey, Editing};
use super::{api, strings};
use crate::frame::{Crumb, NotFound, bar};
use crate::ports::use_ports;
use crate::ui::more::more;
use crate::ui::{Confirm, about, ago, empty, format, icon, problem_notice, send, skeleton};

/// `/flows/{id}/state`
#[component]
pub fn StatePage() -> impl IntoView {
    let (ports, params) = (use_ports(), use_params_map());
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<FlowId>().ok()));
    let all = Resource::new(
        move || id.get(),
        move |id| {
            let ports = ports.clone();
            async move {
                let id = id.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
                Ok::<_, Problem>((ports.flows.get(id).await?, ports.state.list(id, None).await?))
            }
        },
    );
    view! {
        <Title text=strings::STATE/>
        <Transition fallback=|| view! { {bar(vec![Crumb::to(strings::FLOWS, "/flows")], ())}<div class="content whole">{skeleton::table(4)}</div> }>
            {move || Suspend::new(async move {
                match all.await {
                    Ok((flow, page)) => body(&flow, page, move || all.refetch()),
                    Err(problem) if problem.code == Code::NotFound => view! { <NotFound/> }.into_any(),
                    Err(problem) => view! { {bar(vec![Crumb::to(strings::FLOWS, "/flows")], ())}<div class="content">{problem_notice(&problem)}</div> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn body(flow: &Flow, page: Page<StateEntry>, again: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    let id = flow.id;
    let crumbs = vec![
        Crumb::to(strings::FLOWS, "/flows"),
        Crumb::to(flow.name.clone(), format!("/flows/{id}")),
        Crumb::here(strings::STATE),
    ];
    let (editing, doomed) = (RwSignal::new(None::<Editing>), RwSignal::new(None::<String>));
    let start = move |primary: bool| {
        view! {
            <button type="button" class="button" class:primary=primary on:click=move |_| editing.set(Some(Editing::default()))>
                {icon("plus")}{strings::NEW}
            </button>
        }
    };
    let table = if page.data.is_empty() {
        empty("database", strings::EMPTY, strings::EMPTY_WHAT, start(false))
    } else {
        let (rows, cursor) = (RwSignal::new(page.data), RwSignal::new(page.next_cursor));
        let ports = use_ports();
        view! {
            <table class="data">
                <thead>
                    <tr>
                        <th scope="col" style="width:30%">{strings::KEY}</th>
                        <th scope="col">{strings::VALUE}</th>
                        <th scope="col" style="width:170px">{strings::CHANGED}</th>
                        <th scope="col" style="width:170px"><span class="hidden-visually">{strings::CHANGE}</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || rows.get() key=|entry| (entry.key.clone(), entry.updated_at) children=move |entry| row(id, entry, editing, doomed)/>
                </tbody>
            </table>
            {more(rows, cursor, move |cursor| ports.state.list(id, Some(cursor)))}
        }
        .into_any()
    };
    view! {
        {bar(crumbs, ())}
        <div class="content whole">
            <div class="page-head">
                <h1>{strings::STATE}</h1>
                <div class="actions">{start(true)}</div>
                <p>{strings::ABOUT}</p>
            </div>
            <div class="table-box">{table}</div>
        </div>
        <EditKey flow=id editing saved=UnsyncCallback::new(move |()| again())/>
        {forget(id, doomed, again)}
    }
    .into_any()
}

fn row(
    flow: FlowId,
    entry: StateEntry,
    editing: RwSignal<Option<Editing>>,
    doomed: RwSignal<Option<String>>,
) -> AnyView {
    let (key, gone) = (entry.key.clone(), entry.key.clone());
    let shown = entry.value.as_ref().map(holon_model::json::to_string);
    let value = shown.clone().unwrap_or_else(|| format!("{}, {}", strings::LARGE, format::size(entry.bytes.into())));
    let by = match (entry.run, entry.changed_by) {
        (Some(run), _) => Some(view! { " "<a href=format!("/runs/{run}")>{icon("activity")}</a> }.into_any()),
        (None, Some(by)) => Some(view! { " "<span class="sub">{by}</span> }.into_any()),
        (None, None) => None,
    };
    let change = move |_| editing.set(Some(Editing::of(flow, &key)));
    view! {
        <tr>
            <td title=entry.key.clone()><code>{entry.key.clone()}</code></td>
            <td class="mono" title=value.clone()>{value.clone()}</td>
            <td class="sub">{ago(entry.updated_at)}{by}</td>
            <td class="acts">
                <button type="button" class="button ghost small" on:click=change>{strings::CHANGE}</button>
                <button type="button" class="button ghost small danger" on:click=move |_| doomed.set(Some(gone.clone()))>{strings::DELETE}</button>
            </td>
        </tr>
    }
    .into_any()
}

fn forget(flow: FlowId, doomed: RwSignal<Option<String>>, done: impl Fn() + Copy + 'static) -> AnyView {
    let (open, pending, problem) = (about(doomed), RwSignal::new(false), RwSignal::new(None::<Problem>));
    let title = Signal::derive(move || {
        doomed.with(|key| key.as_ref().map(|key| format!("{} “{key}”?", strings::DELETE)).unwrap_or_default())
    });
    let act = UnsyncCallback::new(move |()| {
        let Some(key) = doomed.get_untracked() else { return };
        send(api::delete(flow, &key), pending, problem, move |()| {
            open.try_set(false);
            done();
        });
    });
    view! { <Confirm open title body=strings::DELETE_WHAT.to_owned() verb=strings::DELETE_KEY pending problem act/> }
        .into_any()
}
