//! What must hold of how runs began: every start that was acknowledged is there, a key starts one run, and so does a call.

use std::collections::{BTreeMap, BTreeSet};

use holon_engine::{Input, Outcome};
use holon_model::{RunId, TenantId};

use super::batches::is_batch;
use super::story::Story;
use super::{Judge, WRONG_AT_MOST};

impl Judge<'_> {
    /// Every start that was acknowledged is there; a key starts one run.
    pub(super) fn starts(&self) {
        let mut of_key: BTreeMap<(TenantId, &str), BTreeSet<RunId>> = BTreeMap::new();
        for (run, wish) in &self.said.wishes {
            if let Some(key) = &wish.key {
                let runs = of_key.entry((wish.tenant, key)).or_default();
                runs.extend(self.stories.contains_key(run).then_some(*run));
            }
        }
        for story in self.stories.values() {
            let (again, fork_of) = (story.row.facts.retry_of, story.row.facts.marks.fork_of);
            let wish = self.said.wishes.get(&story.run);
            let as_wished = match wish {
                Some(wish) => (wish.again, wish.fork_of.or_else(|| self.unbegun_fork(wish.again))) == (again, fork_of),
                // What a retried run called is retried with it.
                None => {
                    fork_of.is_none()
                        && (story.withdrawn() || again.is_none_or(|again| self.called_by_retried(story, again)))
                }
            };
            if !as_wished {
                self.problem("start", story.run, || {
                    format!("it retries {again:?}, forks {fork_of:?}; wished: {wish:?}")
                });
            }
        }
        for ((_, key), runs) in of_key.iter().filter(|(_, runs)| runs.len() > 1) {
            // A key may start another run when it was remembered for as long as was asked.
            let began = |run: &RunId| self.stories[run].row.facts.started_at;
            let mut began: Vec<_> = runs.iter().map(|run| (began(run), self.said.wishes[run].window)).collect();
            began.sort_unstable();
            if began.windows(2).any(|two| two[1].0.plus(WRONG_AT_MOST) < two[0].0.plus(two[0].1)) {
                self.world.problems.add("one key, two runs", || format!("{key}: {runs:?}, {began:?}"));
            }
        }
        for (wished, started) in &self.said.started {
            let (wish, run) = (&self.said.wishes[wished], started.run);
            if !self.stories.contains_key(&run) {
                self.problem("lost", run, || "it was acknowledged, and is not there".into());
                continue;
            }
            let same = self
                .said
                .wishes
                .get(&run)
                .is_some_and(|first| (first.tenant, &first.key, first.hash) == (wish.tenant, &wish.key, wish.hash));
            if (run != *wished && (wish.key.is_none() || !same)) || started.replayed == (run == *wished) {
                self.problem("start", run, || format!("{started:?} was said for {wished}: {wish:?}"));
            }
        }
        for (wished, run) in &self.said.mismatches {
            let other = self.said.wishes.get(run).map(|wish| wish.hash);
            if other.is_none() || other == Some(self.said.wishes[wished].hash) || !self.stories.contains_key(run) {
                self.problem("start", *wished, || format!("{run} was said to be another request's with its key"));
            }
        }
    }

    /// From where a run was forked that left its line before its turn: a retry of it is the same fork.
    fn unbegun_fork(&self, retried: Option<RunId>) -> Option<(RunId, i64)> {
        let story = self.stories.get(&retried?)?;
        if story.withdrawn() { story.row.facts.marks.fork_of } else { None }
    }

    /// Whether a run is the call of a run that retries, at one or more removes, one that called the run `then`, or what went on for it.
    fn called_by_retried(&self, story: &Story, then: RunId) -> bool {
        let Some(mine) = story.parent() else { return false };
        let mut retried = self.stories.get(&mine.run).and_then(|caller| caller.row.facts.retry_of);
        let Some(theirs) = self.stories.get(&then).and_then(Story::parent) else { return false };
        while let Some(run) = retried {
            if theirs.run == run && theirs.id == mine.id {
                return true;
            }
            retried = self.stories.get(&run).and_then(|caller| caller.row.facts.retry_of);
        }
        false
    }

    /// Each call of a flow is one run, each run goes on in one other, and who called is told how it ended.
    pub(super) fn lineage(&self) {
        let (mut called, mut next) = (BTreeMap::new(), BTreeMap::new());
        for (run, story) in self.stories {
            let (parent, from) = (story.parent(), story.continued_from());
            // One that was called and left its line before its turn does not say by whom.
            let called_once = story.withdrawn() && story.row.facts.trigger == "flow";
            let wanted = called_once || is_batch(story) || self.said.wishes.contains_key(run);
            if parent.is_none() && from.is_none() && !wanted {
                self.problem("invented", *run, || "nobody asked for it".into());
            }
            if let Some(from) = from
                && !story.copies()
                && let Some(other) = next.insert(from, *run)
            {
                self.problem("twice", from, || format!("it goes on in {run} and in {other}"));
            }
            if let (Some(parent), None) = (parent, from)
                && let Some(other) = called.insert((parent.run, parent.id), *run)
            {
                self.problem("twice", parent.run, || format!("one call is {run} and {other}"));
            }
        }
        for (run, story) in self.stories {
            if matches!(story.machine.outcome(), Some(Outcome::Continued { .. })) && !next.contains_key(run) {
                self.problem("lost", *run, || "it goes on in no other run".into());
            }
            for (_, input) in &story.inputs {
                let Input::ChildEnded { id, outcome } = input else { continue };
                let Some(mut child) = called.get(&(*run, *id)) else { continue };
                while let Some(other) = next.get(child) {
                    child = other;
                }
                if self.stories[child].outcome().as_ref() != Some(outcome) {
                    self.problem("child", *run, || format!("{child} did not end with {outcome:?}"));
                }
            }
        }
    }
}
