//! Looks at the rules that are due: what each finds becomes a firing, is held back while it is quiet, or is nothing. All of it
//! in one transaction under the rule's lock: a crash before its commit has done nothing, one after it has lost nothing.

use holon_model::wire::alerts::AlertWhat;
use holon_model::{FiringId, FlowId, Intent, IntentPayload, Millis, TenantId, Timestamp, Value};
use holon_platform::clock::mint;
use holon_runtime::Definitions as _;
use sqlx::{Connection as _, PgConnection};

use super::message::{self, Item};
use super::queues;
use super::store::{self, NewFiring, Rule};
use crate::audit;
use crate::state::AppState;

/// How often a rule looks.
pub const LOOK_EVERY: Millis = Millis(5_000);
/// How far a look goes back behind the one before: rows become visible after the time that stands in them, later than ever
/// when the database was away.
const LOOK_BACK: Millis = Millis(600_000);
/// A rate of fewer runs says nothing.
const FEWEST: u64 = 5;

/// That a rule fired.
struct Fire;

impl IntentPayload for Fire {
    const TYPE: &'static str = "alert.fire";
}

/// Looks at some rules that are due; how many.
///
/// # Errors
/// When the database refuses; then nothing was done.
pub async fn look(state: &AppState, now: Timestamp) -> Result<usize, sqlx::Error> {
    let mut connection = state.pools.engine.acquire().await?;
    let mut tx = connection.begin().await?;
    let rules = store::lock_due(&mut tx, now).await?;
    if !rules.is_empty() {
        store::plan_each(&mut tx).await?;
    }
    for rule in &rules {
        look_at(state, &mut tx, rule, now).await?;
    }
    tx.commit().await?;
    Ok(rules.len())
}

/// What became of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Nothing,
    /// It is quiet: so many are told together later.
    Hold(u32),
    /// So many are told now.
    Fire(u32),
}

fn verdict(rule: &Rule, found: u32, now: Timestamp) -> Verdict {
    let quiet = rule.fired_at.is_some_and(|fired| now < fired.plus(Millis(rule.quiet)));
    match (rule.held.saturating_add(found), quiet) {
        (0, _) => Verdict::Nothing,
        // What lasts is found again at the next look.
        (_, true) if lasts(rule.what) => Verdict::Nothing,
        (all, true) => Verdict::Hold(all),
        (all, false) => Verdict::Fire(all),
    }
}

/// Whether a rule is about a state, which lasts, and not about things that happen.
fn lasts(what: AlertWhat) -> bool {
    matches!(what, AlertWhat::ErrorRate | AlertWhat::QueueAge)
}

async fn look_at(state: &AppState, tx: &mut PgConnection, rule: &Rule, now: Timestamp) -> Result<(), sqlx::Error> {
    let found = find(state, tx, rule, now).await?;
    let next = now.plus(LOOK_EVERY);
    let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
    match verdict(rule, count, now) {
        Verdict::Nothing => store::move_on(tx, rule, (now, next), rule.fired_at, (0, "[]")).await,
        Verdict::Hold(all) => {
            let items = message::merged(&rule.held_items, &found);
            store::move_on(tx, rule, (now, next), rule.fired_at, (all, &items)).await
        }
        Verdict::Fire(all) => {
            let items = message::merged(&rule.held_items, &found);
            let summary = message::summary(&rule.name, rule.what, all, &items);
            let id: FiringId = mint(&*state.clock);
            let firing =
                NewFiring { id, rule: rule.id, at: now, cause: "rule", summary: &summary, count: all, items: &items };
            store::fire(tx, rule, &firing).await?;
            let detail = Value::map([("firing", Value::from(id.to_string())), ("count", Value::from(i64::from(all)))]);
            let intent = Intent::of_system(mint(&*state.clock), rule.tenant, rule.environment, Fire);
            audit::record_in(tx, &*state.clock, &intent, &rule.id.to_string(), &detail).await?;
            store::move_on(tx, rule, (now, next), Some(now), (0, "[]")).await
        }
    }
}

/// What a rule finds that was not found before.
async fn find(state: &AppState, tx: &mut PgConnection, rule: &Rule, now: Timestamp) -> Result<Vec<Item>, sqlx::Error> {
    let after = rule.looked_at.minus(LOOK_BACK).max(rule.since);
    let text = |value: &dyn std::fmt::Display| Value::from(value.to_string());
    let mut items = Vec::new();
    let mut seen = Vec::new();
    match rule.what {
        AlertWhat::RunFailed => {
            for (run, flow, version, error) in store::failed_runs(tx, rule, after).await? {
                let name = name_of(state, rule.tenant, flow, version).await;
                let why = error.unwrap_or_default();
                let words = if why.is_empty() { name.clone() } else { format!("{name}: {why}") };
                let members = [("run", text(&run)), ("flow", text(&flow)), ("error", Value::from(why.as_str()))];
                items.push(Item::new(&words, members));
                seen.push(run.0.to_string());
            }
        }
        AlertWhat::RunParked => {
            for parked in store::parked_runs(tx, rule).await? {
                let name = name_of(state, rule.tenant, parked.flow, parked.version).await;
                let members = [("run", text(&parked.run)), ("flow", text(&parked.flow))];
                let members = members.into_iter().chain([("reason", Value::from(parked.reason.as_str()))]);
                items.push(Item::new(&format!("{name}: {}", parked.reason), members));
                seen.push(parked.subject);
            }
        }
        AlertWhat::ErrorRate => {
            let (failed, all) = store::outcomes(tx, rule, now.minus(Millis(rule.window)).max(rule.since)).await?;
            if all >= FEWEST && failed.saturating_mul(100) >= rule.threshold.saturating_mul(all) {
                let words = format!("{failed} of {all} runs failed ({} %)", failed * 100 / all);
                items.push(Item::new(&words, [("failed", number(failed)), ("runs", number(all))]));
            }
        }
        AlertWhat::QueueAge => items = queues::waiting(state, tx, rule, now).await?,
        AlertWhat::ScheduleMissed => {
            for (schedule, flow, at, count, reason) in store::missed(tx, rule, after).await? {
                let words = reason.unwrap_or_else(|| "a firing was missed".to_owned());
                let at_text = Value::from(message::instant(at));
                let members = [("schedule", text(&schedule)), ("flow", text(&flow)), ("scheduled_at", at_text)];
                let members = members.into_iter().chain([("count", Value::from(i64::from(count)))]);
                items.push(Item::new(&words, members));
                seen.push(format!("{} {}", schedule.0, at.0));
            }
        }
        AlertWhat::ApprovalWaiting => {
            for (run, task, flow, title) in store::waiting_tasks(tx, rule, now.minus(Millis(rule.threshold))).await? {
                let members = [("run", text(&run)), ("task", text(&task.simple())), ("flow", text(&flow))];
                items.push(Item::new(&title, members));
                seen.push(task.to_string());
            }
        }
        AlertWhat::PollFailing => {
            for poll in store::failing_polls(tx, rule, now.minus(Millis(rule.threshold))).await? {
                let name = name_of(state, rule.tenant, poll.flow, poll.version).await;
                let since = message::instant(poll.since);
                let words = format!("{name}: {}", poll.reason.as_deref().unwrap_or("its endpoint could not be asked"));
                let members = [("poll", text(&poll.id)), ("flow", text(&poll.flow)), ("failing_since", since.into())];
                let members = members.into_iter().chain([("failures", Value::from(i64::from(poll.failures)))]);
                items.push(Item::new(&words, members));
                seen.push(format!("{} {}", poll.id.0, poll.since.0));
            }
        }
    }
    if !seen.is_empty() {
        store::see(tx, rule, &seen, now).await?;
    }
    Ok(items)
}

fn number(value: u64) -> Value {
    Value::from(i64::try_from(value).unwrap_or(i64::MAX))
}

/// What a flow is called, where that can be had.
pub(super) async fn name_of(state: &AppState, tenant: TenantId, flow: FlowId, version: i32) -> String {
    match state.definitions.load(tenant, flow, version).await {
        Ok(loaded) => loaded.definition.name.to_string(),
        Err(_) => flow.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::{AlertId, EnvironmentId};
    use uuid::Uuid;

    fn rule(what: AlertWhat, fired_at: Option<i64>, held: u32) -> Rule {
        Rule {
            tenant: TenantId(Uuid::nil()),
            environment: EnvironmentId(Uuid::nil()),
            id: AlertId(Uuid::nil()),
            name: "Rule".into(),
            what,
            to_flow: false,
            flow: None,
            window: 0,
            threshold: 0,
            quiet: 1_000,
            since: Timestamp(0),
            looked_at: Timestamp(0),
            fired_at: fired_at.map(Timestamp),
            held,
            held_items: "[]".into(),
        }
    }

    #[test]
    fn what_happens_while_it_is_quiet_is_told_together_afterwards() {
        let at = |fired, held, found, now| verdict(&rule(AlertWhat::RunFailed, fired, held), found, Timestamp(now));
        assert_eq!(at(None, 0, 0, 10), Verdict::Nothing);
        assert_eq!(at(None, 0, 2, 10), Verdict::Fire(2));
        assert_eq!(at(Some(10), 0, 2, 1_009), Verdict::Hold(2));
        assert_eq!(at(Some(10), 2, 0, 1_009), Verdict::Hold(2));
        assert_eq!(at(Some(10), 2, 1, 1_010), Verdict::Fire(3));
    }

    #[test]
    fn what_lasts_is_told_again_after_a_quiet_time_and_not_added_up() {
        let at = |found, now| verdict(&rule(AlertWhat::ErrorRate, Some(10), 0), found, Timestamp(now));
        assert_eq!(at(1, 500), Verdict::Nothing);
        assert_eq!(at(1, 1_010), Verdict::Fire(1));
        assert_eq!(at(0, 1_010), Verdict::Nothing);
    }
}
