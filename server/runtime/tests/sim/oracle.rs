//! What must hold when all is over, whatever befell: everything that was promised is there, once, and nothing is left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use holon_engine::{
    Command, EffectId, Event, EventKind, Input, Machine, Outcome, Parent, StepState, TimerId, decode_input,
};
use holon_model::canon::Canon;
use holon_model::{Millis, RunId, TenantId, Timestamp};
use holon_runtime::store::{HistoryRow, StateOf, Store as _};
use holon_runtime::{Answer, replay};

use crate::clients::Said;
use crate::flows;
use crate::ledger::{Book, Call, Uses};
use crate::world::{World, low};

/// Errors that the runtime gives instead of an answer of the outside.
const OWN_ERRORS: [&str; 2] = ["timeout", "outcome_unknown"];
/// The kind that counts in Holon's own database.
pub const COUNTS: &str = "state.increment@1";
/// By how much two moments may be wrong beside each other: clocks are, and what was asked long ago may be done only now.
const WRONG_AT_MOST: Millis = Millis(900_000);
/// The status of a run that was ended by decree: its machine does not say so.
const TERMINATED: &str = "terminated";

/// What does not hold.
#[derive(Default)]
pub struct Problems(Mutex<Vec<(&'static str, String)>>);

impl Problems {
    pub fn add(&self, kind: &'static str, words: impl FnOnce() -> String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((kind, words()));
    }

    pub fn all(&self) -> Vec<(&'static str, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One run, as its journal tells it on a fresh machine.
pub struct Story {
    tenant: TenantId,
    run: RunId,
    row: HistoryRow,
    /// Numbers of the first inputs of its rows.
    rows: Vec<i64>,
    machine: Machine,
    inputs: Vec<(Timestamp, Input)>,
    /// With the number of the input that each follows from.
    commands: Vec<(usize, Command)>,
    events: Vec<Event>,
}

pub type Stories = BTreeMap<RunId, Story>;

/// Everything is looked through.
pub async fn check(world: &World) {
    let mut stories = Stories::new();
    for (tenant, run) in world.store.runs() {
        if let Some(story) = read(world, tenant, run).await {
            let hash = story.machine.log_hash();
            world.trace.note("end", &[low(run.0), u64::from(hash[0]), u64::from(hash[1])], || {
                format!("{run} {} after {} inputs", story.machine.status().name(), story.inputs.len())
            });
            stories.insert(run, story);
        }
    }
    let book = world.outside.book();
    let said = world.promises.said();
    let judge = Judge { world, stories: &stories, book: &book, said: &said };
    stories.values().for_each(|story| judge.one(story));
    judge.effects();
    judge.at_most_once();
    judge.starts();
    judge.lineage();
    judge.answers();
    judge.said_to_runs();
    judge.terminated();
    judge.counts();
    judge.left();
}

async fn read(world: &World, tenant: TenantId, run: RunId) -> Option<Story> {
    let problem = |kind, words: String| world.problems.add(kind, || format!("{run}: {words}"));
    let row = world.store.history(tenant, run).await.ok()??;
    let entries = match world.store.journal(tenant, run, 0).await {
        Ok(entries) if !entries.is_empty() => entries,
        Ok(_) => {
            problem("journal", "there is no input".into());
            return None;
        }
        Err(error) => {
            problem("journal", error.to_string());
            return None;
        }
    };
    let flow = flows::flow(row.facts.flow)?;
    let mut machine = Machine::new(flow.compiled.clone());
    let mut inputs = Vec::new();
    for entry in &entries {
        match decode_input(&entry.input) {
            Ok(input) => inputs.push((entry.at, input)),
            Err(error) => problem("journal", error.to_string()),
        }
    }
    let (mut commands, mut events, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let mut number = 0;
    let replayed = replay(&mut machine, 0, &entries, |decision| {
        if !decision.accepted {
            refused.push(number);
        }
        commands.extend(decision.commands.into_iter().map(|command| (number, command)));
        events.extend(decision.events);
        number += 1;
    });
    if let Err(error) = replayed {
        problem("replay", error.to_string());
    }
    for number in refused {
        problem("journal", format!("input {number} changes nothing and is written: {:?}", inputs[number].1));
    }
    let rows = world.store.rows(tenant, run);
    Some(Story { tenant, run, row, rows, machine, inputs, commands, events })
}

impl Story {
    /// The first input of the row that an input stands in.
    fn row_of(&self, number: usize) -> i64 {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.rows.iter().copied().filter(|row| *row <= number).max().unwrap_or(i64::MAX)
    }

    fn parent(&self) -> Option<Parent> {
        self.machine.info()?.lineage.as_ref()?.parent
    }

    fn continued_from(&self) -> Option<RunId> {
        self.machine.info()?.lineage.as_ref()?.continued_from
    }

    /// How it ended: as its machine says, or by decree.
    fn outcome(&self) -> Option<Outcome> {
        let ended = self.row.ended.as_ref();
        match ended.filter(|ended| ended.status == TERMINATED) {
            Some(ended) => Some(Outcome::Cancelled { reason: ended.error.clone().unwrap_or_default() }),
            None => self.machine.outcome().cloned(),
        }
    }

    /// The effects that count in Holon's own database: the outside knows nothing of them.
    fn counting(&self) -> BTreeSet<EffectId> {
        let counts = |command: &Command| match command {
            Command::RunEffect(effect) if effect.kind.to_string() == COUNTS => Some(effect.id),
            _ => None,
        };
        self.commands.iter().filter_map(|(_, command)| counts(command)).collect()
    }

    /// How many of its inputs were copied from another run.
    fn copied(&self) -> usize {
        let again = self.inputs.iter().rposition(|(_, input)| matches!(input, Input::TriedAgain { .. }));
        let forked = self.row.facts.marks.fork_of.map_or(0, |(_, seq)| usize::try_from(seq).unwrap_or(0));
        again.unwrap_or(0).max(forked)
    }

    /// Whether it begins with what another run took in.
    fn copies(&self) -> bool {
        self.row.facts.retry_of.is_some() || self.row.facts.marks.fork_of.is_some()
    }

    fn completed(&self, from: usize) -> impl Iterator<Item = (EffectId, u32, &Outcome)> {
        self.inputs.iter().skip(from).filter_map(|(_, input)| match input {
            Input::EffectCompleted { id, attempt, outcome } => Some((*id, *attempt, outcome)),
            _ => None,
        })
    }
}

struct Judge<'a> {
    world: &'a World,
    stories: &'a Stories,
    book: &'a Book,
    said: &'a Said,
}

impl Judge<'_> {
    fn problem(&self, kind: &'static str, run: RunId, words: impl FnOnce() -> String) {
        self.world.problems.add(kind, || format!("{run}: {}", words()));
    }

    /// What concerns one run alone.
    fn one(&self, story: &Story) {
        let run = story.run;
        match &story.row.ended {
            None => self.problem("not over", run, || {
                format!("it is {}, and waits for {:?}", story.machine.status().name(), story.machine.pending())
            }),
            Some(ended) => {
                let status = if ended.status == TERMINATED { TERMINATED } else { story.machine.status().name() };
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
        let counting = story.counting();
        for (id, attempt, outcome) in story.completed(self.forked(story)) {
            if counting.contains(&id) {
                continue;
            }
            let given = self.book.answers.get(&(id.key(), attempt));
            let own = matches!(outcome, Outcome::Failed { error } if OWN_ERRORS.contains(&&*error.code));
            // A retry copies what the outside answered to the run that it retries: the key is the same.
            if !own && !given.is_some_and(|given| given.contains(outcome)) {
                self.problem("answer", run, || format!("{} attempt {attempt} never gave {outcome:?}", id.key()));
            }
        }
        self.sagas(story);
    }

    /// How many of its inputs were copied by a fork: what they answer was asked under keys of another run.
    fn forked(&self, story: &Story) -> usize {
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

    /// What reached the outside follows from what was durable, and each key stands for one thing.
    fn effects(&self) {
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
    fn at_most_once(&self) {
        let mut before: BTreeMap<&str, &Call> = BTreeMap::new();
        for call in self.book.calls.iter().filter(|call| call.kind == "test.once@1") {
            let Some(earlier) = before.insert(&call.key, call) else { continue };
            let answered = |story: &Story| {
                story.completed(0).any(|(id, attempt, outcome)| {
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

    /// Every start that was acknowledged is there; a key starts one run.
    fn starts(&self) {
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
                Some(wish) => (wish.again, wish.fork_of) == (again, fork_of),
                // What a retried run called is retried with it.
                None => fork_of.is_none() && again.is_none_or(|again| self.called_by_retried(story, again)),
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
    fn lineage(&self) {
        let (mut called, mut next) = (BTreeMap::new(), BTreeMap::new());
        for (run, story) in self.stories {
            let (parent, from) = (story.parent(), story.continued_from());
            if parent.is_none() && from.is_none() && !self.said.wishes.contains_key(run) {
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

    /// What callers were told is what the journals say.
    fn answers(&self) {
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
    fn said_to_runs(&self) {
        let mut signals: BTreeMap<(RunId, String, String, String), u32> = BTreeMap::new();
        let mut tasks: BTreeMap<(RunId, EffectId), Vec<String>> = BTreeMap::new();
        for story in self.stories.values() {
            for (_, input) in &story.inputs {
                match input {
                    Input::Signal { name, correlation, sender, .. } => {
                        let id = (story.run, name.clone(), correlation.clone(), sender.clone());
                        *signals.entry(id).or_default() += 1;
                    }
                    Input::TaskAnswered { id, by, .. } => tasks.entry((story.run, *id)).or_default().push(by.clone()),
                    _ => {}
                }
            }
        }
        for (id, taken) in &self.said.signals {
            let times = signals.remove(id).unwrap_or_default();
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
            let parked = |story: &Story| {
                let ended = story.row.ended.as_ref();
                ended.is_some_and(|ended| ended.status == TERMINATED && ended.error.as_ref() == Some(reason))
            };
            if !self.stories.get(run).is_some_and(|story| cancelled(story) || parked(story)) {
                self.problem("cancel", *run, || format!("`{reason}` was acknowledged, and is not in its journal"));
            }
        }
    }

    /// What is counted in Holon's own database is counted once for each result, and no two results are one number.
    fn counts(&self) {
        let mut drawn: BTreeMap<StateOf, Vec<i64>> = BTreeMap::new();
        for story in self.stories.values() {
            let (facts, counting) = (&story.row.facts, story.counting());
            let of = StateOf { tenant: story.tenant, environment: facts.environment, flow: facts.flow };
            for (_, _, outcome) in story.completed(story.copied()).filter(|(id, ..)| counting.contains(id)) {
                // One that failed, as by its time, counted nothing.
                if let Outcome::Ok(payload) = outcome {
                    drawn.entry(of).or_default().extend(payload.to_value().as_int());
                }
            }
        }
        let kept = self.world.store.states().all();
        let kept: BTreeMap<StateOf, String> = kept.into_iter().map(|(of, _, row)| (of, row.value)).collect();
        let flows: BTreeSet<&StateOf> = drawn.keys().chain(kept.keys()).collect();
        for of in flows {
            let mut numbers = drawn.get(of).cloned().unwrap_or_default();
            numbers.sort_unstable();
            let all: Vec<i64> = (1..).take(numbers.len()).collect();
            if numbers != all || kept.get(of) != Some(&numbers.len().to_string()) {
                self.world
                    .problems
                    .add("count", || format!("{of:?}: {numbers:?} were given, {:?} is kept", kept.get(of)));
            }
        }
    }

    /// What was ended by decree is over by that.
    fn terminated(&self) {
        for run in &self.said.terminated {
            let ended = self.stories.get(run).and_then(|story| story.row.ended.as_ref());
            if ended.is_none_or(|ended| ended.status != TERMINATED) {
                self.problem("decree", *run, || format!("it was said to be ended by decree, and it is {ended:?}"));
            }
        }
    }

    /// What is over leaves nothing behind but its history.
    fn left(&self) {
        let (live, snapshots) = self.world.store.left();
        let asks = self.world.store.asks();
        let (waits, tasks) = (asks.waits(), asks.open());
        let letters = self.world.store.unread();
        if live + snapshots + letters + waits.len() + tasks.len() > 0 {
            self.world.problems.add("left behind", || {
                format!("{live} rows of live work, {snapshots} snapshots, {letters} letters, {waits:?}, {tasks:?}")
            });
        }
    }
}
