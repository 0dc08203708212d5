//! The replay that a page goes through: rows as they come, and the moments that it shows.

use crate::timing::Timer;
use holon_engine::Compiled;
use holon_model::{
    Value,
    wire::runs::{JournalRow, NodeRun},
};
use holon_replay::{Recorded, Replay, Seen};
use holon_studio::worker::{Begun, Fed, Moment, Step, Told};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The replay, and what the page has of it: a moment and its nodes.
struct Shown {
    replay: Replay,
    told: Option<(u32, Vec<NodeRun>)>,
}

thread_local! {
    static REPLAY: RefCell<(u32, Option<Shown>)> = const { RefCell::new((0, None)) };
}

/// Begins to replay runs of this definition.
pub(crate) fn begin(definition: &Value) -> Result<Begun, String> {
    let flow = compiled(definition)?;
    REPLAY.with_borrow_mut(|(number, shown)| {
        *number += 1;
        *shown = Some(Shown { replay: Replay::new(flow), told: None });
        Ok(Begun { number: *number })
    })
}

/// A definition, compiled as far as it can run.
pub(crate) fn compiled(definition: &Value) -> Result<Arc<Compiled>, String> {
    holon_replay::compiled(definition, &holon_catalogue::catalogue()).map(|(flow, _)| flow)
}

fn with<T>(number: u32, act: impl FnOnce(&mut Shown) -> Result<T, String>) -> Result<T, String> {
    REPLAY.with_borrow_mut(|(present, shown)| match shown {
        Some(shown) if *present == number => act(shown),
        _ => Err("the engine was started anew, or replays another run".to_owned()),
    })
}

/// Takes the next rows.
pub(crate) fn feed(number: u32, rows: &[JournalRow]) -> Result<Fed, String> {
    with(number, |Shown { replay, .. }| {
        let steps = rows.iter().map_while(|row| {
            let taken = replay.take(Recorded::from(row))?;
            let (at, status) = (taken.decision.at, taken.decision.status.name().to_owned());
            Some(Step { at, kind: row.kind.clone(), path: taken.path, status })
        });
        let steps = steps.collect();
        Ok(Fed { steps, difference: replay.difference().cloned(), over: replay.is_over() })
    })
}

/// The run as it was after an input.
pub(crate) fn seek(number: u32, at: u32, shown: Option<u32>) -> Result<Moment, String> {
    with(number, |here| {
        let timer = Timer::start();
        let Seen { input, status, became, asked, more, nodes, output, error, log_hash, .. } = here.replay.moment(at)?;
        let (since, changed, gone) = changes(here.told.take(), &nodes, shown);
        here.told = Some((at, nodes));
        let (status, micros) = (status.to_owned(), timer.micros());
        Ok(Moment {
            at,
            since,
            nodes: changed,
            gone,
            status,
            input,
            became,
            asked,
            more,
            output,
            error,
            log_hash,
            micros,
        })
    })
}

/// What a node had been told to do by then.
pub(crate) fn told(number: u32, at: u32, path: &str) -> Result<Told, String> {
    with(number, |shown| Ok(Told { config: shown.replay.config(at, path) }))
}

/// What differs from what the page has.
fn changes(
    told: Option<(u32, Vec<NodeRun>)>,
    nodes: &[NodeRun],
    shown: Option<u32>,
) -> (Option<u32>, Vec<NodeRun>, Vec<String>) {
    let Some((moment, before)) = told.filter(|(moment, _)| Some(*moment) == shown) else {
        return (None, nodes.to_vec(), Vec::new());
    };
    let known: BTreeMap<&str, &NodeRun> = before.iter().map(|node| (node.path.as_str(), node)).collect();
    let here: BTreeSet<&str> = nodes.iter().map(|node| node.path.as_str()).collect();
    let changed = nodes.iter().filter(|node| known.get(node.path.as_str()) != Some(node)).cloned().collect();
    let gone = known.into_keys().filter(|path| !here.contains(path)).map(str::to_owned).collect();
    (Some(moment), changed, gone)
}
