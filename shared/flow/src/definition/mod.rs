//! A definition as data: a graph with metadata, whose scopes hold graphs (FLOW.md, "Definition").

pub mod cache;
pub mod duration;
pub mod dynamic;
mod hash;
pub mod intake;
pub mod limits;
pub mod names;
mod parse;
pub mod pointer;
pub mod schema;
mod write;

use holon_model::{Decimal, Millis, SchemaRef, Value};
use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

/// A node's key: `[a-z][a-z0-9_]{0,47}`, not a reserved word, unique in its graph.
pub type Key = Arc<str>;

/// A flow: a graph and what surrounds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definition {
    /// What people call it.
    pub name: String,
    /// One or a few sentences.
    pub description: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Schema of the trigger's value.
    pub input: Option<SchemaRef>,
    /// Schema of the result.
    pub output: Option<SchemaRef>,
    /// Bounds of each run.
    pub limits: RunLimits,
    /// What runs.
    pub graph: Graph,
    /// Tests that travel with the flow; they do not change its meaning.
    pub tests: Value,
    /// Data that preview uses for triggers and effects, by structural path without indices (`each/call`).
    pub samples: BTreeMap<String, Value>,
    /// Where things are drawn; read by the editor only.
    pub layout: Value,
}

/// Bounds of the runs of a flow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunLimits {
    /// The longest a run may take; then it fails.
    pub deadline: Option<Millis>,
    /// How many go on at a time.
    pub concurrency: Option<intake::Concurrency>,
    /// How many begin in a time.
    pub rate: Option<intake::Rate>,
}

/// Nodes and edges; acyclic.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// By key.
    pub nodes: BTreeMap<Key, Node>,
    /// In the order written; their order means nothing.
    pub edges: Vec<Edge>,
    /// The graph's output; absent: its only sink's value, else a map of sinks by key.
    pub result: Option<Value>,
}

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: KindRef,
    /// Settings; dynamic parts are exactly `{"$cel": "…"}` or `{"$text": "…"}`.
    pub config: Value,
    /// When it runs, with several in-edges.
    pub join: Join,
    /// Policies around it.
    pub policies: Policies,
    /// The graphs it holds, if it is a scope.
    pub bodies: BTreeMap<Key, Graph>,
    /// Whether it passes its input through instead of running.
    pub disabled: bool,
    /// A remark for people.
    pub note: String,
}

/// `name@version` of a node kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindRef {
    /// Such as `http.request`.
    pub name: Arc<str>,
    /// From 1.
    pub version: u32,
}

/// One edge: from an out-port to an in-port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Where the value comes from.
    pub from: PortRef,
    /// Where it goes.
    pub to: PortRef,
}

/// `key.port`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRef {
    /// The node.
    pub node: Key,
    /// Its port.
    pub port: Arc<str>,
}

/// When a node with several in-edges runs (FLOW.md, "Tokens").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Join {
    /// All settled, at least one taken.
    #[default]
    Any,
    /// All settled, all taken.
    All,
    /// At the first taken one.
    First,
}

/// Policies of a node, scopes included.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policies {
    /// Trying again.
    pub retry: Option<Retry>,
    /// The longest it may take, all attempts included.
    pub timeout: Option<Millis>,
    /// What the node gives when its time is up, instead of failing: a value with dynamic parts as in config. Only with `timeout`.
    pub fallback: Option<Value>,
    /// For how long its answer stands for the next one too.
    pub cache: Option<cache::Cache>,
    /// So many of it go on at a time within a run; the others wait their turn.
    pub concurrency: Option<u32>,
    /// Places in what the node is given from outside that are replaced before anything is kept: JSON pointers, with `*` for every
    /// member or item.
    pub redact: Vec<String>,
}

/// How a failed effect or scope is tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// Attempts in all, 1 to 100.
    pub attempts: u32,
    /// Wait before the second attempt.
    pub initial: Millis,
    /// Each wait is this many hundredths of the one before: 200 doubles.
    pub factor_percent: u32,
    /// The longest wait, before jitter.
    pub max: Millis,
    /// Whether up to a quarter of the wait is taken off by a hash of seed, path and attempt.
    pub jitter: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, initial: Millis(1_000), factor_percent: 200, max: Millis(60_000), jitter: true }
    }
}

impl Retry {
    /// The hundredths of a factor from 1 to 100 with at most two decimals, exactly; nothing for any other value.
    pub fn percent(factor: &Value) -> Option<u32> {
        let percent =
            factor.as_decimal()?.checked_mul(Decimal::ONE_HUNDRED).filter(|percent| percent.fract().is_zero())?;
        u32::try_from(percent).ok().filter(|percent| (100..=10_000).contains(percent))
    }
}

impl Node {
    /// A node of this kind with everything else left out.
    pub fn new(kind: KindRef) -> Self {
        Self {
            kind,
            config: Value::Map(Arc::default()),
            join: Join::Any,
            policies: Policies::default(),
            bodies: BTreeMap::new(),
            disabled: false,
            note: String::new(),
        }
    }
}

impl fmt::Display for KindRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl FromStr for KindRef {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = "a kind is written `name@version`, such as `http.request@1`";
        let (name, version) = text.split_once('@').ok_or(error)?;
        let named = !name.is_empty() && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'));
        let version = version.parse().ok().filter(|version| *version > 0).ok_or(error)?;
        if named { Ok(Self { name: name.into(), version }) } else { Err(error) }
    }
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.port)
    }
}

impl FromStr for PortRef {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('.') {
            Some((node, port)) if !node.is_empty() && !port.is_empty() => {
                Ok(Self { node: node.into(), port: port.into() })
            }
            _ => Err("an end of an edge is written `key.port`"),
        }
    }
}
