//! What must hold of answers that are used again (docs/caching.md): they were given to the same question, to the same workspace and in the
//! same environment, not too long before, and never to whoever asks anew.

use holon_engine::{Outcome, RunEffect};
use holon_model::Millis;
use holon_model::canon::Canon;

use super::story::{Completed, Story};
use super::{Judge, WRONG_AT_MOST};
use crate::flows;
use crate::ledger::Call;
use crate::seed::Woe;
use crate::world::at;

/// How long it may take from the look at what is kept until it is taken in, when nothing goes wrong.
const AT_ONCE: Millis = Millis(200);
/// How much longer with a store that is slow, and with replicas that stand still.
const SLOW: Millis = Millis(40_000);

impl Judge<'_> {
    pub(super) fn used_again(&self) {
        for story in self.stories.values() {
            let asked = story.asked("test.call");
            // A fork copies what its original was given, and so does a retry.
            for completed in story.completed(story.copied()) {
                let Outcome::Kept { .. } = completed.outcome else { continue };
                let why_not = match asked.get(&completed.id) {
                    None => Some("nobody asked".to_owned()),
                    Some(_) if story.row.facts.retry_of.is_some() => Some("a retry asks anew".to_owned()),
                    Some((_, effect)) => self.why_not(story, effect, completed),
                };
                if let Some(why_not) = why_not {
                    self.problem("used again", story.run, || format!("{completed:?}: {why_not}"));
                }
            }
        }
    }

    /// Why an effect may not have this answer of before; nothing when it may.
    fn why_not(&self, story: &Story, effect: &RunEffect, completed: Completed<'_>) -> Option<String> {
        let Outcome::Kept { value, since } = completed.outcome else { return None };
        let Some(cached) = effect.cache else { return Some("its node does not say that it may be used again".into()) };
        let outcome = Outcome::Ok(value.clone());
        // Answers of nodes that may be used again are all different.
        let gave = |call: &Call| call.given.as_ref().filter(|(_, given)| *given == outcome).map(|(when, _)| at(*when));
        let found = self.book.calls.iter().find_map(|call| Some((call, gave(call)?)));
        let Some((call, given)) = found else { return Some("nobody gave this answer".into()) };
        if (call.tenant, call.environment) != (story.tenant, story.row.facts.environment) {
            return Some(format!("it is another workspace's, or of another environment: {call:?}"));
        }
        if !self.same_question(story, effect, call) {
            return Some(format!("it answers another question: {call:?}"));
        }
        let clocks = if self.often(Woe::Clock) { WRONG_AT_MOST } else { Millis(0) };
        let late = if self.often(Woe::Slow) || self.often(Woe::Pause) { SLOW } else { AT_ONCE };
        let (first, last) = (given.minus(clocks), given.plus(clocks).plus(late));
        if *since < first || *since > last {
            return Some(format!("it was given at {given:?}"));
        }
        let age = completed.at.since(*since);
        (age.0 > cached.ttl.0 + clocks.0 + late.0)
            .then(|| format!("it is {} ms old, and good for {}", age.0, cached.ttl.0))
    }

    fn often(&self, woe: Woe) -> bool {
        self.world.plan.often(woe) > 0
    }

    /// Whether an effect asks what the call asked: where the node has a key of its own, the same node of the same flow does.
    fn same_question(&self, story: &Story, effect: &RunEffect, call: &Call) -> bool {
        let flow = story.row.facts.flow;
        if flows::kept_by_key(&effect.path) {
            let theirs = self.stories.get(&call.run).map(|story| story.row.facts.flow);
            return (theirs, &call.path) == (Some(flow), &effect.path);
        }
        let mut canon = Canon::new();
        canon.text(&effect.kind.to_string()).value(&effect.config).value(&effect.input);
        canon.hash() == call.bytes
    }
}
