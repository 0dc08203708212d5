//! Recorded runs tried on a draft, one question each.

use crate::replay::compiled;
use holon_engine::Compiled;
use holon_model::Value;
use holon_replay::{Recorded, compared};
use holon_studio::worker::{Begun, Compared, RecordedRun};
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
        let read = |row| {
            let Recorded { seq, input, .. } = Recorded::from(row);
            input.map_err(|why| format!("input {seq}: {why}"))
        };
        let inputs = run.journal.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(compared(flow, &inputs, &test.draft))
    })
}
