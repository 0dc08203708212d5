//! All polls, below the schedules: when each looks next and what came of the last time.

use holon_model::wire::Page;
use holon_model::wire::polls::PollSummary;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{result, strings};
use crate::ports::Ports;
use crate::runs::follow::follow;
use crate::ui::more::{more, renew};
use crate::ui::{ago, keys};

/// The part of the page; nothing where no flow polls.
pub(crate) fn section(ports: Ports, page: Page<PollSummary>) -> AnyView {
    if page.data.is_empty() {
        return ().into_any();
    }
    let (rows, cursor) = (RwSignal::new(page.data), RwSignal::new(page.next_cursor));
    let first = StoredValue::new(ports.clone());
    follow(
        move || rows.with(|rows| rows.iter().map(|row| row.next_at).min()),
        move || first.with_value(|ports| read(ports, rows)),
    );
    let next = move |cursor| ports.polls.list(Some(cursor));
    // Whatever changes about one draws its row anew.
    let key = |row: &PollSummary| (row.id, row.next_at, row.looking, row.last.as_ref().map(|look| look.at));
    view! {
        <section class="stack schedule-part" aria-labelledby="polls">
            <h2 id="polls">{strings::POLLS}</h2>
            <p class="muted">{strings::POLLS_WHAT}</p>
            <div class="table-box">
                <table class="data" on:keydown=move |event| keys::vertical(&event, ".row-link")>
                    <thead>
                        <tr>
                            <th scope="col">{strings::FLOW}</th>
                            <th scope="col" style="width:110px">{strings::EVERY}</th>
                            <th scope="col" style="width:130px">{strings::NEXT}</th>
                            <th scope="col" style="width:130px">{strings::LAST}</th>
                            <th scope="col" style="width:200px">{strings::RESULT}</th>
                        </tr>
                    </thead>
                    <tbody><For each=move || rows.get() key children=move |poll| row(&poll)/></tbody>
                </table>
                {more(rows, cursor, next)}
            </div>
        </section>
    }
    .into_any()
}

/// Reads the first page again; rows below it stay as they are.
fn read(ports: &Ports, rows: RwSignal<Vec<PollSummary>>) {
    let asked = ports.polls.list(None);
    spawn_local(async move {
        // Not read: what is shown stays, and the next change asks again.
        let Ok(page) = asked.await else { return };
        renew(rows, page, |row| row.id);
    });
}

fn row(poll: &PollSummary) -> AnyView {
    let never = || view! { {strings::NEVER} }.into_any();
    let next = if poll.looking { view! { {strings::LOOKING} }.into_any() } else { ago(poll.next_at).into_any() };
    view! {
        <tr>
            <td title=poll.flow_name.clone()>
                <a class="row-link" href=format!("/polls/{}", poll.id)>{poll.flow_name.clone()}</a>
                <span class="sub">" "{poll.node.clone()}</span>
            </td>
            <td class="sub" data-label=strings::EVERY>{strings::every(poll.every)}</td>
            <td class="sub" data-label=strings::NEXT>{next}</td>
            <td class="sub" data-label=strings::LAST>{poll.last.as_ref().map_or_else(never, |last| ago(last.at).into_any())}</td>
            <td>{result::cell(poll.last.as_ref())}</td>
        </tr>
    }
    .into_any()
}
