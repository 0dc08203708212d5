//! A recorded run that is walked to and fro.
//!
//! Of a long run the machine is remembered at some of its inputs, evenly: going back replays from the nearest one. How many are
//! remembered is bounded by their number and by the nodes in them, so a run of any length is walked in bounded memory.

use crate::{Recorded, Seen, Taken, Verifier};
use holon_engine::{Compiled, Input, Machine, Stamped};
use holon_model::{Value, wire::replay::Difference};
use std::{collections::BTreeMap, sync::Arc};

/// Machines that are remembered at most.
const MOST: usize = 64;
/// Nodes in them at most.
const MOST_NODES: usize = 400_000;

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

/// A run that is walked.
pub struct Replay {
    inputs: Vec<Stamped<Input>>,
    verifier: Verifier,
    remembered: Remembered,
    /// The one that was looked at last, and after how many inputs it is.
    here: (usize, Machine),
    /// Inputs with which a node of this path started.
    starts: BTreeMap<String, Vec<u32>>,
}

impl Replay {
    /// Of a run of this definition, before its first input.
    pub fn new(flow: Arc<Compiled>) -> Self {
        let verifier = Verifier::new(flow);
        let start = verifier.machine().clone();
        Self {
            inputs: Vec::new(),
            verifier,
            remembered: Remembered::new(start.clone()),
            here: (0, start),
            starts: BTreeMap::new(),
        }
    }

    /// Takes the next row; nothing when the replay is over.
    pub fn take(&mut self, row: Recorded) -> Option<Taken> {
        let number = u32::try_from(row.seq).unwrap_or(u32::MAX);
        let taken = self.verifier.take(row)?;
        for path in taken.started() {
            self.starts.entry(path).or_default().push(number);
        }
        self.inputs.push(taken.input.clone());
        self.remembered.note(self.inputs.len(), self.verifier.machine());
        Some(taken)
    }

    /// The first difference so far.
    pub fn difference(&self) -> Option<&Difference> {
        self.verifier.difference()
    }

    /// Whether no more rows are taken.
    pub fn is_over(&self) -> bool {
        self.verifier.is_over()
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

    /// The run as it was after an input.
    ///
    /// # Errors
    /// When there is no such input.
    pub fn moment(&mut self, at: u32) -> Result<Seen, String> {
        let index = at as usize;
        let input = self.inputs.get(index).cloned().ok_or_else(|| format!("there is no input {at}"))?;
        let mut machine = self.after(index);
        let decision = machine.handle(input.clone());
        let seen = Seen::after(&machine, &input.value, &decision);
        self.here = (index + 1, machine);
        Ok(seen)
    }

    /// What a node had been told to do by then: as it was when the node started, since what other nodes gave later was not there
    /// for it.
    pub fn config(&self, at: u32, path: &str) -> Option<Value> {
        let starts = self.starts.get(path)?;
        let start = starts.iter().rev().find(|start| **start <= at)?;
        self.after(*start as usize + 1).config_at(path)
    }
}
