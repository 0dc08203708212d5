//! What must hold of Holon's own database: what steps change there is changed once, with their results.

use std::collections::{BTreeMap, BTreeSet};

use holon_engine::{EffectId, Outcome, RunEffect};
use holon_model::{EnvironmentId, RunId, TenantId, Value, canon};
use holon_runtime::store::{StateOf, StateRow};
use uuid::Uuid;

use super::Judge;
use super::story::Story;

/// Kinds whose effects the runtime carries out itself: the outside knows nothing of them.
pub const OWN: [&str; 3] = [COUNTS, PUTS, PUBLISHES];
const COUNTS: &str = "state.increment";
const PUTS: &str = "state.put";
const PUBLISHES: &str = "event.publish";

/// A result that counts, of a step that changes something.
struct Made<'a> {
    run: RunId,
    of: StateOf,
    effect: &'a RunEffect,
    result: Value,
}

fn of(story: &Story) -> StateOf {
    let facts = &story.row.facts;
    StateOf { tenant: story.tenant, environment: facts.environment, flow: facts.flow }
}

/// Which change made what an effect leaves: as its id says.
fn revision(id: EffectId) -> Uuid {
    Uuid::from_bytes(id.0)
}

impl Judge<'_> {
    /// What steps of a kind came to, each once: what a run copied from another one is that one's.
    fn made(&self, kind: &str) -> Vec<Made<'_>> {
        let mut made = Vec::new();
        for story in self.stories.values() {
            let asked = story.asked(kind);
            if asked.is_empty() {
                continue;
            }
            for completed in story.completed(story.copied()) {
                // One that failed, as by its time, changed nothing.
                if let (Some((_, effect)), Outcome::Ok(payload)) = (asked.get(&completed.id), completed.outcome) {
                    made.push(Made { run: story.run, of: of(story), effect, result: payload.to_value() });
                }
            }
        }
        made
    }

    /// The rows of a key.
    fn kept(&self, key: &str) -> BTreeMap<StateOf, StateRow> {
        let all = self.world.store.states().all();
        all.into_iter().filter(|(_, of, _)| of == key).map(|(of, _, row)| (of, row)).collect()
    }

    /// What is counted is counted once for each result, and no two results are one number.
    pub(super) fn counts(&self) {
        let mut drawn: BTreeMap<StateOf, BTreeMap<i64, Vec<EffectId>>> = BTreeMap::new();
        for Made { of, effect, result, .. } in self.made(COUNTS) {
            let numbers = drawn.entry(of).or_default();
            numbers.entry(result.as_int().unwrap_or_default()).or_default().push(effect.id);
        }
        let kept = self.kept("runs");
        let flows: BTreeSet<&StateOf> = drawn.keys().chain(kept.keys()).collect();
        for of in flows {
            let numbers = drawn.get(of).cloned().unwrap_or_default();
            let in_a_row = (1..).zip(&numbers).all(|(wanted, (number, by))| wanted == *number && by.len() == 1);
            let last = numbers.last_key_value();
            let as_kept = match (last, kept.get(of)) {
                (Some((number, by)), Some(row)) => {
                    row.value == number.to_string() && by.iter().any(|id| revision(*id) == row.revision)
                }
                (None, None) => true,
                _ => false,
            };
            if !in_a_row || !as_kept {
                let words = || format!("{of:?}: {numbers:?} were given, {:?} is kept", kept.get(of));
                self.world.problems.add("count", words);
            }
        }
    }

    /// What is kept under a key that steps put is what one of them put.
    pub(super) fn puts(&self) {
        let mut put: BTreeMap<StateOf, BTreeMap<Uuid, String>> = BTreeMap::new();
        for Made { of, effect, result, .. } in self.made(PUTS) {
            put.entry(of).or_default().insert(revision(effect.id), result.to_json());
        }
        let kept = self.kept("last");
        for of in put.keys().chain(kept.keys()).collect::<BTreeSet<_>>() {
            let row = kept.get(of);
            let theirs = row.and_then(|row| put.get(of)?.get(&row.revision)).zip(row);
            if theirs.is_none_or(|(value, row)| *value != row.value) {
                self.world.problems.add("state", || format!("{of:?}: {:?} was put, {row:?} is kept", put.get(of)));
            }
        }
    }

    /// What is published is published once, with its result.
    pub(super) fn events(&self) {
        type Told = (TenantId, EnvironmentId, String, String);
        let mut published: BTreeMap<Uuid, BTreeMap<RunId, Told>> = BTreeMap::new();
        for Made { run, of, effect, result } in self.made(PUBLISHES) {
            let data = effect.config.get("data").unwrap_or(&effect.input).to_json();
            let subject = result.get("subject").and_then(Value::as_str).unwrap_or_default().to_owned();
            published.entry(revision(effect.id)).or_default().insert(run, (of.tenant, of.environment, subject, data));
        }
        for (tenant, environment, run, event) in self.world.store.states().events() {
            let told = (tenant, environment, event.subject.clone(), event.data.clone());
            // A step that a retry does again has the key, and so the event, that it had.
            let by = published.remove(&event.id).unwrap_or_default();
            if by.get(&run) != Some(&told) {
                self.problem("event", run, || format!("{event:?} is there, and its steps say {by:?}"));
            }
        }
        for (id, by) in published {
            self.world
                .problems
                .add("event", || format!("{}: {by:?} was published, and is not there", canon::hex(id.as_bytes())));
        }
    }
}
