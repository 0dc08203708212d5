//! Pools with their workers, and what is handed out, kept current while somebody looks.

use std::time::Duration;

use holon_model::Value;
use holon_model::wire::Page;
use holon_model::wire::workers::{WorkItem, WorkPool};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_meta::Title;

use super::strings;
use crate::frame::{Crumb, bar};
use crate::ports::{Ports, use_ports};
use crate::runs::follow::every;
use crate::ui::more::more;
use crate::ui::{ago, empty, keys, plain, problem_notice, skeleton};

/// How often it is read again: what workers do is told by nobody.
const EVERY: Duration = Duration::from_secs(3);
/// So many tasks are on a page of the server.
const PAGE: usize = 50;
/// Characters of what a worker says of its progress.
const MOST_PROGRESS: usize = 80;

/// `/workers`
#[component]
pub fn WorkersPage() -> impl IntoView {
    let ports = use_ports();
    let (asked, tasks) = (ports.clone(), ports.clone());
    let pools = Resource::new(|| (), move |()| asked.workers.pools());
    let work = Resource::new(|| (), move |()| tasks.workers.work(None, None));
    view! {
        <Title text=strings::WORKERS/>
        {bar(vec![Crumb::here(strings::WORKERS)], ())}
        <div class="content whole">
            <div class="page-head">
                <h1>{strings::WORKERS}</h1>
                <p>{strings::ABOUT}</p>
            </div>
            <Transition fallback=|| skeleton::table(4)>
                {move || {
                    let ports = ports.clone();
                    Suspend::new(async move {
                        match (pools.await, work.await) {
                            (Ok(pools), Ok(work)) => shown(ports, pools.data, work),
                            (Err(problem), _) | (_, Err(problem)) => problem_notice(&problem),
                        }
                    })
                }}
            </Transition>
        </div>
    }
}

fn shown(ports: Ports, pools: Vec<WorkPool>, work: Page<WorkItem>) -> AnyView {
    let pools = RwSignal::new(pools);
    let (rows, cursor) = (RwSignal::new(work.data), RwSignal::new(work.next_cursor));
    let asked = StoredValue::new(ports.clone());
    every(EVERY, move || _ = asked.try_with_value(|ports| read(ports, pools, rows, cursor)));
    view! {
        <Show when=move || pools.with(Vec::is_empty) fallback=move || tables(ports.clone(), pools, rows, cursor)>
            <div class="table-box">
                {empty("hard-hat", strings::EMPTY, strings::EMPTY_WHAT, view! { <a class="button" href="/tokens?new=token">{strings::MAKE_TOKEN}</a> })}
            </div>
        </Show>
    }
    .into_any()
}

/// Reads what is shown again; tasks below the first page stay as they are.
fn read(
    ports: &Ports,
    pools: RwSignal<Vec<WorkPool>>,
    rows: RwSignal<Vec<WorkItem>>,
    cursor: RwSignal<Option<String>>,
) {
    let (now, work) = (ports.workers.pools(), ports.workers.work(None, None));
    spawn_local(async move {
        // Not read: what is shown stays until the next time.
        if let Ok(now) = now.await {
            pools.try_set(now.data);
        }
        let Ok(page) = work.await else { return };
        if rows.try_with_untracked(|rows| rows.len() <= PAGE) == Some(true) {
            rows.try_set(page.data);
            cursor.try_set(page.next_cursor);
        }
    });
}

fn tables(
    ports: Ports,
    pools: RwSignal<Vec<WorkPool>>,
    rows: RwSignal<Vec<WorkItem>>,
    cursor: RwSignal<Option<String>>,
) -> AnyView {
    let next = move |cursor| ports.workers.work(None, Some(cursor));
    // Whatever changes about one draws its row anew.
    let key = |item: &WorkItem| {
        (item.run, item.key.clone(), item.attempt, item.state.clone(), item.worker.clone(), item.progress.to_json())
    };
    let pool_key = |pool: &WorkPool| {
        let workers: Vec<_> = pool.workers.iter().map(|seen| (seen.name.clone(), seen.seen_at, seen.tasks)).collect();
        (pool.name.clone(), pool.waiting, pool.claimed, pool.oldest, workers)
    };
    view! {
        <section class="stack">
            <h2>{strings::POOLS}</h2>
            <div class="table-box">
                <table class="data">
                    <thead>
                        <tr>
                            <th scope="col">{strings::POOL}</th>
                            <th scope="col" style="width:110px">{strings::WAITING}</th>
                            <th scope="col" style="width:150px">{strings::OLDEST}</th>
                            <th scope="col" style="width:130px">{strings::TAKEN}</th>
                            <th scope="col">{strings::WORKERS}</th>
                        </tr>
                    </thead>
                    <tbody><For each=move || pools.get() key=pool_key children=move |pool| pool_row(&pool)/></tbody>
                </table>
            </div>
            <h2>{strings::TASKS}</h2>
            <div class="table-box">
                <table class="data" hidden=move || rows.with(Vec::is_empty) on:keydown=move |event| keys::vertical(&event, ".row-link")>
                    <thead>
                        <tr>
                            <th scope="col">{strings::TASK}</th>
                            <th scope="col" style="width:200px">{strings::FLOW}</th>
                            <th scope="col" style="width:130px">{strings::POOL}</th>
                            <th scope="col" style="width:170px">{strings::STATE}</th>
                            <th scope="col">{strings::WORKER}</th>
                            <th scope="col" style="width:90px">{strings::ATTEMPT}</th>
                            <th scope="col" style="width:130px">{strings::ASKED}</th>
                        </tr>
                    </thead>
                    <tbody><For each=move || rows.get() key children=move |item| row(&item)/></tbody>
                </table>
                {move || rows.with(Vec::is_empty).then(|| empty("hard-hat", strings::NO_TASKS, strings::NO_TASKS_WHAT, ()))}
                {more(rows, cursor, next)}
            </div>
        </section>
    }
    .into_any()
}

fn pool_row(pool: &WorkPool) -> AnyView {
    let workers = pool.workers.iter().map(|seen| {
        let said = format!("{} · {}", seen.name, strings::has(seen.tasks));
        view! { <span class="tag" title=said.clone()>{said.clone()}" · "{ago(seen.seen_at)}</span>" " }
    });
    let workers: Vec<_> = workers.collect();
    let nobody = workers.is_empty().then_some(strings::NOBODY);
    view! {
        <tr>
            <td title=pool.name.clone()><strong>{pool.name.clone()}</strong></td>
            <td>{pool.waiting}</td>
            <td class="sub">{pool.oldest.map_or_else(|| view! { {strings::NONE} }.into_any(), ago)}</td>
            <td>{pool.claimed}</td>
            <td class="sub">{workers}{nobody}</td>
        </tr>
    }
    .into_any()
}

fn row(item: &WorkItem) -> AnyView {
    let worker = item.worker.clone().unwrap_or_else(|| strings::NONE.to_owned());
    let progress = progress(&item.progress);
    let whole = progress.as_ref().map_or_else(|| worker.clone(), |progress| format!("{worker} · {progress}"));
    let title = format!("{} · {}", item.name, item.path);
    view! {
        <tr>
            <td title=plain(&title)>
                <a class="row-link" href=format!("/runs/{}", item.run)>{item.name.clone()}</a>
                <span class="sub">" "{item.path.clone()}</span>
            </td>
            <td title=item.flow_name.clone()><a class="above" href=format!("/flows/{}", item.flow)>{item.flow_name.clone()}</a></td>
            <td class="sub" title=item.pool.clone()>{item.pool.clone()}</td>
            <td><span class="tag">{strings::state(&item.state, item.claims)}</span></td>
            <td class="sub" title=whole.clone()>{whole.clone()}</td>
            <td>{item.attempt}</td>
            <td class="sub">{ago(item.asked_at)}</td>
        </tr>
    }
    .into_any()
}

/// What a worker says of its progress, on one line: text as it is, everything else as JSON.
fn progress(said: &Value) -> Option<String> {
    let text = match said {
        Value::Null => return None,
        Value::Str(text) => text.to_string(),
        other => other.to_json(),
    };
    let short: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_PROGRESS).collect();
    Some(if text.chars().count() > MOST_PROGRESS { format!("{short}…") } else { short })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_one_short_line_whatever_a_worker_says() {
        assert_eq!(progress(&Value::Null), None);
        assert_eq!(progress(&Value::from("half\ndone")).as_deref(), Some("half done"));
        assert_eq!(progress(&Value::map([("done", Value::Int(3))])).as_deref(), Some(r#"{"done":3}"#));
        assert_eq!(progress(&Value::from("x".repeat(100))).map(|text| text.chars().count()), Some(MOST_PROGRESS + 1));
    }
}
