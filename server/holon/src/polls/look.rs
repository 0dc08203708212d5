//! One look, from the question to the note of what came of it. A crash anywhere in between has lost nothing and starts nothing
//! twice: what was to be started is known by its row, and the cursor is still the old one.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _};
use holon_cap_triggers::{Item, Poll};
use holon_model::{Millis, RunId, Timestamp, Value};
use holon_platform::clock::to_text;

use super::ask::{Failed, ask};
use super::store::{self, Came, Key, Known, Row, Settled};
use crate::runs::{self, Begin, Refused};
use crate::state::AppState;

/// Runs of one look that are started at once, in the order of the list.
const AT_ONCE: usize = 16;
/// What waits for the next look is looked for so soon, where the poll does not look sooner anyway.
const REST_AFTER: Millis = Millis(10_000);
/// What could not be started, or is held by a pause.
const HELD_AFTER: Millis = Millis(30_000);
/// The longest between looks that fail, where the poll does not look less often anyway.
const MOST_BACK_OFF: Millis = Millis(3_600_000);
/// The longest that an endpoint may ask for.
const MOST_RETRY_AFTER: Millis = Millis(24 * 3_600_000);

/// What is to be one run.
#[derive(Debug)]
struct Group {
    run: RunId,
    /// What it is known by, beside its id.
    key: String,
    items: Vec<Item>,
    /// It is there already: a crash came before the note.
    begun: bool,
}

/// Looks once and writes down what came of it.
///
/// # Errors
/// When the database refuses; then it is looked again once the claim is over.
pub async fn look(state: &AppState, row: &Row) -> Result<(), sqlx::Error> {
    let at = state.clock.now();
    if let Err(why) = state.runtime.may_begin(row.tenant, row.environment, row.flow) {
        return store::hold(&state.pools.engine, row, at, at.plus(sooner(row, HELD_AFTER)), &why.to_string()).await;
    }
    match ask(state, row, at).await {
        Ok((poll, found)) => take_in(state, row, at, &poll, found).await,
        Err(failed) => {
            tracing::debug!(poll = %row.id, code = failed.code, why = failed.message, "a poll could not look");
            let next = at.plus(after_failure(row, &failed));
            store::fail(&state.pools.engine, row, at, next, &failed).await
        }
    }
}

/// Takes in what an answer lists: notes it, starts runs, and moves on.
async fn take_in(
    state: &AppState,
    row: &Row,
    at: Timestamp,
    poll: &Poll,
    found: holon_cap_triggers::Found,
) -> Result<(), sqlx::Error> {
    let engine = &state.pools.engine;
    let listed: Vec<(Key, Item)> =
        found.items.into_iter().map(|item| (*blake3::hash(item.key.as_bytes()).as_bytes(), item)).collect();
    let keys: Vec<Key> = listed.iter().map(|(key, _)| *key).collect();
    let mut settled = Settled {
        listed: keys.len(),
        complete: found.complete,
        cursor: Some(found.cursor),
        next: at.plus(later(row, row.every)),
        ..Settled::default()
    };
    let mut tx = engine.begin().await?;
    if !store::lock(&mut tx, row).await? {
        // Forgotten, published anew, or looked again by somebody: that look is the one that counts.
        return Ok(());
    }
    let known: BTreeMap<Key, Known> = store::known(&mut tx, row, &keys).await?;
    store::touch(&mut tx, row, &keys, at).await?;
    if !row.looked && !poll.first_starts {
        let new: Vec<Key> = keys.iter().filter(|key| !known.contains_key(*key)).copied().collect();
        store::note(&mut tx, row, &new, at).await?;
        store::evict(&mut tx, row, &keys, at).await?;
        store::settle(&mut tx, row, at, &settled).await?;
        return tx.commit().await;
    }
    let (groups, waiting) = groups(state, row, poll, listed, &known);
    let starts: Vec<(Key, RunId)> =
        groups.iter().flat_map(|(group, keys)| keys.iter().map(|key| (*key, group.run))).collect();
    store::to_start(&mut tx, row, &starts, at).await?;
    tx.commit().await?;

    settled.waiting = waiting;
    if waiting > 0 {
        settled.keep_looking(at.plus(sooner(row, REST_AFTER)), None);
    }
    let found_at = to_text(at);
    let starting = stream::iter(groups).map(|(group, keys)| {
        let found_at = &found_at;
        async move {
            let (asked, count) = (group.run, keys.len());
            let began = if group.begun { Ok(group.run) } else { begin(state, row, poll, group, found_at).await };
            (asked, count, began)
        }
    });
    let began: Vec<(RunId, usize, Result<RunId, Refused>)> = starting.buffered(AT_ONCE).collect().await;
    let mut came = Vec::with_capacity(began.len());
    for (asked, count, began) in began {
        match began {
            Ok(run) => {
                settled.started += count;
                came.push(Came { asked, run, refused: None });
            }
            Err(Refused::Later(why)) => {
                settled.waiting += count;
                settled.keep_looking(at.plus(sooner(row, HELD_AFTER)), Some(why));
            }
            Err(Refused::Never(why)) => {
                tracing::warn!(poll = %row.id, why, "what is new could not start a run");
                settled.refused += count;
                settled.reason.get_or_insert_with(|| why.clone());
                came.push(Came { asked, run: asked, refused: Some(why) });
            }
        }
    }
    let mut tx = engine.begin().await?;
    if store::lock(&mut tx, row).await? {
        store::came(&mut tx, row, &came).await?;
        store::evict(&mut tx, row, &keys, at).await?;
        store::settle(&mut tx, row, at, &settled).await?;
    }
    tx.commit().await
}

/// What is to be started: first what a look before did not come to, then what is new; each with the keys that it is made of. And how
/// much of what is new waits for the next look.
fn groups(
    state: &AppState,
    row: &Row,
    poll: &Poll,
    listed: Vec<(Key, Item)>,
    known: &BTreeMap<Key, Known>,
) -> (Vec<(Group, Vec<Key>)>, usize) {
    let mut groups: Vec<(Group, Vec<Key>)> = Vec::new();
    let mut new: Vec<(Key, Item)> = Vec::new();
    let mut unfinished = 0;
    for (key, item) in listed {
        match known.get(&key) {
            None => new.push((key, item)),
            Some(Known { starting: Some((run, begun)) }) => {
                unfinished += 1;
                match groups.iter_mut().find(|(group, _)| group.run == *run) {
                    Some((group, keys)) => {
                        group.items.push(item);
                        keys.push(key);
                    }
                    None => {
                        let group =
                            Group { run: *run, key: name(row, poll, *run, &key), items: vec![item], begun: *begun };
                        groups.push((group, vec![key]));
                    }
                }
            }
            Some(Known { starting: None }) => {}
        }
    }
    let waiting = new.len().saturating_sub(poll.most.saturating_sub(unfinished));
    new.truncate(new.len() - waiting);
    if poll.together && !new.is_empty() {
        let run = state.runtime.mint();
        let (keys, items): (Vec<Key>, Vec<Item>) = new.into_iter().unzip();
        let key = keys.first().map(|key| name(row, poll, run, key)).unwrap_or_default();
        groups.push((Group { run, key, items, begun: false }, keys));
    } else {
        groups.extend(new.into_iter().map(|(key, item)| {
            let run = state.runtime.mint();
            (Group { run, key: name(row, poll, run, &key), items: vec![item], begun: false }, vec![key])
        }));
    }
    (groups, waiting)
}

/// By what a run is known to be the same one: its item, or, where all that is new starts one, itself.
fn name(row: &Row, poll: &Poll, run: RunId, key: &Key) -> String {
    let what = if poll.together { run.to_string() } else { holon_model::canon::hex(key) };
    format!("{}:{what}", row.epoch)
}

/// Begins a run.
async fn begin(state: &AppState, row: &Row, poll: &Poll, group: Group, found_at: &str) -> Result<RunId, Refused> {
    let mut values: Vec<Value> = group.items.into_iter().map(|item| item.value).collect();
    let what = match values.pop() {
        Some(item) if values.is_empty() && !poll.together => ("item", item),
        last => ("items", Value::list(values.into_iter().chain(last))),
    };
    let begin = Begin {
        tenant: row.tenant,
        environment: row.environment,
        environment_name: &row.environment_name,
        flow: row.flow,
        version: row.version,
        run: group.run,
        node: &row.node,
        kind: super::KIND,
        input: Value::map([what, ("found_at", Value::from(found_at))]),
        giver: "the poll",
        scope: format!("poll:{}", row.id),
        key: group.key,
        marks: None,
    };
    runs::begin(state, begin).await
}

/// A time after which it is looked again, never later than the poll looks anyway.
fn sooner(row: &Row, after: Millis) -> Millis {
    after.min(row.every)
}

/// A time later by up to a tenth, by the poll and the look: a thousand that were published together do not stay together.
fn later(row: &Row, after: Millis) -> Millis {
    let mut hash = blake3::Hasher::new();
    hash.update(row.id.0.as_bytes()).update(&row.look.to_be_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.finalize().as_bytes()[..8]);
    Millis(after.0 + u64::from_be_bytes(bytes) % (after.0 / 10 + 1))
}

/// How long after a look that failed: twice as long after each in a row, and no sooner than the endpoint says.
fn after_failure(row: &Row, failed: &Failed) -> Millis {
    let doubled = row.every.0.saturating_mul(1 << row.failures.clamp(0, 20).unsigned_abs());
    let wait = Millis(doubled.min(MOST_BACK_OFF.0.max(row.every.0)));
    let said = failed.after.unwrap_or_default().min(MOST_RETRY_AFTER);
    later(row, wait).max(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::{EnvironmentId, FlowId, PollId, TenantId};
    use uuid::Uuid;

    fn row(every: u64, failures: i32, look: i64) -> Row {
        Row {
            tenant: TenantId(Uuid::nil()),
            id: PollId(Uuid::from_u128(7)),
            environment: EnvironmentId(Uuid::nil()),
            environment_name: "prod".into(),
            flow: FlowId(Uuid::nil()),
            version: 1,
            node: "look".into(),
            every: Millis(every),
            cursor: "null".into(),
            looked: true,
            epoch: 0,
            look,
            failures,
        }
    }

    #[test]
    fn looks_that_fail_come_later_and_later_up_to_an_hour_and_not_before_the_endpoint_says() {
        let wait = |every, failures, after: Option<u64>| {
            let failed =
                Failed { code: String::new(), message: String::new(), pointer: None, after: after.map(Millis) };
            after_failure(&row(every, failures, 1), &failed).0
        };
        for (failures, least) in [(0, 60_000), (1, 120_000), (2, 240_000), (6, 3_600_000), (60, 3_600_000)] {
            let waited = wait(60_000, failures, None);
            assert!((least..=least + least / 10).contains(&waited), "{failures}: {waited}");
        }
        assert_eq!(wait(60_000, 0, Some(600_000)), 600_000);
        assert_eq!(wait(60_000, 0, Some(u64::MAX)), MOST_RETRY_AFTER.0);
        assert!(wait(7_200_000, 3, None) >= 7_200_000, "one that looks seldom goes on so");
    }

    #[test]
    fn looks_are_spread_by_up_to_a_tenth_and_each_by_another_part() {
        let spread: std::collections::BTreeSet<u64> =
            (0..100).map(|look| later(&row(10_000, 0, look), Millis(10_000)).0).collect();
        assert!(spread.len() > 80 && spread.iter().all(|wait| (10_000..=11_000).contains(wait)), "{spread:?}");
    }
}
