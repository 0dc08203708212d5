//! What a page and the preview worker say to each other, as JSON: requests `{id, op, …}`, answers `{id, ok}` or `{id, error}`.

use crate::{GraphPath, KindInfo};
use holon_model::{
    Value,
    wire::{
        flows::Diagnostic,
        runs::{JournalRow, NodeRun},
    },
};
use serde::{Deserialize, Serialize};

pub use crate::replay::*;

/// A request with its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Number that the answer repeats.
    pub id: u32,
    /// What is asked.
    pub ask: Ask,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The node kinds: [`KindsReply`].
    Kinds,
    /// Validation and hash: [`CheckReply`].
    Check {
        /// The definition.
        definition: Value,
    },
    /// A run on samples: [`PreviewReply`].
    Preview {
        /// The definition.
        definition: Value,
        /// The trigger that starts it; absent: the first one.
        #[serde(default)]
        trigger: Option<String>,
    },
    /// Begins to replay a run: [`Begun`]. The replay before it is forgotten.
    Replay {
        /// The definition that ran.
        definition: Value,
    },
    /// The next rows of its journal: [`Fed`].
    Feed {
        /// The replay's number.
        replay: u32,
        /// The rows, from the first that it has not got.
        rows: Vec<JournalRow>,
    },
    /// The run as it was after one of the inputs: [`Moment`].
    Seek {
        /// The replay's number.
        replay: u32,
        /// Number of the input.
        at: u32,
        /// The moment that the page shows, so that only what changed is told.
        #[serde(default)]
        shown: Option<u32>,
    },
    /// What a node had been told to do at a moment: [`Told`].
    Told {
        /// The replay's number.
        replay: u32,
        /// Number of the input.
        at: u32,
        /// The node's structural path.
        path: String,
    },
    /// Begins a back-test of a draft: [`Begun`]. The one before it is forgotten.
    Backtest {
        /// The draft.
        draft: Value,
    },
    /// The definition of a version that recorded runs ran on; answered with [`Begun`].
    Version {
        /// The back-test's number.
        backtest: u32,
        /// The version's number.
        version: i32,
        /// Its definition.
        definition: Value,
    },
    /// How a recorded run would end on the draft: [`Compared`].
    Compare {
        /// The back-test's number.
        backtest: u32,
        /// The run.
        run: RecordedRun,
    },
    /// What an expression could go on with: [`CompleteReply`].
    Complete {
        /// Where: the graph.
        at: GraphPath,
        /// Which iteration of each scope on the way.
        iterations: Vec<u32>,
        /// Where: the node.
        key: String,
        /// Whether `item` and `index` of a per-item field are in scope.
        each: bool,
        /// The text so far.
        source: String,
        /// Where the cursor is, in characters.
        cursor: u32,
        /// Whether the source is text with `{{ }}` rather than an expression.
        text: bool,
    },
    /// The value of an expression on the data of the last preview: [`EvalReply`].
    Eval {
        /// Where: the graph.
        at: GraphPath,
        /// Which iteration of each scope on the way.
        iterations: Vec<u32>,
        /// Where: the node; empty: the graph's result.
        key: String,
        /// Whether `item` and `index` of a per-item field are in scope.
        each: bool,
        /// The expression.
        source: String,
        /// Whether the source is text with `{{ }}`.
        text: bool,
    },
    /// Config made of a pasted text: [`ImportReply`].
    Import {
        /// `name@version`.
        kind: String,
        /// The text.
        text: String,
    },
}

/// An answer as it crosses: one of the two is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer<T> {
    /// The request's number.
    pub id: u32,
    /// What was asked for.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub ok: Option<T>,
    /// Why there is no answer, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The kinds and the functions of expressions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KindsReply {
    /// All kinds.
    pub kinds: Vec<KindInfo>,
}

/// Validation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReply {
    /// The definition's hash, 64 hexadecimal digits; empty when it cannot be read.
    pub hash: String,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// A run on samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PreviewReply {
    /// What is wrong with the definition; with errors among it nothing ran.
    pub diagnostics: Vec<Diagnostic>,
    /// The definition's hash.
    pub hash: String,
    /// Nodes in order of their start.
    pub nodes: Vec<NodeRun>,
    /// Edges by static path.
    pub edges: Vec<EdgeData>,
    /// The run's output.
    pub output: Option<Value>,
    /// Why the run failed.
    pub error: Option<holon_model::wire::runs::NodeFailure>,
    /// The run's log hash.
    pub log_hash: String,
    /// The run's status; empty when nothing ran.
    pub status: String,
    /// Static paths of the nodes that a sample answered for.
    pub sampled: Vec<String>,
    /// What the trigger gave.
    pub input: Option<Value>,
    /// The nodes that were computed for this answer, or whose settings were. What came of the others is remembered.
    #[serde(default)]
    pub computed: Vec<Computed>,
    /// Time it took, in microseconds, measured by the worker.
    #[serde(default)]
    pub micros: u64,
}

/// A node that was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    /// Its static path.
    pub path: String,
    /// Time it took in all iterations together, in microseconds, measured by the worker. Browsers measure coarsely.
    pub micros: u64,
}

/// What went over an edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeData {
    /// `each/call.out`
    pub from: String,
    /// `each/after.in`
    pub to: String,
    /// `taken`, `skipped` or `pending`.
    pub state: String,
    /// How often it was taken.
    pub count: u32,
    /// The last value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// What an expression could go on with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CompleteReply {
    /// First character that a choice replaces.
    pub from: u32,
    /// Choices, best first.
    pub items: Vec<Choice>,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is inserted.
    pub insert: String,
    /// What is shown.
    pub label: String,
    /// Type or signature.
    pub detail: String,
    /// What it is, or a sample of its value.
    pub doc: String,
}

/// The value of an expression.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvalReply {
    /// The value, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<EvalFailure>,
}

/// Why an expression has no value, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalFailure {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// First character, and one past the last.
    pub span: Option<(u32, u32)>,
    /// Whether it is only that preview has no data here.
    pub no_data: bool,
}

/// Config made of a pasted text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportReply {
    /// The config.
    pub config: Value,
    /// Secrets of the text that are not in it, as people call them.
    pub left_out: Vec<String>,
}
