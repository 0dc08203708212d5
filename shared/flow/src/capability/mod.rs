//! Capabilities and node kinds: how a module describes what it brings. The built-ins use the same door that plugins will.
//!
//! Everything declarative stands in the capability's `capability.json`; the only thing code adds is how a pure kind computes. What people
//! read of its kinds stands apart in its `help.md`: the engine in the browser does without.

mod connections;
mod each;
mod help;
mod manifest;
pub mod trial;

pub use connections::NamedConnection;
pub use help::help_of;
pub use manifest::ManifestError;

use crate::expr::{ExprError, Meter, Scope};
use holon_model::{SchemaRef, Value};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// What doing a node again means for the outside (DESIGN.md, "The flow").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectClass {
    /// Computed, and computed again on replay.
    Pure,
    /// May be sent again with its key.
    Idempotent,
    /// Never sent twice: its intent is journaled first.
    AtMostOnce,
    /// Committed together with its result.
    Transactional,
    /// Written to the outbox in the run's own commit.
    Outbox,
}

/// What preview does with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preview {
    /// Runs it.
    Run,
    /// Answers from the definition's samples.
    Sample,
    /// Asks the server.
    AskServer,
}

/// What a node needs of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Outbound network through the egress path.
    Network,
    /// A connection's secret.
    Secret,
    /// Blob storage.
    Storage,
    /// A GPU.
    Gpu,
    /// An agent.
    Agent,
    /// A program of the tenant's that takes tasks: the effect is handed out to it, and not executed by the server.
    Worker,
}

/// Ports a kind declares; they may depend on config, never on data.
#[derive(Debug, Clone, PartialEq)]
pub struct Ports {
    /// In-ports in order; none for triggers.
    pub inputs: Vec<String>,
    /// Fixed out-ports in order.
    pub outputs: Vec<String>,
    /// More out-ports, before the fixed ones: one for each item of the list at `pointer` in config, named by its member `key`.
    pub outputs_from: Option<PortsFrom>,
    /// Whether there is an `error` out-port.
    pub error: bool,
}

/// Out-ports that stand in config.
#[derive(Debug, Clone, PartialEq)]
pub struct PortsFrom {
    /// JSON pointer into config to a list of maps.
    pub pointer: String,
    /// The member of each that names a port.
    pub key: String,
}

/// The bodies a scope kind holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Bodies {
    /// None: not a scope.
    None,
    /// Exactly these; those marked optional may be left out.
    Fixed(Vec<(String, bool)>),
    /// Named freely, at least one.
    Named,
}

/// A primitive of the machine that a kind stands for. One file each in `shared/engine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Primitive {
    /// Emits on `true` or `false`.
    When,
    /// Emits on the first case that holds, else on `default`.
    Switch,
    /// Runs `body` for each item.
    Map,
    /// Runs `body`, on failure `catch`, always `finally`.
    Try,
    /// Runs all named bodies at once.
    Parallel,
    /// Runs all named bodies at once; the first that succeeds wins.
    Race,
    /// Runs `body` again and again, each time on what came out before.
    Loop,
    /// Runs named bodies one after another, and undoes them in reverse when one fails.
    Saga,
    /// Runs another flow.
    Flow,
    /// Collects what several runs bring, and runs `body` once for all of it.
    Batch,
    /// Waits until a time.
    Wait,
    /// Waits for a signal.
    Signal,
    /// Asks people.
    Approval,
    /// Answers the caller.
    Respond,
    /// Fails the run's enclosing body.
    Fail,
    /// Ends the run; another one goes on for it.
    Continue,
}

/// How a kind is executed.
#[derive(Clone)]
pub enum Behaviour {
    /// Starts runs.
    Trigger,
    /// Computed inside the machine.
    Pure(PureFn),
    /// Done by the host; the result is journaled.
    Effect,
    /// A primitive of the machine.
    Primitive(Primitive),
}

/// A pure computation: evaluated config and input in, ports out.
pub type PureFn = fn(&mut PureCall<'_>) -> Result<Output, NodeError>;

/// What a pure kind computes from.
pub struct PureCall<'a> {
    /// Config with its eager expressions evaluated; fields that the schema marks `"x-holon-each": true` stand as they were written.
    pub config: &'a Value,
    /// The value on the in-port; with several in-edges a map by source key.
    pub input: &'a Value,
    /// Evaluates the fields marked `x-holon-each`.
    pub each: &'a dyn Each,
    /// Budget of fuel and bytes; heavy work must charge it.
    pub meter: &'a mut Meter,
}

/// Evaluation of per-item config fields.
pub trait Each {
    /// Evaluates the field at `pointer` of config with `item` and `index` in scope besides the node's own names.
    ///
    /// # Errors
    /// What evaluation says; the pointer names no compiled field.
    fn eval(&self, pointer: &str, item: &Value, index: i64, meter: &mut Meter) -> Result<Value, ExprError>;

    /// The names in scope, for kinds that compile text of their own.
    fn scope(&self) -> &dyn Scope;
}

/// What a node emitted.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A value on `out`.
    One(Value),
    /// A value on a port of this name.
    Port(Arc<str>, Value),
}

/// Why a node failed: data for the `error` edge and for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NodeError {
    /// A code, such as `bad_input`; codes are hashed, messages are not.
    pub code: String,
    /// What happened, to which thing, and what to do.
    pub message: String,
    /// More, for programs.
    pub detail: Value,
    /// Whether trying again could help.
    pub retryable: bool,
}

impl NodeError {
    /// An error that trying again will not mend.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), detail: Value::Null, retryable: false }
    }

    /// As the `error` edge and `catch` see it: `{code, message, detail}`.
    pub fn to_value(&self) -> Value {
        Value::map([
            ("code", Value::from(self.code.as_str())),
            ("message", Value::from(self.message.as_str())),
            ("detail", self.detail.clone()),
        ])
    }
}

impl From<ExprError> for NodeError {
    fn from(error: ExprError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// A node kind: what it says of itself, and how it is executed.
#[derive(Clone)]
pub struct NodeKind {
    /// Such as `http.request`.
    pub name: Arc<str>,
    /// From 1.
    pub version: u32,
    /// Two or three words, sentence case.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Group in the palette.
    pub category: String,
    /// Name of a Lucide icon.
    pub icon: String,
    /// More words the palette finds it by.
    pub keywords: Vec<String>,
    /// JSON Schema of config, draft 2020-12; property order is `x-holon-order`, per-item expressions `x-holon-each`.
    pub config: SchemaRef,
    /// JSON Schema of the input, if it can be said.
    pub input: SchemaRef,
    /// JSON Schema of what `out` emits, if it can be said.
    pub output: SchemaRef,
    /// Ports.
    pub ports: Ports,
    /// Bodies.
    pub bodies: Bodies,
    /// Effect class.
    pub effect: EffectClass,
    /// Needs.
    pub resources: Vec<Resource>,
    /// Whether an answer may stand for the next one too, where a node says so: what is asked for is all that the answer depends on.
    pub cacheable: bool,
    /// Whether each node says for itself what doing its effect again means, and who is asked where nobody knows: its config has
    /// `delivery` and `when_unknown`.
    pub delivery: bool,
    /// In preview.
    pub preview: Preview,
    /// A sample of what an effect or trigger gives, used until the definition has its own.
    pub sample: Value,
    /// Text under the node's title, with `{/pointer}` for config fields: `{/method} {/url}`.
    pub line: String,
    /// Config of a newly added node.
    pub defaults: Value,
    /// How it is executed.
    pub behaviour: Behaviour,
    /// How preview does it, if it needs no samples.
    pub local: Option<LocalFn>,
    /// How a pasted text becomes config, if it can.
    pub import: Option<Import>,
}

/// What a preview keeps for the steps that change Holon's own database: the state of the flow, by key.
pub type LocalRecords = BTreeMap<Arc<str>, Value>;

/// Does a step on the records of a preview, with its config evaluated and its input. Nothing else may count.
pub type LocalFn = fn(&mut LocalRecords, &Value, &Value) -> Result<Value, NodeError>;

/// Config made of pasted text, such as a cURL command.
#[derive(Debug, Clone)]
pub struct Import {
    /// What the editor offers: `Paste a cURL command`.
    pub title: String,
    /// An example of such a text.
    pub placeholder: String,
    /// Reads it. Absent in catalogues that only describe.
    pub read: Option<ReadImport>,
}

/// What a pasted text became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The config.
    pub config: Value,
    /// Secrets of the text that are not in it, as people call them: `the header Authorization`. A definition holds none.
    pub left_out: Vec<String>,
}

/// Reads a pasted text: `None` when it is not of that form at all, else config or what is wrong with it.
pub type ReadImport = fn(&str) -> Option<Result<Imported, String>>;

impl fmt::Debug for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl NodeKind {
    /// Whether its effects are handed out to the tenant's workers instead of being executed by the server.
    pub fn handed_out(&self) -> bool {
        self.resources.contains(&Resource::Worker)
    }

    /// What doing a node's effect again means, with this config: that of the kind, unless it leaves the choice to the node.
    pub fn class(&self, config: &Value) -> EffectClass {
        let chosen = config.get("delivery").and_then(Value::as_str).filter(|_| self.delivery);
        if chosen == Some(EffectClass::AtMostOnce.as_str()) { EffectClass::AtMostOnce } else { self.effect }
    }

    /// Whether a person is asked, with this config, where nobody knows if the node's effect was done. Else the node fails.
    pub fn asks_whether_done(&self, config: &Value) -> bool {
        let fails = config.get("when_unknown").and_then(Value::as_str) == Some("fail");
        self.delivery && !fails && self.class(config) == EffectClass::AtMostOnce
    }

    /// The out-ports with this config, in order, `error` last where there is one.
    pub fn outputs(&self, config: &Value) -> Vec<String> {
        let named = self.ports.outputs_from.iter().flat_map(|from| {
            let items = config.pointer(&from.pointer).and_then(Value::as_list).unwrap_or_default();
            items.iter().filter_map(|item| item.get(&from.key)?.as_str().map(str::to_owned))
        });
        named.chain(self.ports.outputs.iter().cloned()).chain(self.ports.error.then(|| "error".to_owned())).collect()
    }
}

/// A capability: what its manifest says. Commands, events, panels and a configuration of its own join with the first capability that
/// has any; a manifest that names them already is refused.
#[derive(Debug, Clone)]
pub struct Capability {
    /// Such as `http`.
    pub id: String,
    /// Semantic version.
    pub version: String,
    /// Two or three words.
    pub title: String,
    /// A sentence.
    pub summary: String,
    /// What its nodes do in the workspace, as `resource:action`: whoever publishes a flow with them holds all of it.
    pub permissions: Vec<String>,
    /// Node kinds.
    pub kinds: Vec<Arc<NodeKind>>,
}

/// The kinds that exist, by name and version.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    capabilities: Vec<Capability>,
    kinds: BTreeMap<(Arc<str>, u32), Arc<NodeKind>>,
}

impl Catalogue {
    /// A catalogue of these capabilities; of two kinds with one name and version the first stays.
    pub fn new(capabilities: Vec<Capability>) -> Self {
        let mut kinds = BTreeMap::new();
        for kind in capabilities.iter().flat_map(|capability| &capability.kinds) {
            kinds.entry((kind.name.clone(), kind.version)).or_insert_with(|| kind.clone());
        }
        Self { capabilities, kinds }
    }

    /// The kind of this name and version.
    pub fn get(&self, kind: &crate::definition::KindRef) -> Option<&Arc<NodeKind>> {
        self.kinds.get(&(kind.name.clone(), kind.version))
    }

    /// All kinds, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<NodeKind>> {
        self.kinds.values()
    }

    /// The capability that this kind is of.
    pub fn capability_of(&self, kind: &crate::definition::KindRef) -> Option<&Capability> {
        let known = self.get(kind)?;
        self.capabilities.iter().find(|capability| capability.kinds.iter().any(|kind| Arc::ptr_eq(kind, known)))
    }

    /// The capabilities, in the catalogue's order.
    pub fn capabilities(&self) -> &[Capability] {
        &self.capabilities
    }
}
