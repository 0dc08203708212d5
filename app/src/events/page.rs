//! All events, the last first, with who got them; above them who subscribes.

use holon_model::wire::Page;
use holon_model::wire::events::{Delivery, EventSummary, PublishedEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_meta::Title;

use super::{api, strings, subscriptions};
use crate::frame::{Crumb, bar};
use crate::ports::use_ports;
use crate::ui::more::more;
use crate::ui::{Dialog, Json, about, ago, empty, format, problem_notice, skeleton, use_toasts};

/// `/events`
#[component]
pub fn EventsPage() -> impl IntoView {
    let ports = use_ports();
    let all = Resource::new(|| (), {
        move |()| {
            let ports = ports.clone();
            async move {
                Ok::<_, holon_model::Problem>((
                    ports.events.list(String::new(), None).await?,
                    ports.events.subscriptions().await?,
                ))
            }
        }
    });
    let open = RwSignal::new(None::<PublishedEvent>);
    view! {
        <Title text=strings::EVENTS/>
        {bar(vec![Crumb::here(strings::EVENTS)], ())}
        <div class="content whole">
            <div class="page-head">
                <h1>{strings::EVENTS}</h1>
                <p>{strings::ABOUT}</p>
            </div>
            <Transition fallback=|| skeleton::table(4)>
                {move || Suspend::new(async move {
                    match all.await {
                        Ok((events, found)) => {
                            view! {
                                {subscriptions::table(found.data, move || all.refetch())}
                                {table(events, open)}
                            }
                            .into_any()
                        }
                        Err(problem) => problem_notice(&problem),
                    }
                })}
            </Transition>
        </div>
        {shown(open)}
    }
}

fn table(page: Page<EventSummary>, open: RwSignal<Option<PublishedEvent>>) -> AnyView {
    if page.data.is_empty() {
        let act = view! { <a class="button" href="/flows">{crate::schedules::strings::SEE_FLOWS}</a> };
        return view! { <div class="table-box">{empty("radio", strings::EMPTY, strings::EMPTY_WHAT, act)}</div> }
            .into_any();
    }
    let (rows, cursor) = (RwSignal::new(page.data), RwSignal::new(page.next_cursor));
    let ports = use_ports();
    view! {
        <div class="table-box schedule-part">
            <table class="data">
                <thead>
                    <tr>
                        <th scope="col" style="width:90px">{strings::POSITION}</th>
                        <th scope="col">{strings::SUBJECT}</th>
                        <th scope="col">{strings::GOT_BY}</th>
                        <th scope="col" style="width:90px">{strings::SIZE}</th>
                        <th scope="col" style="width:130px">{strings::WHEN}</th>
                    </tr>
                </thead>
                <tbody><For each=move || rows.get() key=|event| event.position children=move |event| row(event, open)/></tbody>
            </table>
            {more(rows, cursor, move |cursor| ports.events.list(String::new(), Some(cursor)))}
        </div>
    }
    .into_any()
}

fn row(event: EventSummary, open: RwSignal<Option<PublishedEvent>>) -> AnyView {
    let (id, toasts) = (event.id, use_toasts());
    let show = move |_| {
        spawn_local(async move {
            match api::read(id).await {
                Ok(event) => _ = open.try_set(Some(event)),
                Err(problem) => toasts.bad(problem.detail),
            }
        });
    };
    let who = if event.deliveries.is_empty() {
        view! { <span class="sub">{strings::NOBODY}</span> }.into_any()
    } else {
        event.deliveries.into_iter().map(delivery).collect::<Vec<_>>().into_any()
    };
    view! {
        <tr>
            <td class="mono">{event.position}</td>
            <td title=event.subject.clone()>
                <button type="button" class="row-link link" on:click=show><code>{event.subject.clone()}</code></button>
            </td>
            <td>{who}</td>
            <td class="sub">{format::size(event.bytes.into())}</td>
            <td class="sub">{ago(event.published_at)}</td>
        </tr>
    }
    .into_any()
}

fn delivery(got: Delivery) -> AnyView {
    let Delivery { flow_name, outcome, reason, run, .. } = got;
    match run {
        Some(run) => view! { <a class="tag" href=format!("/runs/{run}")>{flow_name}</a>" " }.into_any(),
        None => {
            let told = if outcome == "failed" { strings::FAILED } else { strings::WAITING };
            view! { <span class="tag" title=reason.unwrap_or_default()>{format!("{flow_name}: {told}")}</span>" " }
                .into_any()
        }
    }
}

/// What an event tells, once somebody asked.
fn shown(open: RwSignal<Option<PublishedEvent>>) -> AnyView {
    let showing = about(open);
    let title = Signal::derive(move || {
        let position = open.with(|event| event.as_ref().map(|event| event.summary.position));
        position.map(|position| format!("{} {position}", strings::EVENT)).unwrap_or_default()
    });
    view! {
        <Dialog open=showing title wide=true>
            {move || {
                open.get()
                    .map(|event| {
                        view! {
                            <p><code>{event.summary.subject.clone()}</code></p>
                            <Json id="event-data" title=strings::DATA value=event.data/>
                        }
                    })
            }}
        </Dialog>
    }
    .into_any()
}
