//! A recorded run, replayed: each hash held against the record, and the run as it was after any of its inputs.
//!
//! Of a long run the machine is remembered at some of its inputs, evenly: going back replays from the nearest one. How many are
//! remembered is bounded by their number and by the nodes in them, so a run of any length is walked in bounded memory.

use crate::{facts, hex, timing::Timer};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use holon_engine::{Compiled, Input, Machine, Stamped, compile_draft, decode_input};
use holon_flow::Definition;
use holon_model::{
    Value,
    wire::runs::{JournalRow, NodeFailure, NodeRun},
};
use holon_studio::worker::{Begun, Difference, Fed, Moment, Parting, Step, Told};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Items of a map whose nodes are shown, as many as the server shows.
const ITEMS: u32 = 1_000;
/// Machines that are remembered at most.
const MOST: usize = 64;
/// Nodes in them at most.
const MOST_NODES: usize = 400_000;

thread_local! {
    static REPLAY: RefCell<(u32, Option<Replay>)> = const { RefCell::new((0, None)) };
}

/// Machines after some of the inputs: after none, `every`, twice `every` …
struct Remembered {
    every: usize,
    machines: Vec<Machine>,
    nodes: usize,
}

impl Remembered {
    fn new(start: Machine) -> Self {
        Self { every: 8, machines: vec![start], nodes: 0 }
    }

    /// The machine after `count` inputs is this one.
    fn note(&mut self, count: usize, machine: &Machine) {
        if count != self.every * self.machines.len() {
            return;
        }
        self.nodes += machine.node_count();
        self.machines.push(machine.clone());
        while self.machines.len() > MOST || (self.nodes > MOST_NODES && self.machines.len() > 4) {
            let mut at = 0;
            self.machines.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.every *= 2;
            self.nodes = self.machines.iter().map(Machine::node_count).sum();
        }
    }

    /// The last one at or before `count` inputs, and after how many it is.
    fn before(&self, count: usize) -> (usize, &Machine) {
        let at = (count / self.every).min(self.machines.len().saturating_sub(1));
        (at * self.every, &self.machines[at])
    }
}

struct Replay {
    inputs: Vec<Stamped<Input>>,
    /// After all of them.
    end: Machine,
    remembered: Remembered,
    /// The one that was looked at last, and after how many inputs it is.
    here: (usize, Machine),
    /// Inputs with which a node of this path started.
    starts: BTreeMap<String, Vec<u32>>,
    /// What the page has: the moment and its nodes.
    told: Option<(u32, Vec<NodeRun>)>,
    difference: Option<Difference>,
    /// The engine cannot go on from the difference.
    over: bool,
}

/// Begins to replay runs of this definition.
pub(crate) fn begin(definition: &Value) -> Result<Begun, String> {
    let flow = compiled(definition)?;
    REPLAY.with_borrow_mut(|(number, replay)| {
        *number += 1;
        *replay = Some(Replay::new(flow));
        Ok(Begun { number: *number })
    })
}

/// A definition, compiled as far as it can run.
pub(crate) fn compiled(definition: &Value) -> Result<Arc<Compiled>, String> {
    let definition = Definition::from_value(definition).map_err(|_| "the definition cannot be read".to_owned())?;
    Ok(compile_draft(&definition, &holon_catalogue::catalogue()).0)
}

/// The input of a row.
pub(crate) fn read(row: &JournalRow) -> Result<Stamped<Input>, String> {
    let bytes = STANDARD.decode(&row.input).map_err(|error| error.to_string())?;
    let input = decode_input(&bytes).map_err(|error| error.to_string())?;
    Ok(Stamped::new(row.at, input))
}

fn with<T>(number: u32, act: impl FnOnce(&mut Replay) -> Result<T, String>) -> Result<T, String> {
    REPLAY.with_borrow_mut(|(present, replay)| match replay {
        Some(replay) if *present == number => act(replay),
        _ => Err("the engine was started anew, or replays another run".to_owned()),
    })
}

/// Takes the next rows.
pub(crate) fn feed(number: u32, rows: &[JournalRow]) -> Result<Fed, String> {
    with(number, |replay| {
        let steps = rows.iter().map_while(|row| replay.take(row)).collect();
        Ok(Fed { steps, difference: replay.difference.clone(), over: replay.over })
    })
}

/// The run as it was after an input.
pub(crate) fn seek(number: u32, at: u32, shown: Option<u32>) -> Result<Moment, String> {
    with(number, |replay| replay.moment(at, shown))
}

/// What a node had been told to do by then.
pub(crate) fn told(number: u32, at: u32, path: &str) -> Result<Told, String> {
    with(number, |replay| Ok(Told { config: replay.config(at, path) }))
}

impl Replay {
    fn new(flow: Arc<Compiled>) -> Self {
        let start = Machine::new(flow);
        Self {
            inputs: Vec::new(),
            end: start.clone(),
            remembered: Remembered::new(start.clone()),
            here: (0, start),
            starts: BTreeMap::new(),
            told: None,
            difference: None,
            over: false,
        }
    }

    /// Takes a row; nothing when the replay is over.
    fn take(&mut self, row: &JournalRow) -> Option<Step> {
        if self.over {
            return None;
        }
        let expected = i64::try_from(self.inputs.len()).unwrap_or(i64::MAX);
        if row.seq != expected {
            return self.part(expected, Parting::Missing, row, String::new());
        }
        let input = match read(row) {
            Ok(input) => input,
            Err(why) => return self.part(row.seq, Parting::Unreadable, row, why),
        };
        if let Err(refusal) = self.end.check(&input.value) {
            return self.part(row.seq, Parting::Refused, row, refusal.message);
        }
        let about = self.end.about(&input.value);
        let decision = self.end.handle(input.clone());
        let number = u32::try_from(row.seq).unwrap_or(u32::MAX);
        for path in facts::started(&decision.events) {
            self.starts.entry(path).or_default().push(number);
        }
        self.inputs.push(input);
        self.remembered.note(self.inputs.len(), &self.end);
        let computed = hex(&decision.log_hash);
        if computed != row.log_hash && self.difference.is_none() {
            let recorded = row.log_hash.clone();
            let (seq, why) = (row.seq, String::new());
            self.difference = Some(Difference { seq, what: Parting::Hash, recorded, computed, why });
        }
        let path = about.or_else(|| decision.events.iter().find_map(|event| Some(event.node.as_ref()?.path())));
        Some(Step { at: decision.at, kind: row.kind.clone(), path, status: decision.status.name().to_owned() })
    }

    /// The record and the engine part for good.
    fn part(&mut self, seq: i64, what: Parting, row: &JournalRow, why: String) -> Option<Step> {
        self.over = true;
        let recorded = if what == Parting::Missing { String::new() } else { row.log_hash.clone() };
        self.difference.get_or_insert(Difference { seq, what, recorded, computed: String::new(), why });
        None
    }

    /// The machine after so many inputs.
    fn after(&self, count: usize) -> Machine {
        let (mut done, mut from) = self.remembered.before(count);
        if self.here.0 <= count && self.here.0 > done {
            (done, from) = (self.here.0, &self.here.1);
        }
        let mut machine = from.clone();
        for input in &self.inputs[done..count] {
            machine.handle(input.clone());
        }
        machine
    }

    fn moment(&mut self, at: u32, shown: Option<u32>) -> Result<Moment, String> {
        let timer = Timer::start();
        let index = at as usize;
        let input = self.inputs.get(index).cloned().ok_or_else(|| format!("there is no input {at}"))?;
        let mut machine = self.after(index);
        let about = input.value.shown();
        let decision = machine.handle(input);
        let (became, asked, more) = facts::of(&decision, &machine);
        let view = machine.view_of_first(ITEMS);
        let (since, nodes, gone) = self.changes(&view.nodes, shown);
        self.told = Some((at, view.nodes));
        self.here = (index + 1, machine);
        Ok(Moment {
            at,
            since,
            nodes,
            gone,
            status: view.status.name().to_owned(),
            input: about,
            became,
            asked,
            more,
            output: view.output,
            error: view.error.map(|error| failure(&error)),
            log_hash: hex(&decision.log_hash),
            micros: timer.micros(),
        })
    }

    /// What differs from what the page has.
    fn changes(&self, nodes: &[NodeRun], shown: Option<u32>) -> (Option<u32>, Vec<NodeRun>, Vec<String>) {
        let Some((moment, before)) = self.told.as_ref().filter(|(moment, _)| Some(*moment) == shown) else {
            return (None, nodes.to_vec(), Vec::new());
        };
        let known: BTreeMap<&str, &NodeRun> = before.iter().map(|node| (node.path.as_str(), node)).collect();
        let here: BTreeSet<&str> = nodes.iter().map(|node| node.path.as_str()).collect();
        let changed = nodes.iter().filter(|node| known.get(node.path.as_str()) != Some(node)).cloned().collect();
        let gone = known.into_keys().filter(|path| !here.contains(path)).map(str::to_owned).collect();
        (Some(*moment), changed, gone)
    }

    /// As it was when the node started: what other nodes gave since was not there for it.
    fn config(&self, at: u32, path: &str) -> Option<Value> {
        let starts = self.starts.get(path)?;
        let start = starts.iter().rev().find(|start| **start <= at)?;
        self.after(*start as usize + 1).config_at(path)
    }
}

pub(crate) fn failure(error: &holon_flow::capability::NodeError) -> NodeFailure {
    NodeFailure { code: error.code.clone(), message: error.message.clone(), detail: error.detail.clone() }
}
