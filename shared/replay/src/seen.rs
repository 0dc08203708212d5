//! A run as it was after one of its inputs, and what that input led to.

use crate::facts;
use holon_engine::{Decision, Input, Machine};
use holon_flow::capability::NodeError;
use holon_model::{
    Timestamp, Value,
    canon::hex,
    wire::{
        replay::Fact,
        runs::{NodeFailure, NodeRun},
    },
};

/// Items of a map whose nodes are shown.
pub const ITEMS: u32 = 1_000;

/// A run right after an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When the input was taken.
    pub at: Timestamp,
    /// What kind of input.
    pub kind: &'static str,
    /// The input, for people.
    pub input: Value,
    /// The run's status.
    pub status: &'static str,
    /// What became true with it, the first ones.
    pub became: Vec<Fact>,
    /// What it made the run ask for, the first ones.
    pub asked: Vec<Fact>,
    /// How many facts are left out.
    pub more: u32,
    /// Nodes in order of their opening.
    pub nodes: Vec<NodeRun>,
    /// The run's output, when it has one.
    pub output: Option<Value>,
    /// Why it failed, when it did.
    pub error: Option<NodeFailure>,
    /// The log hash, 64 hexadecimal digits.
    pub log_hash: String,
}

impl Seen {
    /// The run as this machine has it, right after it took the input and decided this.
    pub fn after(machine: &Machine, input: &Input, decision: &Decision) -> Self {
        let (became, asked, more) = facts::of(decision, machine);
        let view = machine.view_of_first(ITEMS);
        Self {
            at: decision.at,
            kind: input.kind(),
            input: input.shown(),
            status: view.status.name(),
            became,
            asked,
            more,
            nodes: view.nodes,
            output: view.output,
            error: view.error.as_ref().map(failure),
            log_hash: hex(&decision.log_hash),
        }
    }
}

/// Why a node failed, as wires carry it.
pub fn failure(error: &NodeError) -> NodeFailure {
    NodeFailure { code: error.code.clone(), message: error.message.clone(), detail: error.detail.clone() }
}
