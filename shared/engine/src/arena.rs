//! A compiled flow: graphs in an arena, nodes in topological order, ports and edges as indices.

use crate::config::Config;
use holon_flow::{
    NodeKind,
    capability::{Behaviour, EffectClass},
    definition::{Join, Key, KindRef, Policies},
    redact::Redaction,
};
use holon_model::{Millis, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A graph's number in its flow; 0 is the definition's own.
pub(crate) type GraphId = u32;
/// A node's number in its graph, in topological order.
pub(crate) type NodeId = u32;

/// A flow ready to run. Shared by all its runs.
#[derive(Debug)]
pub struct Compiled {
    pub(crate) hash: [u8; 32],
    pub(crate) graphs: Vec<CGraph>,
    pub(crate) samples: BTreeMap<String, Value>,
    /// The longest a run may take.
    pub(crate) deadline: Option<Millis>,
    /// Names of the signals that its nodes wait for.
    pub(crate) signals: BTreeSet<Arc<str>>,
    pub(crate) needs: Needs,
    pub(crate) redaction: Redaction,
    /// Whether any node says what of what it is given is not to be kept.
    pub(crate) redacts_given: bool,
}

/// What a flow needs of its host besides effects and timers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Signals: [`crate::Command::AwaitSignal`].
    pub signals: bool,
    /// Tasks for people: [`crate::Command::OpenTask`].
    pub tasks: bool,
    /// Other runs: [`crate::Command::StartChild`].
    pub children: bool,
    /// Runs that go on for others: [`crate::Outcome::Continued`].
    pub continuing: bool,
    /// Workers: effects that are handed out, see [`crate::RunEffect::handed_out`].
    pub workers: bool,
}

impl Needs {
    /// Everything that flows can need.
    pub const ALL: Self = Self { signals: true, tasks: true, children: true, continuing: true, workers: true };

    /// What of it a host lacks that has only this, for people.
    pub fn lacking(&self, has: &Self) -> Option<&'static str> {
        [
            (self.signals && !has.signals, "signals"),
            (self.tasks && !has.tasks, "tasks for people"),
            (self.children && !has.children, "calling other flows"),
            (self.continuing && !has.continuing, "going on in a new run"),
            (self.workers && !has.workers, "tasks for workers"),
        ]
        .into_iter()
        .find_map(|(lacks, what)| lacks.then_some(what))
    }
}

/// One graph.
#[derive(Debug)]
pub(crate) struct CGraph {
    pub nodes: Vec<CNode>,
    /// Node numbers by key, sorted by key.
    pub by_key: Vec<(Key, NodeId)>,
    /// Nodes that nothing leads to.
    pub roots: Vec<NodeId>,
    /// Nodes that lead nowhere (but for their `error` port): their values are the output.
    pub sinks: Vec<NodeId>,
    /// Whether one of the nodes is a trigger.
    pub has_trigger: bool,
    pub result: Option<Config>,
    /// Path without indices that nodes' keys are appended to.
    pub prefix: String,
}

/// One node.
#[derive(Debug)]
pub(crate) struct CNode {
    pub key: Key,
    pub kind: Arc<NodeKind>,
    pub kind_ref: KindRef,
    pub behaviour: BehaviourKind,
    pub class: EffectClass,
    /// Whether a person is asked where nobody knows if its effect was done.
    pub asks: bool,
    /// What it computes goes by this number where somebody remembers it, see [`crate::remember`].
    pub number: u64,
    pub config: Config,
    pub join: Join,
    pub policies: Policies,
    /// Of a node that waits for a signal its name, where that is no expression.
    pub signal: Option<String>,
    /// What of what it is given from outside is replaced.
    pub redaction: Redaction,
    /// What the node gives when its time is up, instead of failing.
    pub fallback: Option<Config>,
    pub disabled: bool,
    /// Bodies in order of their names.
    pub bodies: Vec<(Key, GraphId)>,
    /// Edges that lead here, sorted by the source's key.
    pub ins: Vec<CEdge>,
    /// Edges that lead away: (port, target), by port.
    pub outs: Vec<(u32, NodeId)>,
    /// Out-ports in order, `error` last where there is one.
    pub ports: Arc<[Arc<str>]>,
    /// Number of the port that a value goes to when none is named: `out`, else the first.
    pub out_port: u32,
    /// Number of the `error` port.
    pub error_port: Option<u32>,
    /// Whether an edge leaves the `error` port.
    pub handles_error: bool,
    /// One bit a node of the graph: whether it is an ancestor.
    pub ancestors: Vec<u64>,
}

/// An edge as its target sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CEdge {
    pub from: NodeId,
    /// Number of the source's out-port.
    pub port: u32,
    /// Number of the target's in-port; where an edge arrives does not change what it means.
    pub in_port: u32,
}

/// [`Behaviour`] in the form the hot path reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BehaviourKind {
    Trigger,
    Pure(holon_flow::capability::PureFn),
    Effect,
    Primitive(holon_flow::capability::Primitive),
}

impl From<&Behaviour> for BehaviourKind {
    fn from(behaviour: &Behaviour) -> Self {
        match behaviour {
            Behaviour::Trigger => Self::Trigger,
            Behaviour::Pure(pure) => Self::Pure(*pure),
            Behaviour::Effect => Self::Effect,
            Behaviour::Primitive(primitive) => Self::Primitive(*primitive),
        }
    }
}

impl Compiled {
    /// The definition's hash.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// What a run is started with, without what the flow's input schema marks to be replaced: hosts give a machine nothing else,
    /// and write nothing else down.
    pub fn redacted(&self, input: Value) -> Value {
        self.redaction.apply(input)
    }

    /// Whether anything of an input may be replaced.
    pub fn redacts(&self) -> bool {
        !self.redaction.is_empty()
    }

    /// What it needs of its host.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// How many nodes it has, those in bodies included.
    pub fn node_count(&self) -> u32 {
        self.graphs.iter().map(|graph| len(&graph.nodes)).sum()
    }
}

impl CGraph {
    pub(crate) fn find(&self, key: &str) -> Option<NodeId> {
        let at = self.by_key.binary_search_by(|(own, _)| (**own).cmp(key)).ok()?;
        Some(self.by_key[at].1)
    }
}

impl CNode {
    pub(crate) fn port(&self, name: &str) -> Option<u32> {
        self.ports.iter().position(|port| **port == *name).map(index)
    }

    pub(crate) fn body(&self, name: &str) -> Option<u32> {
        self.bodies.iter().position(|(body, _)| **body == *name).map(index)
    }

    /// Whether its body is run apart, for items of several runs.
    pub(crate) fn is_batch(&self) -> bool {
        matches!(self.behaviour, BehaviourKind::Primitive(holon_flow::capability::Primitive::Batch))
    }

    pub(crate) fn has_ancestor(&self, node: NodeId) -> bool {
        self.ancestors.get(node as usize / 64).is_some_and(|word| word >> (node % 64) & 1 == 1)
    }
}

/// An index as it is stored: 32 bits on every platform. Definitions are limited far below.
pub(crate) fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The length of a list as it is stored.
pub(crate) fn len<T>(list: &[T]) -> u32 {
    index(list.len())
}
