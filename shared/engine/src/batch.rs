//! `batch`: collects what several runs bring, and runs its body once for all of it.
//!
//! Two machines take part. In a *member* the node hands its item over and waits, as a call of another flow does: running → succeeded
//! with its share of what the batch came to, or failed. The *batch* is a run of its own, of the same version, that was started with
//! the path of the body instead of a trigger: collecting → running the body → over, once it has as many items as it takes or its
//! time is up. Which batch a member's item goes into is the host's to say, and stands in the member's journal before the item is
//! handed over: so nothing is handed over twice.

use crate::{
    Awaited, ChildVersion, Command, EventKind, Outcome, Parent, Refusal, StartChild,
    arena::{Compiled, GraphId, index},
    ask::Ask,
    child,
    input::{EffectId, TimerId},
    machine::{At, Machine},
    path::FramePath,
    state::{Frame, Timer, TimerKind},
};
use holon_flow::{capability::NodeError, definition::duration};
use holon_model::{Millis, Payload, RunId, Value};
use serde::{Deserialize, Serialize};

/// Items that a batch may take.
const MAX_SIZE: i64 = 1_000;
/// The longest time for which a batch may wait for more.
const MAX_WITHIN: u64 = 24 * 60 * 60 * 1_000;
/// So long a batch waits for its first item at least. Its time counts from that: in one that is shorter than the way from its start to
/// its first item nothing would ever come in.
const FIRST_WITHIN: Millis = Millis(60 * 1_000);
/// Bytes of a key.
const MAX_KEY: usize = 512;
/// What an item costs of the budget of bytes besides itself.
const ITEM_BYTES: u64 = 128;
/// Members that one batch has to do with, those among them who took their item back: it remembers them all, and looks for who comes among them.
const MOST_MEMBERS: usize = 10 * MAX_SIZE as usize;

/// What a machine remembers of batches.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Batches {
    /// Of nodes that wait for a batch, into which one their item goes; in order. A map of its own kind would be 12 KB of the browser's module.
    chosen: Vec<(EffectId, RunId)>,
    /// Of a batch, what it has collected.
    collected: Option<Collected>,
    /// Of a batch, those who took back what had not come yet: what is sent first may come last. It stands behind the rest of a snapshot, and
    /// only where there are any.
    #[serde(skip)]
    pub ahead: Vec<Parent>,
}

/// A batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Collected {
    graph: GraphId,
    size: u32,
    within: Millis,
    /// Set while it collects.
    timer: Option<TimerId>,
    /// Who brought what, in the order in which they came; nothing of those who took it back. They are remembered: what was sent
    /// twice may come the second time after that. No more than [`MOST_MEMBERS`]: who comes then is sent on.
    items: Vec<(Parent, Option<Value>)>,
}

impl Collected {
    fn items(&self) -> impl Iterator<Item = &Value> {
        self.items.iter().filter_map(|(_, item)| item.as_ref())
    }
}

/// What the node of a member asks of its host.
#[derive(Debug, Clone, PartialEq)]
pub struct Joins {
    /// The path of the body: what the batch is started with instead of a trigger.
    pub path: String,
    /// What tells batches of one node apart; empty where nothing does.
    pub key: String,
    /// What is brought.
    pub item: Value,
    /// What a new batch is started with.
    pub batch: Value,
}

/// Whether what a run is started with names the body of a batch instead of a trigger.
pub fn is_batch(trigger: &str) -> bool {
    trigger.ends_with('/')
}

/// What one of the members of a batch is told of how that ended: its own element where the body gave one for each item.
pub fn share(outcome: &Outcome, member: usize, members: usize) -> Outcome {
    match outcome {
        Outcome::Ok(payload) => {
            let value = payload.to_value();
            let own = value.as_list().filter(|list| list.len() == members).and_then(|list| list.get(member)).cloned();
            Outcome::Ok(Payload::Inline(own.unwrap_or(value)))
        }
        other => other.clone(),
    }
}

impl StartChild {
    /// What is asked for, if it is a batch.
    pub fn joins(&self) -> Option<Joins> {
        if !is_batch(&self.flow) {
            return None;
        }
        let field = |name: &str| self.input.get(name).cloned().unwrap_or_default();
        let batch = Value::map(["size", "within", "key"].map(|name| (name, field(name))));
        let key = field("key").as_str().unwrap_or_default().to_owned();
        Some(Joins { path: self.flow.clone(), key, item: field("item"), batch })
    }
}

/// Config: `{size: 1..1000, within: duration, key?, item?}`; without an item the node's input.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At, config: &Value) -> Result<(), NodeError> {
    let depth = child::deeper(machine)?;
    let (size, within) = bounds(config)?;
    let key = crate::signal::correlation(machine, config.get("key").filter(|key| !key.is_null()))
        .map_err(|error| NodeError { message: error.message.replace("`correlation`", "`key`"), ..error })?;
    machine.keepable(&key, "key", MAX_KEY)?;
    let node = machine.cnode(flow, at);
    let body = node.body("body").and_then(|body| node.bodies.get(body as usize));
    let (_, graph) = body.ok_or_else(|| NodeError::new("missing_body", "a batch needs its body"))?;
    let state = machine.core.arena.node(at.frame, at.node);
    let attempt = state.extra.as_ref().map_or(1, |extra| extra.attempt);
    let item = config.get("item").filter(|item| !item.is_null()).unwrap_or(&state.input).clone();
    let input = Value::map([
        ("item", item),
        ("key", Value::from(key)),
        ("size", Value::from(size)),
        ("within", Value::Int(i64::try_from(within.0).unwrap_or(i64::MAX))),
    ]);
    let child = StartChild {
        id: machine.ask_id(flow, at, "batch", attempt)?,
        path: machine.path(at),
        flow: flow.graphs[*graph as usize].prefix.clone(),
        // That of this run. It is not said, nor what is left to this run: a draft that differs elsewhere asks for the same.
        version: ChildVersion::Latest,
        input: crate::node::shallow(input)?,
        depth,
        budget: None,
        batch: None,
    };
    let ask = Ask::Child(child);
    machine.node_event(flow, at, EventKind::NodeAwaits { what: ask.awaited() }, false);
    machine.open_ask(flow, at, ask);
    Ok(())
}

fn bounds(config: &Value) -> Result<(u32, Millis), NodeError> {
    let invalid = |message: String| NodeError::new("invalid_value", message);
    let size = config.get("size").and_then(Value::as_int).filter(|size| (1..=MAX_SIZE).contains(size));
    let size = size.and_then(|size| u32::try_from(size).ok());
    let size = size.ok_or_else(|| invalid(format!("`size` must be a whole number from 1 to {MAX_SIZE}")))?;
    let within = duration::parse(config.get("within").unwrap_or(&Value::Null)).map_err(invalid)?;
    if within.0 > MAX_WITHIN {
        return Err(invalid("`within` is a day at most".to_owned()));
    }
    Ok((size, within))
}

/// Where the item of a member goes: the command says so from now on.
pub(crate) fn chosen(machine: &mut Machine, flow: &Compiled, id: EffectId, batch: RunId) {
    let Some((frame, node)) = machine.core.asks.get(&id).copied() else { return };
    machine.core.batches.choose(id, batch);
    let at = At { frame, node };
    let extra = machine.core.arena.node(at.frame, at.node).extra.as_ref();
    let Some(Ask::Child(child)) = extra.and_then(|extra| extra.ask.as_deref()) else { return };
    let child = StartChild { batch: Some(batch), ..child.clone() };
    // One that is not wanted any more is told so again: a host that did not know where it goes could do nothing about it.
    let unwanted = extra.is_some_and(|extra| extra.closing.is_some());
    machine.node_event(flow, at, EventKind::NodeAwaits { what: Awaited::Batch { id, batch: Some(batch) } }, false);
    let key = &machine.cnode(flow, at).key;
    machine.log.ask(at.frame, key, Command::StartChild(Box::new(child)));
    if unwanted {
        machine.log.ask(at.frame, key, Command::CancelChild { id });
    }
}

/// Whether a member takes note of where its item goes.
pub(crate) fn check_chosen(machine: &Machine, child: Option<&Ask>, id: EffectId, batch: RunId) -> Result<(), Refusal> {
    let joins = matches!(child, Some(Ask::Child(child)) if is_batch(&child.flow));
    if !joins || machine.core.batches.chosen(id) == Some(batch) {
        return Err(Refusal::new("unknown_child", "the run does not wait for a batch, or knows which one it is"));
    }
    Ok(())
}

impl Batches {
    pub(crate) fn is_empty(&self) -> bool {
        self.chosen.is_empty() && self.collected.is_none()
    }

    /// Where the item goes that was asked for so, if that is known.
    pub(crate) fn chosen(&self, id: EffectId) -> Option<RunId> {
        self.chosen_at(id).ok().map(|at| self.chosen[at].1)
    }

    fn chosen_at(&self, id: EffectId) -> Result<usize, usize> {
        self.chosen.binary_search_by_key(&id, |(known, _)| *known)
    }

    fn choose(&mut self, id: EffectId, batch: RunId) {
        match self.chosen_at(id) {
            Ok(at) => self.chosen[at].1 = batch,
            Err(at) => self.chosen.insert(at, (id, batch)),
        }
    }

    pub(crate) fn forget(&mut self, id: EffectId) {
        if let Ok(at) = self.chosen_at(id) {
            self.chosen.remove(at);
        }
    }

    /// With how many members a batch has had to do.
    fn members(&self) -> usize {
        self.ahead.len() + self.collected.as_ref().map_or(0, |collected| collected.items.len())
    }

    /// Whether this is a batch that has not begun with its body.
    pub(crate) fn is_collecting(&self) -> bool {
        self.collected.as_ref().is_some_and(|collected| collected.timer.is_some())
    }
}

impl Compiled {
    /// Whether a batch can be started with this path.
    pub fn has_batch(&self, path: &str) -> bool {
        self.batch_body(path).is_some()
    }

    /// The graph that a batch of this path runs.
    pub(crate) fn batch_body(&self, path: &str) -> Option<GraphId> {
        let is_body = |graph: GraphId| self.scope_of(graph).is_some_and(|node| node.is_batch());
        (0..)
            .zip(&self.graphs)
            .find(|(number, graph)| graph.prefix == path && is_body(*number))
            .map(|(number, _)| number)
    }

    /// Where a graph stands that is run by itself.
    pub(crate) fn apart(&self, graph: GraphId) -> FramePath {
        if graph == 0 {
            return FramePath::default();
        }
        for (number, outer) in (0..).zip(&self.graphs) {
            for node in &outer.nodes {
                if let Some((body, _)) = node.bodies.iter().find(|(_, of)| *of == graph) {
                    return self.apart(number).body(&node.key, body, None, 1, 0);
                }
            }
        }
        FramePath::default()
    }

    fn scope_of(&self, graph: GraphId) -> Option<&crate::arena::CNode> {
        let mut nodes = self.graphs.iter().flat_map(|outer| &outer.nodes);
        nodes.find(|node| node.bodies.iter().any(|(_, of)| *of == graph))
    }
}

impl Machine {
    /// A batch begins to collect.
    pub(crate) fn collect(&mut self, flow: &Compiled, path: &str, config: &Value) {
        let begun =
            flow.batch_body(path).ok_or_else(|| NodeError::new("no_such_trigger", "the flow has no such batch"));
        match begun.and_then(|graph| Ok((graph, bounds(config)?))) {
            Ok((graph, (size, within))) => {
                let timer = Some(self.collect_for(within.max(FIRST_WITHIN)));
                self.core.batches.collected = Some(Collected { graph, size, within, timer, items: Vec::new() });
            }
            Err(error) => self.end_run(Outcome::Failed { error }),
        }
    }

    fn collect_for(&mut self, time: Millis) -> TimerId {
        let due = self.core.at.plus(time);
        self.set_timer(Timer { due, frame: 0, node: 0, kind: TimerKind::Collect })
    }

    /// Whether a batch takes an item.
    pub(crate) fn check_joined(&self, member: Parent, item: &Payload) -> Result<(), Refusal> {
        let Some(collected) = &self.core.batches.collected else {
            return Err(Refusal::new("not_a_batch", "the run is no batch"));
        };
        let closed = || Refusal::new("batch_closed", "the batch takes nothing more");
        match collected.items.iter().find(|(known, _)| *known == member) {
            Some((_, Some(_))) => return Err(Refusal::new("joined_already", "the batch has this item")),
            Some((_, None)) => return Err(closed()),
            None => {}
        }
        if self.core.batches.ahead.contains(&member) || self.core.batches.members() >= MOST_MEMBERS {
            return Err(closed());
        }
        let value = item.to_value();
        // The first one has all there is: were it sent on, the next batch would say the same. Of what there is, half is left to the body.
        // Who was sent on once always is, or an item that is sent twice would be in two batches: so what members take back gives no bytes back.
        let body = self.info().map_or(0, |info| info.bytes / 2);
        let fits = collected.items.is_empty() || self.meter.bytes >= value.weight() + ITEM_BYTES + body;
        if collected.timer.is_none() || !fits || crate::node::shallow(Value::list([value])).is_err() {
            return Err(closed());
        }
        Ok(())
    }

    pub(crate) fn joined(&mut self, flow: &Compiled, member: Parent, item: &Payload) {
        let value = item.to_value();
        // Where there is not enough for the first item, the body fails for it.
        let _ = self.meter.alloc(value.weight() + ITEM_BYTES);
        let Some(collected) = &mut self.core.batches.collected else { return };
        let (first, within) = (collected.items.is_empty(), collected.within);
        collected.items.push((member, Some(value)));
        if let Some(timer) = collected.timer.take_if(|_| first) {
            self.drop_timer(timer);
            let timer = self.collect_for(within);
            self.core.batches.collected.iter_mut().for_each(|collected| collected.timer = Some(timer));
        }
        let Some(collected) = &self.core.batches.collected else { return };
        if index(collected.items().count()) >= collected.size {
            self.run_batch(flow);
        }
    }

    /// Whether anybody has something in this batch.
    pub(crate) fn has_members(&self) -> bool {
        self.core.batches.collected.as_ref().is_some_and(|collected| collected.items().next().is_some())
    }

    /// Whether this one has.
    pub(crate) fn has_member(&self, member: Parent) -> bool {
        let collected = self.core.batches.collected.iter();
        collected.flat_map(|collected| &collected.items).any(|(known, item)| *known == member && item.is_some())
    }

    /// Whether an item can still be taken back. One that has not come is not taken when it does.
    pub(crate) fn check_left(&self, member: Parent) -> Result<(), Refusal> {
        let batches = &self.core.batches;
        let collecting = batches.collected.as_ref().filter(|collected| collected.timer.is_some());
        let gives =
            collecting.is_some_and(|collected| match collected.items.iter().find(|(known, _)| *known == member) {
                Some((_, item)) => item.is_some(),
                None => !batches.ahead.contains(&member) && batches.members() < MOST_MEMBERS,
            });
        let why = "the batch does not have this item and does not take it, or does not give it back any more";
        if gives { Ok(()) } else { Err(Refusal::new("batch_closed", why)) }
    }

    pub(crate) fn left(&mut self, member: Parent) {
        let batches = &mut self.core.batches;
        let mut items = batches.collected.iter_mut().flat_map(|collected| &mut collected.items);
        match items.find(|(known, _)| *known == member) {
            Some((_, item)) => *item = None,
            None => batches.ahead.push(member),
        }
    }

    /// The collecting ends: the body runs, if there is anything to run it for.
    pub(crate) fn run_batch(&mut self, flow: &Compiled) {
        let Some(collected) = &mut self.core.batches.collected else { return };
        let (graph, timer) = (collected.graph, collected.timer.take());
        let items = Value::list(collected.items().cloned());
        if let Some(timer) = timer {
            self.drop_timer(timer);
        }
        if items.as_list().is_none_or(<[Value]>::is_empty) {
            return self.end_run(Self::completed(items));
        }
        self.core.names.trigger = items.clone();
        self.open_run(flow, graph, Frame { input: items, ..Frame::new(graph) });
    }

    /// Asked to end while it collects: nothing of it runs.
    pub(crate) fn stop_collecting(&mut self, outcome: Outcome) {
        if let Some(timer) = self.core.batches.collected.as_mut().and_then(|collected| collected.timer.take()) {
            self.drop_timer(timer);
        }
        self.end_run(outcome);
    }
}
