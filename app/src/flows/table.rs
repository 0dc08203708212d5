//! The table of flows.

use holon_model::wire::flows::FlowSummary;
use leptos::prelude::*;

use super::{delete, duplicate, strings};
use crate::ui::{Menu, ago, keys, menu, menu_button, status};

/// The table; up and down move along the rows, Enter opens one.
pub fn table(rows: RwSignal<Vec<FlowSummary>>) -> AnyView {
    let doomed = RwSignal::new(None::<FlowSummary>);
    let duplicate = duplicate::duplicating();
    view! {
        <table class="data" on:keydown=move |event| keys::vertical(&event, ".row-link")>
            <thead>
                <tr>
                    <th scope="col">{strings::NAME}</th>
                    <th scope="col" style="width:150px">{strings::VERSION}</th>
                    <th scope="col" style="width:140px">{strings::LAST_RUN}</th>
                    <th scope="col" style="width:120px">{strings::SAVED}</th>
                    <th scope="col" style="width:48px"><span class="hidden-visually">{crate::ui::strings::MORE_ACTIONS}</span></th>
                </tr>
            </thead>
            <tbody>
                <For each=move || rows.get() key=|flow| (flow.id, flow.revision, flow.version, flow.last_run.clone()) children=move |flow| row(flow, doomed, duplicate.clone())/>
            </tbody>
        </table>
        <delete::DeleteFlow doomed rows/>
    }
    .into_any()
}

fn row(
    flow: FlowSummary,
    doomed: RwSignal<Option<FlowSummary>>,
    duplicate: impl Fn(&FlowSummary) + Send + 'static,
) -> AnyView {
    let copied = flow.clone();
    let (id, href) = (format!("flow-menu-{}", flow.id), format!("/flows/{}", flow.id));
    let last = flow
        .last_run
        .as_deref()
        .map_or_else(|| view! { <span class="muted">{strings::NO_RUNS}</span> }.into_any(), status);
    let about =
        (!flow.description.is_empty()).then(|| view! { <span class="sub">" · "{flow.description.clone()}</span> });
    view! {
        <tr>
            <td title=flow.name.clone()><a class="row-link" href=href.clone()>{flow.name.clone()}</a>{about}</td>
            <td>{version(&flow)}</td>
            <td>{last}</td>
            <td class="sub">{ago(flow.updated_at)}</td>
            <td class="acts">
                {menu_button(&id, &flow.name)}
                <Menu id=id label=flow.name.clone()>
                    {menu::link("pencil", strings::OPEN, href.clone())}
                    {menu::link("rotate-ccw-clock", strings::VERSIONS, format!("{href}/versions"))}
                    {menu::link("flask-conical", strings::BACKTEST, format!("{href}/backtest"))}
                    {menu::link("database", strings::STATE, format!("{href}/state"))}
                    {menu::link("activity", strings::RUNS, format!("/runs?flow={}", flow.id))}
                    <hr/>
                    {menu::item("copy", strings::DUPLICATE, false, move || duplicate(&copied))}
                    {menu::item("trash", strings::DELETE, true, move || doomed.set(Some(flow.clone())))}
                </Menu>
            </td>
        </tr>
    }
    .into_any()
}

/// The version in force and whether the draft is ahead of it.
fn version(flow: &FlowSummary) -> AnyView {
    match flow.version {
        None => view! { <span class="tag">{strings::DRAFT}</span> }.into_any(),
        Some(version) => view! {
            <span class="line">
                <span class="tag accent">{format!("v{version}")}</span>
                {flow.changed.then(|| view! { <span class="tag changed">{strings::CHANGED}</span> })}
            </span>
        }
        .into_any(),
    }
}
