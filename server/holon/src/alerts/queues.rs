//! What waits for its turn for longer than a rule lets it: of each kind of work the oldest, with since when and where it is seen.

use holon_model::{FlowId, Millis, Timestamp, Value};
use sqlx::PgConnection;

use super::look::name_of;
use super::message::{Item, span};
use super::store::{self, Rule};
use crate::state::AppState;

/// What waits, one of each kind, the longest last. With a flow: its runs, the tasks that they hand to workers, the events and the
/// firings of schedules that are to start it.
pub async fn waiting(
    state: &AppState,
    tx: &mut PgConnection,
    rule: &Rule,
    now: Timestamp,
) -> Result<Vec<Item>, sqlx::Error> {
    let before = now.minus(Millis(rule.threshold));
    let mut found: Vec<(u64, Item)> = Vec::new();
    let mut note = |since: Timestamp, what: &str, kind: &'static str, members: Vec<(&'static str, Value)>| {
        let waited = u64::try_from(now.0.saturating_sub(since.0)).unwrap_or_default();
        if waited >= rule.threshold {
            let words = format!("{what} has waited for {}", span(waited));
            let number = Value::from(i64::try_from(waited).unwrap_or(i64::MAX));
            let known = [("waiting", Value::from(kind)), ("milliseconds", number)];
            found.push((waited, Item::new(&words, known.into_iter().chain(members))));
        }
    };
    let of = |flow: FlowId| vec![("flow", Value::from(flow.to_string()))];
    if rule.flow.is_none() {
        // Who steps belong to is not counted apart: a flow's are among those of its workspace.
        let waited = i64::try_from(state.runtime.waited(rule.tenant).as_millis()).unwrap_or(i64::MAX);
        note(Timestamp(now.0.saturating_sub(waited)), "a step", "steps", Vec::new());
    }
    if let Some(run) = store::oldest_queued(tx, rule).await? {
        let name = name_of(state, rule.tenant, run.flow, run.version).await;
        note(run.since, &format!("{name}: a run that is queued"), "runs", of(run.flow));
    }
    if let Some(task) = store::oldest_unclaimed(tx, rule, now).await? {
        let what = format!("a task `{}` that no worker of the pool `{}` claims", task.name, task.pool);
        note(task.since, &what, "worker_tasks", of(task.flow));
    }
    if let Some(event) = store::oldest_undelivered(tx, rule, before).await? {
        match event.flow {
            Some((flow, version)) => {
                let name = name_of(state, rule.tenant, flow, version).await;
                note(event.since, &format!("{name}: an event that starts it"), "events", of(flow));
            }
            None => note(event.since, "an event that was published", "events", Vec::new()),
        }
    }
    if let Some((schedule, flow, since)) = store::oldest_firing(tx, rule).await? {
        let members = [("schedule", Value::from(schedule.to_string()))].into_iter().chain(of(flow)).collect();
        note(since, "a firing of a schedule", "schedule_firings", members);
    }
    found.sort_by_key(|(waited, _)| *waited);
    Ok(found.into_iter().map(|(_, item)| item).collect())
}
