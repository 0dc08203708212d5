//! `signal`: waits for a signal by name and correlation. And the mailbox: signals that nobody waits for yet.
//!
//! A signal goes to the node that has waited for it the longest; without one it is kept, and the next node that waits takes the
//! oldest. A second delivery with the same sender's id changes nothing. What becomes of it when the run goes on in another one,
//! `mail` says.

use crate::{
    Awaited, EventKind, Refusal,
    arena::{CNode, Compiled},
    ask::Ask,
    input::EffectId,
    keep,
    machine::{At, Machine},
    mail::{self, fingerprint},
    node::Emit,
    state::NodeStatus,
};
use holon_flow::capability::NodeError;
use holon_model::{Payload, Value};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

/// Signals that are kept for nodes that do not wait yet.
const MAX_EARLY: usize = 1_000;
/// What a signal costs of the budget of bytes besides its payload: that it came is remembered for the whole run.
const SIGNAL_BYTES: u64 = 128;
/// Bytes of a name, a correlation or a sender's id.
pub const MAX_SIGNAL_TEXT: usize = 512;

/// Signals that came, and nodes that wait for some.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Mailbox {
    /// Of each signal that came a hash of its name, correlation and sender's id.
    pub(crate) seen: BTreeSet<[u8; 16]>,
    /// How many are kept in `early`.
    pub(crate) kept: u32,
    /// What came before anybody waited for it, oldest first.
    pub(crate) early: BTreeMap<(Arc<str>, Arc<str>), VecDeque<Value>>,
    /// Who waits, longest first.
    waits: BTreeMap<(Arc<str>, Arc<str>), VecDeque<EffectId>>,
    /// What `early` weighs. It follows from that, and is not part of snapshots.
    #[serde(skip)]
    pub(crate) weight: u64,
    /// Of `seen` those that came last, oldest first, where another run may have to know them. It stands behind the rest of a
    /// snapshot, so that others read as before.
    #[serde(skip)]
    pub(crate) recent: VecDeque<[u8; 16]>,
}

impl Mailbox {
    fn take(&mut self, key: &(Arc<str>, Arc<str>)) -> Option<Value> {
        let kept = self.early.get_mut(key)?;
        let value = kept.pop_front();
        if kept.is_empty() {
            self.early.remove(key);
        }
        self.kept -= u32::from(value.is_some());
        self.weight -= value.as_ref().map_or(0, Value::weight);
        value
    }

    /// Who waits the longest for such a signal.
    pub(crate) fn first(&self, name: &str, correlation: &str) -> Option<EffectId> {
        self.waits.get(&(name.into(), correlation.into()))?.front().copied()
    }

    /// The node does not wait any more.
    pub(crate) fn leave(&mut self, name: &Arc<str>, correlation: &Arc<str>, id: EffectId) {
        let key = (name.clone(), correlation.clone());
        if let Some(waiting) = self.waits.get_mut(&key) {
            waiting.retain(|other| *other != id);
            if waiting.is_empty() {
                self.waits.remove(&key);
            }
        }
    }
}

/// Config: `{name, correlation?}`. The node gives the signal's payload.
pub(crate) fn start(
    machine: &mut Machine,
    flow: &Compiled,
    at: At,
    node: &CNode,
    config: &Value,
) -> Result<(), NodeError> {
    let name = config.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name: Arc<str> = name.ok_or_else(|| NodeError::new("invalid_value", "`name` must be a text"))?.into();
    machine.keepable(&name, "name", keep::MAX_NAME)?;
    let correlation: Arc<str> = correlation(machine, config.get("correlation"))?.into();
    machine.keepable(&correlation, "correlation", MAX_SIGNAL_TEXT)?;
    let key = (name, correlation);
    if let Some(value) = machine.core.mailbox.take(&key) {
        machine.succeed_node(flow, at, Emit { port: node.out_port, value, passed: false });
        return Ok(());
    }
    let id = machine.ask_id(flow, at, "signal", 1)?;
    machine.started(flow, at, node);
    machine.core.mailbox.waits.entry(key.clone()).or_default().push_back(id);
    let (name, correlation) = key;
    machine.core.arena.node_mut(at.frame, at.node).become_(NodeStatus::Waiting);
    let what = Awaited::Signal { id, name: name.clone(), correlation: correlation.clone() };
    machine.node_event(flow, at, EventKind::NodeAwaits { what }, false);
    let path = machine.path(at);
    machine.open_ask(flow, at, Ask::Signal { id, path, name, correlation });
    Ok(())
}

/// What tells several signals of one name apart, as text: an order's number may be a number.
pub(crate) fn correlation(machine: &Machine, value: Option<&Value>) -> Result<String, NodeError> {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Str(text)) => text.to_string(),
        Some(value @ (Value::Int(_) | Value::Bool(_) | Value::Decimal(_))) => machine.meter.json(value),
        Some(other) => {
            let message =
                format!("`correlation` must be a text or a number, it is a value of type {}", other.type_name());
            return Err(NodeError::new("type_mismatch", message));
        }
    };
    if text.len() > MAX_SIGNAL_TEXT {
        return Err(NodeError::new("invalid_value", format!("`correlation` is longer than {MAX_SIGNAL_TEXT} bytes")));
    }
    Ok(text)
}

/// Whether a signal is taken.
pub(crate) fn check(
    machine: &Machine,
    name: &str,
    correlation: &str,
    sender: &str,
    payload: &Payload,
) -> Result<(), Refusal> {
    if !machine.flow.signals.contains(name) {
        let names: Vec<&str> = machine.flow.signals.iter().map(|name| &**name).take(20).collect();
        let known = if names.is_empty() { "none at all".to_owned() } else { names.join(", ") };
        let message = format!("no node of the flow waits for a signal of this name; it waits for: {known}");
        return Err(Refusal::new("unknown_signal", message));
    }
    let keepable = |text: &&str| {
        if machine.means(2) { keep::is_keepable(text, MAX_SIGNAL_TEXT) } else { text.len() <= MAX_SIGNAL_TEXT }
    };
    if ![correlation, sender].iter().all(keepable) {
        let message = format!(
            "a signal's correlation and sender's id have at most {MAX_SIGNAL_TEXT} bytes, and no character U+0000"
        );
        return Err(Refusal::new("invalid_signal", message));
    }
    if machine.core.mailbox.seen.contains(&fingerprint(name, correlation, sender)) {
        return Err(Refusal::new("duplicate_signal", "this signal came already"));
    }
    let value = payload.to_value();
    crate::node::shallow(value.clone()).map_err(|error| Refusal::new("invalid_signal", error.message))?;
    let mailbox = &machine.core.mailbox;
    let waited_for = mailbox.first(name, correlation).is_some();
    let heavy = machine.hands_on() && !waited_for && mailbox.weight + value.weight() > mail::MAX_MAIL;
    let full = mailbox.kept as usize >= MAX_EARLY;
    if full || heavy || machine.meter.bytes < value.weight() + SIGNAL_BYTES {
        return Err(Refusal::new("mailbox_full", "the run cannot keep more signals"));
    }
    Ok(())
}

/// A signal came: it goes to the node that waits the longest, or is kept.
pub(crate) fn came(
    machine: &mut Machine,
    flow: &Compiled,
    name: &str,
    correlation: &str,
    sender: &str,
    payload: &Payload,
) {
    let value = payload.to_value();
    // That there is enough was checked when the input was taken.
    let _ = machine.meter.alloc(value.weight() + SIGNAL_BYTES);
    let orders = machine.hands_on();
    machine.core.mailbox.note(fingerprint(name, correlation, sender), orders);
    let key: (Arc<str>, Arc<str>) = (name.into(), correlation.into());
    let waiting = machine.core.mailbox.waits.get(&key).and_then(|waiting| waiting.front()).copied();
    let Some((frame, node)) = waiting.and_then(|id| machine.core.asks.get(&id)).copied() else {
        machine.core.mailbox.kept += 1;
        machine.core.mailbox.weight += value.weight();
        machine.core.mailbox.early.entry(key).or_default().push_back(value);
        return;
    };
    let at = At { frame, node };
    machine.drop_ask(flow, at);
    let port = machine.cnode(flow, at).out_port;
    machine.succeed_node(flow, at, Emit { port, value, passed: false });
}
