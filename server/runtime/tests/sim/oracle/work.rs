//! What must hold of tasks for workers (docs/workers.md): one is handed out when that is durable and for as long as nobody has answered it,
//! and of all that is said of an attempt one answer counts: that of whoever was told so.

use holon_engine::Outcome;

use super::Judge;
use super::story::{Completed, Story};
use crate::workers::{Claimed, Word};

impl Judge<'_> {
    pub(super) fn work(&self) {
        for claimed in &self.said.claimed {
            let Some(story) = self.stories.get(&claimed.run) else {
                self.problem("work", claimed.run, || format!("{claimed:?} of a run that never was"));
                continue;
            };
            self.handed_out(story, claimed);
            if let Some((outcome, word)) = &claimed.said {
                self.counts_as_told(story, claimed, outcome, *word);
            }
        }
    }

    fn handed_out(&self, story: &Story, claimed: &Claimed) {
        // A run that retries another one asks for what that one asked, with its keys.
        let asked = story.asked("worker.task");
        let durable = |number: usize| story.row_of(number) <= claimed.durable;
        if !asked.get(&claimed.id).is_some_and(|(number, _)| durable(*number)) {
            self.problem("work", story.run, || format!("it was handed out before that was durable: {claimed:?}"));
        }
        let answered = |completed: &Completed<'_>| (completed.id, completed.attempt) == (claimed.id, claimed.attempt);
        if let Some(before) = story.completed(0).find(|completed| answered(completed) && durable(completed.number)) {
            self.problem("work", story.run, || format!("it was handed out after {before:?}: {claimed:?}"));
        }
    }

    /// Whoever was told that an answer counts finds it in the journal, and nobody who was told that it does not. Each answer is another one.
    fn counts_as_told(&self, story: &Story, claimed: &Claimed, outcome: &Outcome, word: Word) {
        let mine = |completed: &Completed<'_>| {
            (completed.id, completed.attempt, completed.outcome) == (claimed.id, claimed.attempt, outcome)
        };
        let times = story.completed(0).filter(mine).count();
        let holds = match word {
            Word::Counts => times == 1,
            Word::Lost => times == 0,
            Word::Nobody => times <= 1,
        };
        if !holds {
            self.problem("work", story.run, || format!("it counts {times} times: {claimed:?}"));
        }
    }
}
