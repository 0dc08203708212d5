//! What must hold of what was said: callers were told what the journals say, and what runs were told counts once.

use std::collections::BTreeMap;

use holon_engine::{Command, EffectId, Input, Mail};
use holon_model::{RunId, Value};
use holon_runtime::Answer;

use super::story::Story;
use super::{Judge, TERMINATED};

impl Judge<'_> {
    /// What callers were told is what the journals say.
    pub(super) fn answers(&self) {
        let next: BTreeMap<RunId, RunId> = self
            .stories
            .values()
            .filter(|story| !story.copies())
            .filter_map(|story| Some((story.continued_from()?, story.run)))
            .collect();
        for (tenant, run, answer) in &self.said.answers {
            let mut at = *run;
            let told = loop {
                let Some(story) = self.stories.get(&at).filter(|story| story.tenant == *tenant) else { break None };
                match (story.machine.response(), next.get(&at)) {
                    (Some(response), _) => break Some(Answer::Responded(response.clone())),
                    (None, Some(other)) => at = *other,
                    (None, _) => break story.outcome().map(Answer::Ended),
                }
            };
            if told.as_ref() != Some(answer) {
                self.problem("answer", *run, || format!("{answer:?} was told, and it is {told:?}"));
            }
        }
    }

    /// What runs were told counts once where that was said, and never more often.
    pub(super) fn said_to_runs(&self) {
        let chains = self.chains();
        let mut signals: BTreeMap<(RunId, String, String, String), u32> = BTreeMap::new();
        let mut tasks: BTreeMap<(RunId, EffectId), Vec<String>> = BTreeMap::new();
        for story in self.stories.values() {
            for (_, input) in &story.inputs {
                match input {
                    Input::Signal { name, correlation, sender, .. } => {
                        let id = (chains[&story.run], name.clone(), correlation.clone(), sender.clone());
                        *signals.entry(id).or_default() += 1;
                    }
                    Input::TaskAnswered { id, by, .. } => tasks.entry((story.run, *id)).or_default().push(by.clone()),
                    _ => {}
                }
            }
        }
        let mut told: BTreeMap<_, bool> = BTreeMap::new();
        for ((run, name, correlation, sender), taken) in &self.said.signals {
            let first = chains.get(run).copied().unwrap_or(*run);
            *told.entry((first, name.clone(), correlation.clone(), sender.clone())).or_default() |= taken;
        }
        for (id, taken) in &told {
            let times = signals.remove(id).unwrap_or_default();
            // What was kept in a pause in which the run was about to go on is no input: the next run begins with it.
            let times = if times == 0 && self.was_handed_on(&chains, id) { 1 } else { times };
            // What is kept in a pause is gone with a run that is ended by decree; nobody was told that it counts.
            if times > 1 || (*taken && times == 0) {
                self.problem("signal", id.0, || format!("{id:?} counts {times} times (acknowledged: {taken})"));
            }
        }
        // A retry begins with a copy of what the run that it retries was told.
        for (id, times) in signals {
            if !self.stories[&id.0].copies() || times > 1 {
                self.problem("signal", id.0, || format!("{id:?} counts {times} times, and nobody sent it"));
            }
        }
        for ((run, id, by), counts) in &self.said.tasks {
            let answered = tasks.get(&(*run, *id)).cloned().unwrap_or_default();
            // Older meanings may ask anew what was answered, under the same id.
            let asks = |(_, command): &&(usize, Command)| matches!(command, Command::OpenTask(task) if task.id == *id);
            let asked = self.stories.get(run).map_or(0, |story| story.commands.iter().filter(asks).count());
            if answered.len() > asked || (*counts && !answered.contains(by)) {
                self.problem("task", *run, || format!("{by} was told {counts}, answered: {answered:?}"));
            }
        }
        for (_, run, reason) in &self.said.cancelled {
            let cancelled = |story: &Story| story.inputs.iter().any(|(_, input)| matches!(input, Input::Cancel { .. }));
            // A run that its replica cannot drive, as an older build a newer one's, does not clean up: it is ended by decree then and there.
            // So is one that has not begun.
            let decreed = |story: &Story| {
                let ended = story.row.ended.as_ref();
                story.decreed().is_some() && ended.is_some_and(|ended| ended.error.as_ref() == Some(reason))
            };
            if !self.stories.get(run).is_some_and(|story| cancelled(story) || decreed(story)) {
                self.problem("cancel", *run, || format!("`{reason}` was acknowledged, and is not in its journal"));
            }
        }
    }

    /// The first of the runs that went on in each other, by run.
    fn chains(&self) -> BTreeMap<RunId, RunId> {
        let before =
            |run: &RunId| self.stories.get(run).filter(|story| !story.copies()).and_then(Story::continued_from);
        let first = |run: &RunId| {
            let mut first = *run;
            while let Some(earlier) = before(&first) {
                first = earlier;
            }
            (*run, first)
        };
        self.stories.keys().map(first).collect()
    }

    /// Whether a run after the first of a chain began with it.
    fn was_handed_on(
        &self,
        chains: &BTreeMap<RunId, RunId>,
        (first, name, correlation, sender): &(RunId, String, String, String),
    ) -> bool {
        let (name, correlation, sender) = (name.clone(), correlation.clone(), sender.clone());
        let signal = Input::Signal { name, correlation, sender, payload: Value::Null.into() };
        let runs = chains.iter().filter(|(_, of)| *of == first).filter_map(|(run, _)| self.stories.get(run));
        runs.filter(|story| story.run != *first).any(|story| story.machine.has_counted(&signal))
    }

    /// Signals that came to a run and that nobody took in it wait in the one that goes on for it, and are not lost between the two.
    pub(super) fn mail(&self) {
        for story in self.stories.values().filter(|story| !story.copies()) {
            let Some(before) = story.continued_from().and_then(|run| self.stories.get(&run)) else { continue };
            let Some((_, Input::Start { run, .. })) = story.inputs.first() else { continue };
            // An older build does not know of it.
            if run.semantics < Mail::SINCE {
                continue;
            }
            let waited = before.machine.mail().map_or(0, |mail| mail.waiting());
            let waits = run.mail.as_ref().map_or(0, |mail| mail.waiting());
            if waits < waited {
                self.problem("mail", story.run, || format!("{waited} signals waited in {}, {waits} here", before.run));
            }
        }
    }

    /// What was ended by decree is over by that.
    pub(super) fn terminated(&self) {
        for run in &self.said.terminated {
            let ended = self.stories.get(run).and_then(|story| story.row.ended.as_ref());
            if ended.is_none_or(|ended| ended.status != TERMINATED) {
                self.problem("decree", *run, || format!("it was said to be ended by decree, and it is {ended:?}"));
            }
        }
    }
}
