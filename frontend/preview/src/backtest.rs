//! Recorded runs tried on a draft, one question each.

use crate::replay::{compiled, failure, read};
use holon_engine::{Compiled, Ended, StepDifference, StepEnd, backtest};
use holon_model::Value;
use holon_studio::worker::{Begun, Compared, RecordedRun, RunEnd, StepOutcome, StepPair};
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

struct Backtest {
    draft: Arc<Compiled>,
    versions: BTreeMap<i32, Arc<Compiled>>,
}

thread_local! {
    static BACKTEST: RefCell<(u32, Option<Backtest>)> = const { RefCell::new((0, None)) };
}

/// Begins to try runs on this draft.
pub(crate) fn begin(draft: &Value) -> Result<Begun, String> {
    let draft = compiled(draft)?;
    BACKTEST.with_borrow_mut(|(number, backtest)| {
        *number += 1;
        *backtest = Some(Backtest { draft, versions: BTreeMap::new() });
        Ok(Begun { number: *number })
    })
}

fn with<T>(number: u32, act: impl FnOnce(&mut Backtest) -> Result<T, String>) -> Result<T, String> {
    BACKTEST.with_borrow_mut(|(present, backtest)| match backtest {
        Some(backtest) if *present == number => act(backtest),
        _ => Err("the engine was started anew, or tries another draft".to_owned()),
    })
}

/// Runs of this version come.
pub(crate) fn version(number: u32, version: i32, definition: &Value) -> Result<Begun, String> {
    let flow = compiled(definition)?;
    with(number, |backtest| {
        backtest.versions.insert(version, flow);
        Ok(Begun { number })
    })
}

/// Tries one.
pub(crate) fn compare(number: u32, run: &RecordedRun) -> Result<Compared, String> {
    with(number, |test| {
        let flow = test.versions.get(&run.version);
        let flow = flow.ok_or_else(|| format!("the definition of version {} was not told", run.version))?;
        let inputs = run.journal.iter().map(|row| read(row).map_err(|why| format!("input {}: {why}", row.seq)));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let found = backtest(flow, &inputs, &test.draft);
        Ok(Compared {
            verdict: found.verdict.name().to_owned(),
            was: end(found.was),
            now: end(found.now),
            first: found.first.map(pair),
            missing: found.missing,
            asked_otherwise: found.asked_otherwise,
            not_asked: found.not_asked,
        })
    })
}

fn end(ended: Ended) -> RunEnd {
    let error = ended.error.as_ref().map(failure);
    RunEnd { status: ended.status.name().to_owned(), output: ended.output, error }
}

fn pair(found: StepDifference) -> StepPair {
    StepPair { path: found.path, was: found.was.map(step), now: found.now.map(step) }
}

fn step(end: StepEnd) -> StepOutcome {
    let port = end.port.filter(|port| **port != *"out").map(|port| port.to_string());
    StepOutcome {
        status: end.status.to_owned(),
        port: port.unwrap_or_default(),
        output: end.output,
        error: end.error.as_ref().map(failure),
    }
}
