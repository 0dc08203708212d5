//! What must hold of what reached the outside: it follows from what was durable, with one key for one thing, and what must not be done
//! twice is not.

use std::collections::{BTreeMap, BTreeSet};

use holon_engine::Command;
use holon_model::RunId;
use holon_model::canon::Canon;

use super::Judge;
use super::story::{Completed, Story};
use crate::ledger::{Call, Uses};

impl Judge<'_> {
    /// What reached the outside follows from what was durable, and each key stands for one thing.
    pub(super) fn effects(&self) {
        for (key, uses) in self.book.uses() {
            let all: BTreeSet<_> = uses.values().flatten().collect();
            if all.len() > 1 && !self.behind_a_retry(key, &uses) {
                self.world.problems.add("two things, one key", || format!("{key}: {uses:?}"));
            }
        }
        let mut asked: BTreeMap<(RunId, String), (usize, String, [u8; 32])> = BTreeMap::new();
        for story in self.stories.values() {
            for (number, command) in &story.commands {
                if let Command::RunEffect(effect) = command {
                    let mut canon = Canon::new();
                    canon.text(&effect.kind.to_string()).value(&effect.config).value(&effect.input);
                    let asked = asked.entry((story.run, effect.key.clone()));
                    asked.or_insert_with(|| (*number, effect.path.clone(), canon.hash()));
                }
            }
        }
        for call in &self.book.calls {
            let Some(story) = self.stories.get(&call.run) else {
                self.problem("not durable", call.run, || format!("{} was done for a run that never was", call.path));
                continue;
            };
            match asked.get(&(call.run, call.key.clone())) {
                None => self.problem("another key", call.run, || {
                    format!("{} was done with the key {}, which the journal does not give", call.path, call.key)
                }),
                Some((number, path, bytes)) => {
                    if (path, bytes) != (&call.path, &call.bytes) {
                        self.problem("other bytes", call.run, || format!("{} is not what {path} asks", call.path));
                    }
                    if call.durable.is_none_or(|durable| story.row_of(*number) > durable) {
                        self.problem("not durable", call.run, || {
                            format!("{} was done before input {number} was durable", call.path)
                        });
                    }
                }
            }
        }
    }

    /// Whether a key stands for several things only because retries went another way *behind* the step that they tried again, where
    /// the run that they retry had gone on for a while, or at another time (`docs/adr/0022-retried-calls.md`).
    fn behind_a_retry(&self, key: &str, uses: &Uses<'_>) -> bool {
        let number = |story: &Story| {
            let asks = |command: &Command| matches!(command, Command::RunEffect(effect) if effect.key == key);
            story.commands.iter().find(|(_, command)| asks(command)).map(|(number, _)| *number)
        };
        // From the last of the runs that used it to the first, each retried by the one before.
        let goes_back_to_all = |last: &RunId| {
            let Some(mut story) = self.stories.get(last) else { return false };
            let (mut copied, mut seen) = (usize::MAX, 1);
            while let Some(then) = story.row.facts.retry_of.and_then(|then| self.stories.get(&then)) {
                copied = copied.min(story.copied());
                if uses.contains_key(&then.run) {
                    seen += 1;
                    // What is copied is stamped anew from a timer on that would be overdue, and a step may ask for what a stamp says.
                    let copies = story.inputs.iter().zip(&then.inputs).take(copied);
                    let stamped_anew = copies.into_iter().any(|((now, _), (at, _))| now != at);
                    if !stamped_anew && number(then).is_none_or(|number| number < copied) {
                        return false;
                    }
                }
                story = then;
            }
            seen == uses.len()
        };
        uses.values().all(|uses| uses.len() == 1) && uses.keys().any(goes_back_to_all)
    }

    /// What must not be done twice is done again only when it is known how it went.
    pub(super) fn at_most_once(&self) {
        let mut before: BTreeMap<&str, &Call> = BTreeMap::new();
        for call in self.book.calls.iter().filter(|call| call.kind == "test.once@1") {
            let Some(earlier) = before.insert(&call.key, call) else { continue };
            let answered = |story: &Story| {
                story.completed(0).any(|Completed { id, attempt, outcome, .. }| {
                    let given = self.book.answers.get(&(earlier.key.clone(), attempt));
                    id.key() == earlier.key
                        && attempt == earlier.attempt
                        && given.is_some_and(|given| given.contains(outcome))
                })
            };
            if !self.stories.get(&earlier.run).is_some_and(answered) || earlier.run == call.run {
                self.problem("twice", call.run, || format!("{} was done twice: {earlier:?}, {call:?}", call.path));
            }
        }
    }
}
