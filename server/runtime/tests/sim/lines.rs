//! Who stands in which line of a flow with limits, as the commits say it: a book of its own beside the store's, so that what the store makes
//! of its places is not what it is judged by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holon_engine::{Input, decode_input};
use holon_flow::definition::intake::Concurrency;
use holon_model::{FlowId, RunId, TenantId};
use holon_runtime::store::{Ask, RunWrite, Ticket};

use crate::flows;
use crate::oracle::Problems;

/// One line: whose, of which flow, and what its runs share.
pub type Of = (TenantId, FlowId, &'static str);

/// A line.
#[derive(Debug, Default)]
pub struct Line {
    /// Runs that were accepted and have not given their place back, with what they wait with.
    places: BTreeMap<RunId, Option<Box<Ticket>>>,
    /// Those that have begun.
    going: BTreeSet<RunId>,
    /// All that ever began, in their order.
    pub begun: Vec<RunId>,
    /// How many had a place, from when on.
    sizes: Vec<(Duration, usize)>,
}

/// A moment in the life of a line: how often the number of those in it had changed by then. Much happens in one instant of simulated time,
/// and a line that was full is empty at the end of the same.
pub type Moment = usize;

impl Line {
    /// The most that had a place at any moment from this to that one.
    pub fn most_between(&self, from: Moment, to: Moment) -> usize {
        let sizes = self.sizes.get(from.saturating_sub(1)..to).unwrap_or_default();
        sizes.iter().map(|(_, size)| *size).max().unwrap_or(0)
    }

    /// The moment before everything that happened at this time and later.
    pub fn moment_before(&self, time: Duration) -> Moment {
        self.sizes.partition_point(|(at, _)| *at < time)
    }
}

/// All lines.
#[derive(Default)]
pub struct Lines(Mutex<Known>);

#[derive(Default)]
pub struct Known {
    pub lines: BTreeMap<Of, Line>,
    of_run: BTreeMap<RunId, Of>,
}

/// How many runs of a flow may go on at a time.
pub fn limit(flow: FlowId) -> Option<&'static Concurrency> {
    flows::flow(flow)?.definition.limits.concurrency.as_ref()
}

impl Lines {
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runs that wait in the line of a run, with what they wait with.
    pub fn waiting(&self, write: &RunWrite) -> Vec<(RunId, Ticket)> {
        let mut known = self.known();
        let Some(line) = known.of(write).and_then(|of| known.lines.get(&of)) else { return Vec::new() };
        let waits = |run: &RunId| !line.going.contains(run);
        let tickets = line.places.iter().filter(|(run, _)| waits(run));
        tickets.filter_map(|(run, ticket)| Some((*run, (**ticket.as_ref()?).clone()))).collect()
    }

    /// What a commit wrote of a run.
    pub fn note(&self, now: Duration, write: &RunWrite, problems: &Problems) {
        let Some(limit) = limit(write.facts.flow) else { return };
        let (run, mut known) = (write.run, self.known());
        let Some(of) = known.of(write) else { return };
        let line = known.lines.entry(of).or_default();
        for asked in &write.asks {
            match &asked.ask {
                Ask::Queue(ticket) => drop(line.places.insert(run, Some(ticket.clone()))),
                Ask::Inherit { from } => {
                    line.places.remove(from);
                    line.places.insert(run, None);
                }
                _ => {}
            }
        }
        if write.journal.as_ref().is_some_and(|journal| journal.seq == 0) {
            line.going.insert(run);
            line.begun.push(run);
        }
        if let Some(end) = &write.end {
            line.going.remove(&run);
            // The one that goes on for it has its place.
            if end.status != "continued" {
                line.places.remove(&run);
            }
        }
        if line.sizes.last().is_none_or(|(_, size)| *size != line.places.len()) {
            line.sizes.push((now, line.places.len()));
        }
        if line.going.len() > limit.limit as usize {
            let going = &line.going;
            problems.add("limit", || format!("{going:?} go on at once, of at most {}: {of:?}", limit.limit));
        }
    }
}

impl Known {
    /// The moment that it is now in a line.
    pub fn now(&self, of: &Of) -> Moment {
        self.lines.get(of).map_or(0, |line| line.sizes.len())
    }

    /// The line of a run: by what it was started with, or that of the run for which it goes on.
    fn of(&mut self, write: &RunWrite) -> Option<Of> {
        if let Some(of) = self.of_run.get(&write.run) {
            return Some(*of);
        }
        let inherits = write.asks.iter().find_map(|asked| match &asked.ask {
            Ask::Inherit { from } => self.of_run.get(from).copied(),
            _ => None,
        });
        let of = inherits.or_else(|| {
            let kept = write.asks.iter().find_map(|asked| match &asked.ask {
                Ask::Keep { n: 0, input } => Some(input),
                _ => None,
            });
            let Input::Start { input, .. } = decode_input(kept?).ok()? else { return None };
            Some((write.tenant, write.facts.flow, flows::shares(write.facts.flow, &input.to_value())))
        })?;
        self.of_run.insert(write.run, of);
        Some(of)
    }
}

#[test]
fn a_line_that_was_full_when_somebody_looked_was_full_though_it_emptied_in_the_same_instant() {
    let then = Duration::from_millis(8_945);
    let mut line = Line { sizes: vec![(Duration::from_millis(8_334), 2)], ..Line::default() };
    let asked = line.sizes.len();
    line.sizes.push((then, 1));
    let told = line.sizes.len();
    assert_eq!(line.most_between(asked, told), 2);
    assert_eq!(line.most_between(told, told), 1, "whoever asks from now on has room");
    assert_eq!(line.most_between(0, 0), 0, "nobody has come yet");
    assert_eq!((line.moment_before(then), line.moment_before(then + Duration::from_millis(1))), (1, 2));
}
