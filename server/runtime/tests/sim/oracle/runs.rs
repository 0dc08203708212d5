//! What must hold of each run by itself: its end, its time, its answers, and what it undid.

use std::collections::{BTreeMap, BTreeSet};

use holon_engine::{Command, EffectId, EventKind, Input, Outcome, StepState, TimerId};
use holon_model::Timestamp;

use super::Judge;
use super::own::OWN;
use super::story::{Completed, Story};

/// Errors that the runtime gives instead of an answer of the outside.
const OWN_ERRORS: [&str; 2] = ["timeout", "outcome_unknown"];

impl Judge<'_> {
    /// What concerns one run alone.
    pub(super) fn one(&self, story: &Story) {
        let run = story.run;
        match &story.row.ended {
            None => self.problem("not over", run, || {
                format!("it is {}, and waits for {:?}", story.machine.status().name(), story.machine.pending())
            }),
            Some(ended) => {
                let status = story.decreed().unwrap_or(story.machine.status().name());
                if ended.status != status || ended.log_hash != story.machine.log_hash() {
                    self.problem("end", run, || {
                        format!("history says {}, its journal {}", ended.status, story.machine.status().name())
                    });
                }
            }
        }
        let mut due: BTreeMap<TimerId, Timestamp> = BTreeMap::new();
        let mut commands = story.commands.iter().peekable();
        for (number, (at, input)) in story.inputs.iter().enumerate() {
            if let Input::TimerFired { id } = input
                && !story.copies()
                && due.get(id).is_none_or(|due| at < due)
            {
                self.problem("timer", run, || format!("{id:?} came at {at:?}, and was due at {:?}", due.get(id)));
            }
            while let Some((_, command)) = commands.next_if(|(of, _)| *of == number) {
                if let Command::SetTimer { id, due: at } = command {
                    due.insert(*id, *at);
                }
            }
        }
        self.answered(story);
        self.sagas(story);
    }

    /// What it took for an answer was given to it.
    fn answered(&self, story: &Story) {
        let own: BTreeSet<EffectId> = OWN.iter().flat_map(|kind| story.asked(kind).into_keys()).collect();
        for Completed { id, attempt, outcome, .. } in story.completed(self.forked(story)) {
            // What was given before is looked at elsewhere.
            if own.contains(&id) || matches!(outcome, Outcome::Kept { .. }) {
                continue;
            }
            let given = self.book.answers.get(&(id.key(), attempt));
            let runtimes = matches!(outcome, Outcome::Failed { error } if OWN_ERRORS.contains(&&*error.code));
            // A retry copies what the outside answered to the run that it retries: the key is the same.
            if !runtimes && !given.is_some_and(|given| given.contains(outcome)) {
                self.problem("answer", story.run, || format!("{} attempt {attempt} never gave {outcome:?}", id.key()));
            }
        }
    }

    /// How many of its inputs were copied by a fork: what they answer was asked under keys of another run.
    pub(super) fn forked(&self, story: &Story) -> usize {
        let mut story = story;
        while let Some(then) = story.row.facts.retry_of {
            let Some(retried) = self.stories.get(&then) else { break };
            story = retried;
        }
        story.row.facts.marks.fork_of.map_or(0, |(_, seq)| usize::try_from(seq).unwrap_or(0))
    }

    /// What is undone is what was done, in exact reverse, each once.
    fn sagas(&self, story: &Story) {
        let mut done: BTreeMap<(String, u32), Vec<String>> = BTreeMap::new();
        for event in &story.events {
            let (EventKind::SagaStep { step, state }, Some(node)) = (&event.kind, &event.node) else { continue };
            let steps = done.entry((node.path(), node.attempts)).or_default();
            let last = steps.last().map(String::as_str) == Some(&**step);
            match state {
                // The step `three` has no compensation.
                StepState::Completed if &**step != "three" => steps.push(step.to_string()),
                StepState::Compensating | StepState::Compensated | StepState::Skipped | StepState::ByHand if !last => {
                    self.problem("saga", story.run, || format!("{step} is {state:?}, to be undone were {steps:?}"));
                }
                StepState::Compensated | StepState::Skipped | StepState::ByHand => drop(steps.pop()),
                _ => {}
            }
        }
    }
}
