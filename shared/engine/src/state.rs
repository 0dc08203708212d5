//! What a machine remembers: frames (graphs that run), nodes, timers. Plain data, the same in memory and in snapshots.

use crate::{
    EffectId, TimerId,
    arena::{GraphId, NodeId},
    ask::Ask,
    loop_, map, parallel, race, saga, try_,
};
use holon_flow::capability::NodeError;
use holon_model::{Timestamp, Value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A frame's number in its run, in order of opening; 0 is the definition's own graph.
pub(crate) type FrameId = u32;

/// No port was emitted on.
pub(crate) const NO_PORT: u32 = u32::MAX;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunStatus {
    /// Not started.
    Queued,
    /// Something is being done.
    Running,
    /// Nothing is being done until a timer fires or something comes from outside.
    Waiting,
    /// Over, with an output.
    Completed,
    /// Over, with an error.
    Failed,
    /// Over, because somebody asked for it.
    Cancelled,
    /// Over; another run goes on for it.
    Continued,
}

impl RunStatus {
    /// Every transition there is.
    pub(crate) const LEGAL: &'static [(Self, Self)] = &[
        (Self::Queued, Self::Running),
        (Self::Queued, Self::Waiting),
        (Self::Queued, Self::Completed),
        (Self::Queued, Self::Failed),
        (Self::Queued, Self::Continued),
        (Self::Running, Self::Waiting),
        (Self::Running, Self::Completed),
        (Self::Running, Self::Failed),
        (Self::Running, Self::Cancelled),
        (Self::Running, Self::Continued),
        (Self::Waiting, Self::Running),
        (Self::Waiting, Self::Completed),
        (Self::Waiting, Self::Failed),
        (Self::Waiting, Self::Cancelled),
        (Self::Waiting, Self::Continued),
    ];

    /// Whether the run is over.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Continued)
    }

    /// The name that wires carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Continued => "continued",
        }
    }
}

/// Where a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeStatus {
    /// Its in-edges have not settled.
    Pending,
    /// It is about to run; not seen outside.
    Ready,
    /// It does something.
    Running,
    /// It waits for a time, or for something from outside.
    Waiting,
    /// It emitted a value.
    Succeeded,
    /// It could not.
    Failed,
    /// It was not to run.
    Skipped,
    /// It was stopped.
    Cancelled,
}

impl NodeStatus {
    /// Every transition there is (FLOW.md, "Runs").
    pub(crate) const LEGAL: &'static [(Self, Self)] = &[
        (Self::Pending, Self::Ready),
        (Self::Pending, Self::Skipped),
        (Self::Ready, Self::Running),
        (Self::Ready, Self::Skipped),
        (Self::Running, Self::Waiting),
        (Self::Running, Self::Succeeded),
        (Self::Running, Self::Failed),
        (Self::Running, Self::Cancelled),
        (Self::Waiting, Self::Running),
        (Self::Waiting, Self::Succeeded),
        (Self::Waiting, Self::Failed),
        (Self::Waiting, Self::Cancelled),
    ];

    /// Whether it is over for the node.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled)
    }

    /// The name that wires carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending | Self::Ready => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Where a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FrameStatus {
    Running,
    /// A node failed; what runs is being stopped.
    Failing,
    /// It is not wanted any more; what runs is being stopped.
    Cancelling,
    Succeeded,
    Failed,
    Cancelled,
}

/// A graph that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub graph: GraphId,
    /// The scope node it is a body of.
    pub parent: Option<(FrameId, NodeId)>,
    /// Which of that node's bodies.
    pub body: u32,
    /// Which item of a map, or which round of a loop.
    pub index: Option<u32>,
    /// Which attempt of the scope node, from 1.
    pub attempt: u32,
    /// Which try within that attempt, where a body may run again: a saga's compensation. From 1; 0 for all else.
    pub round: u32,
    pub status: FrameStatus,
    /// What its roots receive; in a map the item.
    pub input: Value,
    /// What came out.
    pub output: Value,
    pub error: Option<Box<NodeError>>,
    /// Number of its first node among all nodes of the run.
    pub first: u32,
    /// Nodes that are not over.
    pub open: u32,
}

/// A node in a frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NodeState {
    pub status: NodeStatus,
    /// In-edges that have not settled.
    pub unsettled: u32,
    /// In-edges that were taken.
    pub taken: u32,
    /// The out-port it emitted on, or [`NO_PORT`].
    pub port: u32,
    pub input: Value,
    /// What it emitted.
    pub output: Value,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    /// What only nodes that take time, or fail, need.
    pub extra: Option<Box<Extra>>,
}

/// The rarer half of a node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Extra {
    /// Present attempt, from 1; 0 for what is neither effect nor scope.
    pub attempt: u32,
    /// Evaluated config, frozen for all attempts.
    pub config: Value,
    pub error: Option<NodeError>,
    pub effect: Option<EffectId>,
    /// The timer of a wait, of the pause between two attempts, or of a task that is due.
    pub timer: Option<TimerId>,
    pub timeout: Option<TimerId>,
    pub waiting_until: Option<Timestamp>,
    pub scope: Option<ScopeState>,
    /// Frames of this scope that are not over.
    pub children: Vec<FrameId>,
    /// How the scope, or the node that called another run, ends once they are.
    pub closing: Option<Ending>,
    /// What the node asks the outside for and has not got.
    pub ask: Option<Box<Ask>>,
    /// The steps of a saga, also when it is over.
    pub saga: Option<Box<saga::State>>,
    /// Attempts that do not count any more, since a person asked for the run to go on after them.
    pub spent: u32,
}

/// What a scope remembers of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ScopeState {
    Map(map::State),
    Try(try_::State),
    Parallel(parallel::State),
    Race(race::State),
    Loop(loop_::State),
    /// Its state stands apart, since it is shown after the end.
    Saga,
}

/// How a scope, or a body, ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ending {
    Ok(Value),
    Err(NodeError),
    /// Its time was up: an error after which nothing is tried again.
    Timeout(NodeError),
    Cancelled,
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TimerKind {
    Wait,
    Retry,
    Timeout,
    /// A task is due.
    Due,
    /// The pause before a compensation is tried again.
    Compensate,
    /// The run's deadline; of no node.
    Deadline,
    /// The time for which a batch collects; of no node.
    Collect,
}

/// A timer that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timer {
    pub due: Timestamp,
    pub frame: FrameId,
    pub node: NodeId,
    pub kind: TimerKind,
}

/// All frames and nodes of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Arena {
    pub frames: Vec<Frame>,
    pub nodes: Vec<NodeState>,
}

/// All timers of a run that are set, by id and by time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Timers {
    pub by_id: BTreeMap<TimerId, Timer>,
    pub by_due: BTreeSet<(Timestamp, TimerId)>,
    pub last: u64,
}

impl Arena {
    pub(crate) fn node(&self, frame: FrameId, node: NodeId) -> &NodeState {
        &self.nodes[(self.frames[frame as usize].first + node) as usize]
    }

    pub(crate) fn node_mut(&mut self, frame: FrameId, node: NodeId) -> &mut NodeState {
        &mut self.nodes[(self.frames[frame as usize].first + node) as usize]
    }

    pub(crate) fn frame(&self, frame: FrameId) -> &Frame {
        &self.frames[frame as usize]
    }

    pub(crate) fn frame_mut(&mut self, frame: FrameId) -> &mut Frame {
        &mut self.frames[frame as usize]
    }
}

impl Frame {
    /// A graph's frame that belongs to no scope.
    pub(crate) fn new(graph: GraphId) -> Self {
        Self {
            graph,
            parent: None,
            body: 0,
            index: None,
            attempt: 1,
            round: 0,
            status: FrameStatus::Running,
            input: Value::Null,
            output: Value::Null,
            error: None,
            first: 0,
            open: 0,
        }
    }
}

impl NodeState {
    pub(crate) fn new(unsettled: u32) -> Self {
        Self {
            status: NodeStatus::Pending,
            unsettled,
            taken: 0,
            port: NO_PORT,
            input: Value::Null,
            output: Value::Null,
            started_at: Timestamp(0),
            finished_at: Timestamp(0),
            extra: None,
        }
    }

    pub(crate) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Moves on; an illegal move is a defect of the machine that tests must see and users must not.
    pub(crate) fn become_(&mut self, next: NodeStatus) {
        check("node", NodeStatus::LEGAL, self.status, next);
        self.status = next;
    }
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer) -> TimerId {
        self.last += 1;
        let id = TimerId(self.last);
        self.by_due.insert((timer.due, id));
        self.by_id.insert(id, timer);
        id
    }

    pub(crate) fn remove(&mut self, id: TimerId) -> Option<Timer> {
        let timer = self.by_id.remove(&id)?;
        self.by_due.remove(&(timer.due, id));
        Some(timer)
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.by_due.first().map(|(due, _)| *due)
    }
}

/// Holds a transition against its table.
#[inline]
pub(crate) fn check<T: PartialEq + std::fmt::Debug>(name: &'static str, table: &[(T, T)], from: T, to: T) {
    debug_assert!(table.iter().any(|(a, b)| *a == from && *b == to), "{name}: {from:?} -> {to:?}");
    #[cfg(test)]
    transitions::note(name, &from, &to);
    // Only tests read it.
    let _ = name;
}

#[cfg(test)]
mod transitions {
    //! Which transitions happened on this thread, to show that every one in the tables does.

    use super::{NodeStatus, RunStatus};
    use crate::{
        Machine, compile, drive, graph, saga,
        testing::{catalogue, corpus, generate, start, world::World},
        try_,
    };
    use std::{cell::RefCell, collections::BTreeSet, fmt::Debug};

    thread_local! {
        static SEEN: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }

    fn text(name: &str, from: &dyn Debug, to: &dyn Debug) -> String {
        format!("{name}: {from:?} -> {to:?}")
    }

    pub(super) fn note(name: &str, from: &dyn Debug, to: &dyn Debug) {
        SEEN.with(|seen| seen.borrow_mut().insert(text(name, from, to)));
    }

    fn all<T: Debug>(name: &str, table: &[(T, T)]) -> BTreeSet<String> {
        table.iter().map(|(from, to)| text(name, from, to)).collect()
    }

    #[test]
    fn every_legal_transition_happens_and_no_other() {
        for (_, case) in corpus::CASES {
            corpus::run(case);
        }
        let catalogue = catalogue();
        for seed in 0..300 {
            let flow = compile(&generate::definition(seed), &catalogue).unwrap();
            let mut world = World::new(seed, [start(generate::input(seed), seed)]);
            drive(&mut Machine::new(flow), &mut world, &mut |_, _| {});
        }
        let legal = [
            all("run", RunStatus::LEGAL),
            all("node", NodeStatus::LEGAL),
            all("frame", graph::LEGAL),
            all("try", try_::LEGAL),
            all("saga step", saga::LEGAL),
        ];
        let legal: BTreeSet<String> = legal.into_iter().flatten().collect();
        let seen = SEEN.with(|seen| seen.borrow().clone());
        let differ: Vec<&String> = seen.symmetric_difference(&legal).collect();
        assert!(differ.is_empty(), "never seen, or not in a table: {differ:?}");
    }
}
