//! A journal held against its hashes, row by row. Nothing of the rows is kept, so a journal of any length is verified in the
//! memory that its machine takes.

use crate::{Recorded, facts};
use holon_engine::{Compiled, Decision, Input, Machine, Stamped};
use holon_model::{
    canon::hex,
    wire::replay::{Difference, Parting},
};
use std::sync::Arc;

/// Holds a journal against its hashes.
#[derive(Debug, Clone)]
pub struct Verifier {
    machine: Machine,
    next: i64,
    difference: Option<Difference>,
    over: bool,
}

/// What became of a row that was taken.
pub struct Taken {
    /// The input.
    pub input: Stamped<Input>,
    /// The node that it is about: structural path.
    pub path: Option<String>,
    /// What the machine decided.
    pub decision: Decision,
}

impl Taken {
    /// Paths of the nodes that began with it.
    pub fn started(&self) -> impl Iterator<Item = String> {
        facts::started(&self.decision.events)
    }
}

impl Verifier {
    /// Before the first row.
    pub fn new(flow: Arc<Compiled>) -> Self {
        Self { machine: Machine::new(flow), next: 0, difference: None, over: false }
    }

    /// Takes the next row; nothing when the engine cannot go on from the first difference.
    pub fn take(&mut self, row: Recorded) -> Option<Taken> {
        if self.over {
            return None;
        }
        let Recorded { seq, input, log_hash } = row;
        if seq != self.next {
            return self.part(self.next, Parting::Missing, String::new(), String::new());
        }
        let input = match input {
            Ok(input) => input,
            Err(why) => return self.part(seq, Parting::Unreadable, log_hash, why),
        };
        if let Err(refusal) = self.machine.check(&input.value) {
            return self.part(seq, Parting::Refused, log_hash, refusal.message);
        }
        let about = self.machine.about(&input.value);
        let decision = self.machine.handle(input.clone());
        self.next += 1;
        let computed = hex(&decision.log_hash);
        if computed != log_hash && self.difference.is_none() {
            let (recorded, why) = (log_hash, String::new());
            self.difference = Some(Difference { seq, what: Parting::Hash, recorded, computed, why });
        }
        let path = about.or_else(|| decision.events.iter().find_map(|event| Some(event.node.as_ref()?.path())));
        Some(Taken { input, path, decision })
    }

    /// The record and the engine part for good.
    fn part(&mut self, seq: i64, what: Parting, recorded: String, why: String) -> Option<Taken> {
        self.over = true;
        self.difference.get_or_insert(Difference { seq, what, recorded, computed: String::new(), why });
        None
    }

    /// The machine after the rows that were taken.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// How many rows were taken.
    pub fn taken(&self) -> i64 {
        self.next
    }

    /// The first difference so far.
    pub fn difference(&self) -> Option<&Difference> {
        self.difference.as_ref()
    }

    /// Whether no more rows are taken.
    pub fn is_over(&self) -> bool {
        self.over
    }
}
