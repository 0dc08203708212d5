//! The journal of a run: every input it took, in order, with the log hash after it.

use holon_model::wire::Page;
use holon_model::wire::runs::JournalRow;
use holon_model::{Problem, RunId, Timestamp};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::live::LiveRun;
use super::strings;
use crate::ports::use_ports;
use crate::ui::more::more;
use crate::ui::{Dialog, Json, about, copyable, format, icon, keys, problem_notice, skeleton};

/// Read when it is looked at, and again when the run's log hash moved.
pub fn journal(live: LiveRun) -> AnyView {
    let ports = use_ports();
    let (rows, cursor) = (RwSignal::new(Vec::<JournalRow>::new()), RwSignal::new(None::<String>));
    let (read, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let open = RwSignal::new(None::<JournalRow>);
    let next = {
        let ports = ports.clone();
        move |cursor| ports.runs.journal(live.id, Some(cursor))
    };
    Effect::new(move |_| {
        live.log_hash.track();
        live.summary.with(|summary| summary.finished_at.is_some());
        let asked = ports.runs.journal(live.id, None);
        spawn_local(async move {
            match asked.await {
                Ok(Page { data, next_cursor }) => {
                    rows.try_set(data);
                    cursor.try_set(next_cursor);
                    problem.try_set(None);
                }
                Err(error) => _ = problem.try_set(Some(error)),
            }
            read.try_set(true);
        });
    });
    let started = live.summary.with_untracked(|summary| summary.started_at);
    view! {
        <div class="stack tight">
            <p class="muted small">{strings::JOURNAL_WHAT}</p>
            {move || problem.get().map(|problem| problem_notice(&problem))}
            <div class="table-box">
                {move || (!read.get()).then(|| skeleton::rows(4))}
                <table class="data journal" hidden=move || !read.get() on:keydown=move |event| keys::vertical(&event, ".row-link")>
                    <thead>
                        <tr>
                            <th scope="col" class="end" style="width:56px">{strings::SEQ}</th>
                            <th scope="col" style="width:170px">{strings::KIND}</th>
                            <th scope="col" style="width:110px">{strings::AFTER}</th>
                            <th scope="col">{strings::CONTENT}</th>
                            <th scope="col" style="width:150px">{strings::LOG_HASH}</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.get() key=|row| row.seq children=move |row| journal_row(row, started, open)/>
                    </tbody>
                </table>
                {more(rows, cursor, next)}
            </div>
            {detail(live.id, open)}
        </div>
    }
    .into_any()
}

fn journal_row(row: JournalRow, started: Timestamp, open: RwSignal<Option<JournalRow>>) -> AnyView {
    let shown: String = row.shown.to_json().chars().take(240).collect();
    let (seq, kind, hash) = (row.seq, row.kind.clone(), row.log_hash.chars().take(12).collect::<String>());
    let after = format!("+{}", format::duration(row.at.since(started).0));
    view! {
        <tr>
            <td class="end sub">{seq}</td>
            <td><button type="button" class="row-link" on:click=move |_| open.set(Some(row.clone()))>{kind}</button></td>
            <td class="sub number">{after}</td>
            <td class="shown sub wide">{shown}</td>
            <td class="mono sub wide">{hash}"…"</td>
        </tr>
    }
    .into_any()
}

fn detail(run: RunId, open: RwSignal<Option<JournalRow>>) -> AnyView {
    let shown = about(open);
    let title = Signal::derive(move || {
        open.with(|row| row.as_ref().map(|row| format!("{} · {}", row.seq, row.kind)).unwrap_or_default())
    });
    view! {
        <Dialog open=shown title wide=true>
            {move || open.get().map(|row| view! {
                <dl class="facts"><div class="grow"><dt>{strings::LOG_HASH}</dt><dd>{copyable(row.log_hash.clone(), strings::THE_LOG_HASH)}</dd></div></dl>
                <Json id="journal-shown" title=strings::CONTENT value=row.shown.clone()/>
                <div class="dialog-foot">
                    {of_batch(&row).map(|other| view! { <a class="button" href=format!("/runs/{other}")>{strings::THE_OTHER_RUN}</a> })}
                    <a class="button" href=format!("/runs/{run}?at={}", row.seq)>{icon("footprints")}{strings::STEP_TO_IT}</a>
                </div>
            })}
        </Dialog>
    }
    .into_any()
}

/// The batch that an item goes into, or the run that brought it.
fn of_batch(row: &JournalRow) -> Option<RunId> {
    let field = match row.kind.as_str() {
        "batch_chosen" => "batch",
        "item_joined" | "item_left" => "run",
        _ => return None,
    };
    row.shown.get(field)?.as_str()?.parse().ok()
}
