//! All schedules: when each fires next, what came of the last time, and the switch that pauses it.

use holon_model::wire::Page;
use holon_model::wire::schedules::ScheduleSummary;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_meta::Title;

use super::{firings, strings, switch};
use crate::frame::{Crumb, bar};
use crate::polls;
use crate::ports::{Ports, use_ports};
use crate::runs::follow::follow;
use crate::ui::more::{more, renew};
use crate::ui::{ago, empty, keys, problem_notice, skeleton};

/// `/schedules`
#[component]
pub fn SchedulesPage() -> impl IntoView {
    let ports = use_ports();
    let all = Resource::new(|| (), {
        let ports = ports.clone();
        move |()| {
            let ports = ports.clone();
            async move {
                let schedules = ports.schedules.list(None).await?;
                Ok::<_, holon_model::Problem>((schedules, ports.polls.list(None).await?))
            }
        }
    });
    view! {
        <Title text=strings::SCHEDULES/>
        {bar(vec![Crumb::here(strings::SCHEDULES)], ())}
        <div class="content whole">
            <div class="page-head">
                <h1>{strings::SCHEDULES}</h1>
                <p>{strings::ABOUT}</p>
            </div>
            <Transition fallback=|| skeleton::table(4)>
                {move || {
                    let ports = ports.clone();
                    Suspend::new(async move {
                        match all.await {
                            Ok((page, found)) => view! {
                                {whole(ports.clone(), page, found.data.is_empty(), move || all.refetch())}
                                {polls::section(ports, found)}
                            }
                            .into_any(),
                            Err(problem) => problem_notice(&problem),
                        }
                    })
                }}
            </Transition>
        </div>
    }
}

/// All schedules; where there are polls below, that there are none is a line and not the page.
fn whole(
    ports: Ports,
    page: Page<ScheduleSummary>,
    alone: bool,
    again: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    if page.data.is_empty() && !alone {
        return view! { <p class="muted">{strings::EMPTY}"."</p> }.into_any();
    }
    if page.data.is_empty() {
        let act = view! {
            <a class="button" href="/flows">{strings::SEE_FLOWS}</a>
            <a class="button" href="/flows?new=flow">{strings::NEW_FLOW}</a>
        };
        let none = empty("calendar-clock", strings::EMPTY, strings::EMPTY_WHAT, act);
        return view! { <div class="table-box">{none}</div> }.into_any();
    }
    table(ports, page, again)
}

fn table(ports: Ports, page: Page<ScheduleSummary>, again: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    let (rows, cursor) = (RwSignal::new(page.data), RwSignal::new(page.next_cursor));
    let first = StoredValue::new(ports.clone());
    follow(
        move || rows.with(|rows| rows.iter().filter_map(|row| row.next_at).min()),
        move || first.with_value(|ports| read(ports, rows)),
    );
    let next = move |cursor| ports.schedules.list(Some(cursor));
    // Whatever changes about one draws its row anew.
    let key = |row: &ScheduleSummary| {
        let last = row.last.as_ref().map(|last| (last.scheduled_at, last.outcome.clone(), last.run_status.clone()));
        (row.id, row.paused, row.next_at, last)
    };
    view! {
        <div class="table-box">
            <table class="data" on:keydown=move |event| keys::vertical(&event, ".row-link")>
                <thead>
                    <tr>
                        <th scope="col">{strings::FLOW}</th>
                        <th scope="col">{strings::CRON}</th>
                        <th scope="col" style="width:130px">{strings::NEXT}</th>
                        <th scope="col" style="width:130px">{strings::LAST}</th>
                        <th scope="col" style="width:140px">{strings::RESULT}</th>
                        <th scope="col" style="width:120px">{strings::ACTIVE}</th>
                    </tr>
                </thead>
                <tbody><For each=move || rows.get() key children=move |schedule| row(&schedule, again)/></tbody>
            </table>
            {more(rows, cursor, next)}
        </div>
    }
    .into_any()
}

/// Reads the first page again; rows below it stay as they are.
fn read(ports: &Ports, rows: RwSignal<Vec<ScheduleSummary>>) {
    let asked = ports.schedules.list(None);
    spawn_local(async move {
        // Not read: what is shown stays, and the next change asks again.
        let Ok(page) = asked.await else { return };
        renew(rows, page, |row| row.id);
    });
}

fn row(schedule: &ScheduleSummary, again: impl Fn() + Copy + 'static) -> AnyView {
    let none = || view! { {strings::NONE} }.into_any();
    let never = || view! { {strings::NEVER} }.into_any();
    view! {
        <tr>
            <td title=schedule.flow_name.clone()>
                <a class="row-link" href=format!("/schedules/{}", schedule.id)>{schedule.flow_name.clone()}</a>
                <span class="sub">" "{schedule.node.clone()}</span>
            </td>
            <td title=schedule.time_zone.clone()>
                <code>{schedule.cron.clone()}</code>
                <span class="sub">" "{schedule.time_zone.clone()}</span>
            </td>
            <td class="sub" class:none=schedule.next_at.is_none() data-label=strings::NEXT>{schedule.next_at.map_or_else(none, ago)}</td>
            <td class="sub" data-label=strings::LAST>{schedule.last.as_ref().map_or_else(never, |last| ago(last.scheduled_at))}</td>
            <td class:none=schedule.last.is_none()>{schedule.last.as_ref().map(firings::result)}</td>
            <td>{switch::active(schedule.id, schedule.paused, &schedule.flow_name, again)}</td>
        </tr>
    }
    .into_any()
}
