//! All alerts: a table with what each told last, making one, changing it, trying it out, deleting it.

use holon_model::Problem;
use holon_model::wire::alerts::{Alert, AlertFiring};
use holon_model::wire::flows::FlowSummary;
use leptos::prelude::*;
use leptos_meta::Title;

use super::{api, form, strings};
use crate::flows::api::FlowsQuery;
use crate::frame::{Crumb, bar, strings as frame};
use crate::ports::use_ports;
use crate::ui::{
    Confirm, Dialog, Menu, about, ago, asked, empty, icon, keys, menu, menu_button, problem_notice, send, skeleton,
    use_ready, use_toasts,
};

/// Flows that can be chosen from.
const MOST_FLOWS: u16 = 200;

/// What the dialog is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Editing {
    New,
    One(Box<Alert>),
}

/// `/settings/alerts`
#[component]
pub fn AlertsPage() -> impl IntoView {
    let ports = use_ports();
    let flows_port = ports.flows.clone();
    let all = Resource::new(|| (), move |()| ports.alerts.list());
    let query = FlowsQuery { limit: Some(MOST_FLOWS), ..FlowsQuery::default() };
    let flows = Resource::new(|| (), move |()| flows_port.list(query.clone()));
    let named = StoredValue::new(Vec::new());
    let (editing, doomed) = (RwSignal::new(None::<Editing>), RwSignal::new(None::<Alert>));
    asked::when_new("/settings/alerts", move || editing.set(Some(Editing::New)));
    let start = move |primary: bool| {
        view! { <button type="button" class="button" class:primary=primary on:click=move |_| editing.set(Some(Editing::New))>{icon("plus")}{strings::NEW}</button> }
    };
    view! {
        <Title text=strings::ALERTS/>
        {bar(vec![Crumb::to(frame::SETTINGS, "/settings"), Crumb::here(strings::ALERTS)], ())}
        <div class="content">
            <div class="page-head">
                <h1>{strings::ALERTS}</h1>
                <div class="actions">{start(true)}</div>
                <p>{strings::ABOUT}</p>
            </div>
            <Transition fallback=|| skeleton::table(4)>
                {move || Suspend::new(async move {
                    let known = flows.await.map(|page| page.data).unwrap_or_default();
                    named.try_set_value(known.clone());
                    match all.await {
                        Ok(page) if page.data.is_empty() => {
                            view! { <div class="table-box">{empty("bell", strings::EMPTY, strings::EMPTY_WHAT, start(false))}</div> }.into_any()
                        }
                        Ok(page) => table(page.data, &known, editing, doomed, move || all.refetch()),
                        Err(problem) => problem_notice(&problem),
                    }
                })}
            </Transition>
        </div>
        {dialog(editing, named, move || all.refetch())}
        {delete(doomed, move || all.refetch())}
    }
}

fn table(
    rows: Vec<Alert>,
    flows: &[FlowSummary],
    editing: RwSignal<Option<Editing>>,
    doomed: RwSignal<Option<Alert>>,
    again: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    let rows: Vec<AnyView> = rows.into_iter().map(|alert| row(alert, flows, editing, doomed, again)).collect();
    view! {
        <div class="table-box">
            <table class="data" on:keydown=move |event| keys::vertical(&event, ".row-link")>
                <thead>
                    <tr>
                        <th scope="col">{strings::NAME}</th>
                        <th scope="col">{strings::WHAT}</th>
                        <th scope="col">{strings::TELLS}</th>
                        <th scope="col" style="width:150px">{strings::FIRED}</th>
                        <th scope="col" style="width:48px"><span class="hidden-visually">{crate::ui::strings::MORE_ACTIONS}</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(
    alert: Alert,
    flows: &[FlowSummary],
    editing: RwSignal<Option<Editing>>,
    doomed: RwSignal<Option<Alert>>,
    again: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    let menu_id = format!("alert-menu-{}", alert.id);
    let named = |id| flows.iter().find(|flow| flow.id == id).map(|flow| flow.name.clone());
    let what = match alert.flow.and_then(named) {
        Some(flow) => format!("{} · {flow}", strings::what(alert.what)),
        None => strings::what(alert.what).to_owned(),
    };
    let people = alert.recipients.as_ref().map(|all| all.join(", "));
    let place = alert.url.clone().or(people).or_else(|| alert.target.and_then(named)).unwrap_or_default();
    let told = format!("{} · {place}", strings::channel(alert.channel));
    let (name, id) = (alert.name.clone(), alert.id);
    let (pressed, edited, gone) = (alert.clone(), alert.clone(), alert.clone());
    let (ready, toasts) = (use_ready(), use_toasts());
    let (pending, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    Effect::new(move |_| {
        if let Some(problem) = problem.get() {
            toasts.bad(problem.detail);
        }
    });
    let test = move || {
        if ready.get_untracked() {
            send(api::test(id), pending, problem, move |firing| {
                match (firing.state.as_str(), firing.run, firing.error) {
                    ("delivered", Some(_), _) => toasts.good(strings::TEST_STARTED),
                    ("delivered", None, _) => toasts.good(strings::TESTED),
                    (_, _, why) => toasts.bad(format!("{}: {}", strings::TEST_FAILED, why.unwrap_or_default())),
                }
                again();
            });
        }
    };
    view! {
        <tr>
            <td title=name.clone()>
                <button type="button" class="row-link plain" on:click=move |_| editing.set(Some(Editing::One(Box::new(pressed.clone()))))>{name.clone()}</button>
                {(!alert.enabled).then(|| view! { <span class="sub">" · "{strings::OFF}</span> })}
            </td>
            <td title=what.clone()>{what.clone()}</td>
            <td class="sub" title=told.clone()>{told.clone()}</td>
            <td class="sub" data-label=strings::FIRED>{last(alert.last)}</td>
            <td class="acts">
                {menu_button(&menu_id, &name)}
                <Menu id=menu_id label=name.clone()>
                    {menu::item("pencil", strings::EDIT, false, move || editing.set(Some(Editing::One(Box::new(edited.clone())))))}
                    {menu::item("bell", strings::TEST, false, test)}
                    <hr/>
                    {menu::item("trash", strings::DELETE, true, move || doomed.set(Some(gone.clone())))}
                </Menu>
            </td>
        </tr>
    }
    .into_any()
}

/// When it told last, and what; with a sign when nobody heard it.
fn last(firing: Option<AlertFiring>) -> AnyView {
    let Some(firing) = firing else { return view! { {strings::NEVER} }.into_any() };
    let unheard = firing.state != "delivered";
    let why = firing.error.map_or_else(|| firing.summary.clone(), |error| format!("{} ({error})", firing.summary));
    view! { <span title=why>{unheard.then(|| icon("circle-alert"))}{ago(firing.fired_at)}</span> }.into_any()
}

fn dialog(
    editing: RwSignal<Option<Editing>>,
    named: StoredValue<Vec<FlowSummary>>,
    done: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    let open = about(editing);
    let title = Signal::derive(move || match editing.get() {
        Some(Editing::One(alert)) => format!("{} · {}", strings::EDIT, alert.name),
        _ => strings::NEW.to_owned(),
    });
    view! {
        <Dialog open title>
            {move || editing.get().map(|editing| {
                let known = match editing {
                    Editing::New => None,
                    Editing::One(alert) => Some(*alert),
                };
                // Opened by a press, after the page was shown: the flows are there by then.
                let named = named.try_get_value().unwrap_or_default();
                form::form(known, &named, open, done)
            })}
        </Dialog>
    }
    .into_any()
}

fn delete(doomed: RwSignal<Option<Alert>>, done: impl Fn() + Copy + 'static) -> AnyView {
    let (open, pending, problem) = (about(doomed), RwSignal::new(false), RwSignal::new(None::<Problem>));
    let title = Signal::derive(move || {
        doomed
            .with(|gone| gone.as_ref().map(|gone| format!("{} “{}”?", strings::DELETE, gone.name)).unwrap_or_default())
    });
    let act = UnsyncCallback::new(move |()| {
        let Some(gone) = doomed.get_untracked() else { return };
        send(api::delete(gone.id), pending, problem, move |()| {
            open.try_set(false);
            done();
        });
    });
    view! { <Confirm open title body=strings::DELETE_WHAT.to_owned() verb=strings::DELETE_ALERT pending problem act/> }
        .into_any()
}
