//! All connections: a table, making one, replacing its secret, deleting it.

use holon_model::Problem;
use holon_model::wire::connections::{Connection, ConnectionUse};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_meta::Title;

use super::{api, form, strings};
use crate::frame::{Crumb, bar};
use crate::ports::use_ports;
use crate::ui::{
    Confirm, Dialog, Menu, about, ago, asked, empty, icon, keys, menu, menu_button, problem_notice, send, skeleton,
};

/// What the dialog is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Editing {
    New,
    Secret(Box<Connection>),
}

/// `/connections`
#[component]
pub fn ConnectionsPage() -> impl IntoView {
    let ports = use_ports();
    let all = Resource::new(|| (), move |()| ports.connections.list());
    let (editing, doomed) = (RwSignal::new(None::<Editing>), RwSignal::new(None::<Connection>));
    asked::when_new("/connections", move || editing.set(Some(Editing::New)));
    let start = move |primary: bool| {
        view! { <button type="button" class="button" class:primary=primary on:click=move |_| editing.set(Some(Editing::New))>{icon("plus")}{strings::NEW}</button> }
    };
    view! {
        <Title text=strings::CONNECTIONS/>
        {bar(vec![Crumb::here(strings::CONNECTIONS)], ())}
        <div class="content">
            <div class="page-head">
                <h1>{strings::CONNECTIONS}</h1>
                <div class="actions">{start(true)}</div>
                <p>{strings::ABOUT}</p>
            </div>
            <Transition fallback=|| skeleton::table(4)>
                {move || Suspend::new(async move {
                    match all.await {
                        Ok(page) if page.data.is_empty() => {
                            view! { <div class="table-box">{empty("plug", strings::EMPTY, strings::EMPTY_WHAT, start(false))}</div> }.into_any()
                        }
                        Ok(page) => table(page.data, editing, doomed),
                        Err(problem) => problem_notice(&problem),
                    }
                })}
            </Transition>
        </div>
        {dialog(editing, move || all.refetch())}
        {delete(doomed, move || all.refetch())}
    }
}

fn table(rows: Vec<Connection>, editing: RwSignal<Option<Editing>>, doomed: RwSignal<Option<Connection>>) -> AnyView {
    let rows: Vec<AnyView> = rows.into_iter().map(|connection| row(connection, editing, doomed)).collect();
    view! {
        <div class="table-box">
            <table class="data" on:keydown=move |event| keys::vertical(&event, ".row-link")>
                <thead>
                    <tr>
                        <th scope="col">{strings::NAME}</th>
                        <th scope="col" style="width:150px">{strings::KIND}</th>
                        <th scope="col">{strings::HOSTS}</th>
                        <th scope="col" style="width:150px">{strings::SECRET_SET}</th>
                        <th scope="col" style="width:48px"><span class="hidden-visually">{crate::ui::strings::MORE_ACTIONS}</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(connection: Connection, editing: RwSignal<Option<Editing>>, doomed: RwSignal<Option<Connection>>) -> AnyView {
    let id = format!("connection-menu-{}", connection.id);
    let hosts = if connection.hosts.is_empty() { strings::NO_HOSTS.to_owned() } else { connection.hosts.join(", ") };
    let (name, edited, gone) = (connection.name.clone(), connection.clone(), connection.clone());
    let pressed = connection.clone();
    let kind = match &connection.header {
        Some(header) => format!("{} {header}", strings::kind(connection.kind)),
        None => strings::kind(connection.kind).to_owned(),
    };
    view! {
        <tr>
            <td title=name.clone()>
                <button type="button" class="row-link mono plain" on:click=move |_| editing.set(Some(Editing::Secret(Box::new(pressed.clone()))))>{name.clone()}</button>
            </td>
            <td>{kind}</td>
            <td class="sub" title=hosts.clone()>{hosts.clone()}</td>
            <td class="sub">{ago(connection.rotated_at)}</td>
            <td class="acts">
                {menu_button(&id, &name)}
                <Menu id=id label=name.clone()>
                    {menu::item("refresh-cw", strings::REPLACE, false, move || editing.set(Some(Editing::Secret(Box::new(edited.clone())))))}
                    <hr/>
                    {menu::item("trash", strings::DELETE, true, move || doomed.set(Some(gone.clone())))}
                </Menu>
            </td>
        </tr>
    }
    .into_any()
}

fn dialog(editing: RwSignal<Option<Editing>>, done: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    let open = about(editing);
    let title = Signal::derive(move || match editing.get() {
        Some(Editing::Secret(connection)) => format!("{} · {}", strings::REPLACE, connection.name),
        _ => strings::NEW.to_owned(),
    });
    view! {
        <Dialog open title>
            {move || editing.get().map(|editing| {
                let known = match editing {
                    Editing::New => None,
                    Editing::Secret(connection) => Some(*connection),
                };
                form::form(known, open, done)
            })}
        </Dialog>
    }
    .into_any()
}

fn delete(doomed: RwSignal<Option<Connection>>, done: impl Fn() + Copy + 'static) -> AnyView {
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
    // Which flows stop working is read while the question is shown.
    let used = RwSignal::new(None::<Vec<ConnectionUse>>);
    Effect::new(move |_| {
        let Some(gone) = doomed.with(|gone| gone.as_ref().map(|gone| gone.id)) else { return };
        used.set(None);
        let asked = api::flows(gone);
        spawn_local(async move {
            let found = asked.await.ok().map(|page| page.data);
            if doomed.try_with_untracked(|now| now.as_ref().is_some_and(|now| now.id == gone)) == Some(true) {
                used.try_set(found);
            }
        });
    });
    let body = Signal::derive(move || used.with(|used| strings::delete_what(used.as_deref())));
    view! { <Confirm open title body verb=strings::DELETE_CONNECTION pending problem act/> }.into_any()
}
