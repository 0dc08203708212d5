//! A back-test as it goes: which runs, what was found, how far.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use holon_model::wire::flows::Severity;
use holon_model::wire::runs::{JournalRow, RunSummary, is_over};
use holon_model::{FlowId, RunId, Value};
use holon_studio::worker::{Ask, Begun, CheckReply, Compared, RecordedRun};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::engine::ask;
use crate::ports::{Ports, use_ports};
use crate::runs::api::RunsQuery;
use crate::ui::time;

/// Journals that are fetched at the same time.
const AT_ONCE: usize = 6;
/// Runs on a page of the list.
const PAGE: u16 = 200;

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Not begun.
    Ready,
    /// Runs are looked for.
    Listing,
    /// Runs are tried.
    Running,
    /// Somebody stopped it.
    Stopped,
    /// All were tried, in so many milliseconds.
    Done(u64),
    /// It could not be done.
    Failed(String),
}

/// One run that was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The run.
    pub run: RunSummary,
    /// What was found, or why it could not be tried.
    pub found: Result<Compared, String>,
}

impl Tried {
    /// `different | open | steps | same | failed`
    pub fn verdict(&self) -> &str {
        self.found.as_ref().map_or("failed", |found| found.verdict.as_str())
    }
}

/// A back-test.
#[derive(Clone, Copy)]
pub struct Backtest {
    flow: FlowId,
    /// The run that somebody came from: it is among those that are tried, whatever its age.
    pub with: Option<RunId>,
    draft: StoredValue<Value>,
    ports: StoredValue<Ports>,
    /// How far it is.
    pub phase: RwSignal<Phase>,
    /// Runs that are to be tried.
    pub total: RwSignal<usize>,
    /// Those that were, as they came.
    pub tried: RwSignal<Vec<Tried>>,
    /// Mistakes in the draft.
    pub mistakes: RwSignal<usize>,
    /// Which one it is: an older one that is still on its way changes nothing.
    turn: StoredValue<u32>,
}

impl Backtest {
    /// Of this flow's draft.
    pub fn new(flow: FlowId, draft: Value, with: Option<RunId>) -> Self {
        Self {
            flow,
            with,
            draft: StoredValue::new(draft),
            ports: StoredValue::new(use_ports()),
            phase: RwSignal::new(Phase::Ready),
            total: RwSignal::new(0),
            tried: RwSignal::new(Vec::new()),
            mistakes: RwSignal::new(0),
            turn: StoredValue::new(0),
        }
    }

    /// Tries the last `most` finished runs.
    pub fn start(self, most: usize) {
        let turn = self.turn.get_value().wrapping_add(1);
        self.turn.set_value(turn);
        self.phase.set(Phase::Listing);
        self.total.set(0);
        self.tried.set(Vec::new());
        spawn_local(async move {
            let end = self.go(turn, most).await;
            if let (true, Err(why)) = (self.is(turn), end) {
                self.phase.try_set(Phase::Failed(why));
            }
        });
    }

    /// Stops; what was found stays.
    pub fn stop(self) {
        self.turn.update_value(|turn| *turn = turn.wrapping_add(1));
        self.phase.set(Phase::Stopped);
    }

    fn is(self, turn: u32) -> bool {
        self.turn.try_get_value() == Some(turn)
    }

    async fn go(self, turn: u32, most: usize) -> Result<(), String> {
        let (Some(ports), Some(draft)) = (self.ports.try_get_value(), self.draft.try_get_value()) else {
            return Ok(());
        };
        let checked: CheckReply = tell(ask(Ask::Check { definition: draft.clone() }).await)?;
        let errors = checked.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
        self.mistakes.try_set(errors);
        let Begun { number } = tell(ask(Ask::Backtest { draft }).await)?;
        let runs = self.finished(turn, &ports, most).await?;
        let versions: BTreeSet<i32> = runs.iter().map(|run| run.version).collect();
        for version in versions {
            let found = ports.flows.version(self.flow, version).await.map_err(|problem| problem.detail)?;
            let told = Ask::Version { backtest: number, version, definition: found.definition };
            let _: Begun = tell(ask(told).await)?;
        }
        if !self.is(turn) {
            return Ok(());
        }
        self.total.try_set(runs.len());
        self.phase.try_set(Phase::Running);
        let begun = time::browser_now();
        let (runs, next, open) = (Rc::new(runs), Rc::new(Cell::new(0)), Rc::new(Cell::new(AT_ONCE)));
        for _ in 0..AT_ONCE {
            let (ports, runs, next, open) = (ports.clone(), runs.clone(), next.clone(), open.clone());
            spawn_local(async move {
                while self.is(turn)
                    && let Some(run) = runs.get(next.replace(next.get() + 1))
                {
                    let found = try_one(&ports, number, run).await;
                    if self.is(turn) {
                        self.tried.try_update(|tried| tried.push(Tried { run: run.clone(), found }));
                    }
                }
                open.set(open.get() - 1);
                if open.get() == 0 && self.is(turn) {
                    self.phase.try_set(Phase::Done(time::browser_now().since(begun).0));
                }
            });
        }
        Ok(())
    }

    /// The run that somebody came from, then the newest runs that ended by themselves or were cancelled. One that was terminated
    /// has no end to compare.
    async fn finished(self, turn: u32, ports: &Ports, most: usize) -> Result<Vec<RunSummary>, String> {
        let mut found = Vec::new();
        if let Some(with) = self.with {
            let run = ports.runs.get(with).await.map_err(|problem| problem.detail)?.summary;
            found.extend(Some(run).filter(|run| run.flow == self.flow && comparable(&run.status)));
        }
        let mut cursor = None;
        while found.len() < most && self.is(turn) {
            let query = RunsQuery { flow: Some(self.flow), cursor, limit: Some(PAGE), ..RunsQuery::default() };
            let page = ports.runs.list(query).await.map_err(|problem| problem.detail)?;
            found.extend(page.data.into_iter().filter(|run| comparable(&run.status) && Some(run.id) != self.with));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }
}

/// Whether a run in this status has an end of its own, which a draft's could be held against.
pub fn comparable(status: &str) -> bool {
    is_over(status) && status != "terminated"
}

async fn try_one(ports: &Ports, backtest: u32, run: &RunSummary) -> Result<Compared, String> {
    let mut journal = Vec::new();
    let mut cursor = None;
    loop {
        let page = ports.runs.journal(run.id, cursor).await.map_err(|problem| problem.detail)?;
        // What people read of an input is not needed to try it.
        journal.extend(page.data.into_iter().map(|row| JournalRow { shown: Value::Null, ..row }));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    tell(ask(Ask::Compare { backtest, run: RecordedRun { version: run.version, journal } }).await)
}

fn tell<T>(answer: Result<T, crate::engine::EngineError>) -> Result<T, String> {
    answer.map_err(|error| error.to_string())
}
