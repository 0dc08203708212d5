//! One node: starting it, and the three ways it ends. What it does in between is its primitive's.

use crate::{
    EventKind,
    arena::{BehaviourKind, CNode, Compiled},
    batch, child,
    config::Config,
    continue_, effect, fail, loop_,
    machine::{At, Machine},
    map,
    names::Names,
    parallel, race,
    remember::{self, Asked},
    respond, saga, scope, signal,
    state::{Ending, FrameStatus, NodeStatus, ScopeState, Timer, TimerKind},
    switch, task, try_, wait, when,
};
use holon_flow::{
    capability::{Each, NodeError, Output, Primitive, PureCall},
    expr::{ExprError, Meter, Scope},
};
use holon_model::{Value, json};

/// A value on a port.
pub(crate) struct Emit {
    pub port: u32,
    pub value: Value,
    /// Whether the value is the node's own input.
    pub passed: bool,
}

impl Machine {
    /// Runs a node that is ready; one that was stopped meanwhile is over already.
    pub(crate) fn start_node(&mut self, flow: &Compiled, at: At) {
        let now = self.core.at;
        let state = self.core.arena.node_mut(at.frame, at.node);
        if state.status != NodeStatus::Ready {
            return;
        }
        state.become_(NodeStatus::Running);
        state.started_at = now;
        if self.takes_place(flow, at) {
            self.begin_node(flow, at);
        }
    }

    /// Runs a node whose turn it is.
    pub(crate) fn begin_node(&mut self, flow: &Compiled, at: At) {
        let node = self.cnode(flow, at);
        if let Err(error) = self.run_node(flow, at, node) {
            self.fail_node(flow, at, error);
        }
    }

    fn run_node(&mut self, flow: &Compiled, at: At, node: &CNode) -> Result<(), NodeError> {
        self.meter.step(1)?;
        if node.disabled {
            self.pass(flow, at, node.out_port);
            return Ok(());
        }
        match node.behaviour {
            BehaviourKind::Trigger => self.pass(flow, at, node.out_port),
            BehaviourKind::Pure(_) => {
                let emit = self.compute(flow, at, node)?;
                self.succeed_node(flow, at, emit);
            }
            BehaviourKind::Effect => effect::start(self, flow, at, node)?,
            BehaviourKind::Primitive(primitive) => {
                let config = self.eval_config(flow, at, node)?;
                match primitive {
                    Primitive::When => when::start(self, flow, at, node, &config)?,
                    Primitive::Switch => switch::start(self, flow, at, node, &config)?,
                    Primitive::Respond => respond::start(self, flow, at, &config)?,
                    Primitive::Fail => return Err(fail::error(&config)),
                    Primitive::Wait => wait::start(self, flow, at, node, &config)?,
                    Primitive::Signal => signal::start(self, flow, at, node, &config)?,
                    Primitive::Approval => task::start(self, flow, at, node, config)?,
                    Primitive::Continue => continue_::start(self, flow, at, &config)?,
                    Primitive::Map
                    | Primitive::Try
                    | Primitive::Parallel
                    | Primitive::Race
                    | Primitive::Loop
                    | Primitive::Saga
                    | Primitive::Flow
                    | Primitive::Batch => {
                        self.start_scope(flow, at, node, primitive, config)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Evaluates the node's config, once: before the first attempt.
    pub(crate) fn eval_config(&mut self, flow: &Compiled, at: At, node: &CNode) -> Result<Value, NodeError> {
        self.eval(flow, at, &node.config)
    }

    /// Evaluates something of a node's with the names that the node sees.
    pub(crate) fn eval(&mut self, flow: &Compiled, at: At, config: &Config) -> Result<Value, NodeError> {
        let arena = &self.core.arena;
        let input = &arena.node(at.frame, at.node).input;
        let names = Names { flow, arena, run: &self.core.names, frame: at.frame, node: Some(at.node), input };
        let of = Some((arena.frame(at.frame).graph, at.node));
        config.eval_once(self.memory.as_ref(), of, &names, &mut self.meter)
    }

    /// Evaluates the field at `pointer` of a node's config for this item.
    pub(crate) fn eval_item(
        &mut self,
        flow: &Compiled,
        at: At,
        pointer: &str,
        item: &Value,
        index: i64,
    ) -> Result<Value, NodeError> {
        let node = self.cnode(flow, at);
        let arena = &self.core.arena;
        let input = &arena.node(at.frame, at.node).input;
        let names = Names { flow, arena, run: &self.core.names, frame: at.frame, node: Some(at.node), input };
        let names = ItemNames { item, index, names: &names };
        Ok(node.config.each(pointer, &names, &mut self.meter)?)
    }

    fn compute(&mut self, flow: &Compiled, at: At, node: &CNode) -> Result<Emit, NodeError> {
        let BehaviourKind::Pure(pure) = node.behaviour else {
            return Err(NodeError::new("internal", "only pure nodes are computed"));
        };
        let arena = &self.core.arena;
        let input = &arena.node(at.frame, at.node).input;
        let names = Names { flow, arena, run: &self.core.names, frame: at.frame, node: Some(at.node), input };
        // What is broken may be so for what the node lacks besides its config.
        let memory = self.memory.as_ref().filter(|_| !matches!(node.config, Config::Broken(_)));
        let of = Some((arena.frame(at.frame).graph, at.node));
        let asked = Asked { number: node.number, node: of, input: Some(input) };
        let (port, value) = remember::call(memory, &asked, &names, &mut self.meter, &|names, meter| {
            let config = node.config.eval(names, meter)?;
            let each = PerItem { node, names };
            let output = pure(&mut PureCall { config: &config, input, each: &each, meter })?;
            let (port, value) = match output {
                Output::One(value) => (node.out_port, value),
                Output::Port(name, value) => {
                    let unknown = || {
                        let message = format!("the node emitted on `{name}`, which is no port of it");
                        NodeError::new("unknown_port", message)
                    };
                    (node.port(&name).ok_or_else(unknown)?, value)
                }
            };
            Ok((port, shallow(value)?))
        })?;
        Ok(Emit { port, value, passed: false })
    }

    /// Passes the node's input through.
    pub(crate) fn pass(&mut self, flow: &Compiled, at: At, port: u32) {
        let value = self.core.arena.node(at.frame, at.node).input.clone();
        self.succeed_node(flow, at, Emit { port, value, passed: true });
    }

    pub(crate) fn succeed_node(&mut self, flow: &Compiled, at: At, emit: Emit) {
        self.drop_timers(at);
        let now = self.core.at;
        let node = self.cnode(flow, at);
        let state = self.core.arena.node_mut(at.frame, at.node);
        state.become_(NodeStatus::Succeeded);
        state.finished_at = now;
        state.port = emit.port;
        state.output = emit.value.clone();
        // A kind without out-ports emits nowhere; its value can still be the graph's output.
        let port = node.ports.get(emit.port as usize).cloned().unwrap_or_default();
        self.node_event(flow, at, EventKind::NodeSucceeded { port, output: emit.value }, emit.passed);
        self.node_over(flow, at);
        self.settle(flow, at);
    }

    /// The node fails for good: its `error` edges are taken, or the graph around it fails.
    pub(crate) fn fail_node(&mut self, flow: &Compiled, at: At, mut error: NodeError) {
        // The error becomes a value one level around its detail.
        if deeper_than(&error.detail, json::MAX_DEPTH - 1) {
            error.detail = Value::Null;
        }
        self.drop_timers(at);
        let now = self.core.at;
        let node = self.cnode(flow, at);
        let state = self.core.arena.node_mut(at.frame, at.node);
        state.become_(NodeStatus::Failed);
        state.finished_at = now;
        state.extra().error = Some(error.clone());
        if let (true, Some(port)) = (node.handles_error, node.error_port) {
            state.port = port;
            state.output = error.to_value();
        }
        self.node_event(flow, at, EventKind::NodeFailed { error: error.clone() }, false);
        self.node_over(flow, at);
        if node.handles_error {
            self.settle(flow, at);
        } else {
            self.fail_frame(flow, at.frame, error);
        }
    }

    /// Stops a running or waiting node; a scope first stops what runs in it.
    pub(crate) fn cancel_node(&mut self, flow: &Compiled, at: At) {
        if self.has_child(at) {
            child::stop(self, flow, at, Ending::Cancelled);
        } else if scope::is_busy(self.core.arena.node_mut(at.frame, at.node).extra()) {
            self.close_scope(flow, at, Ending::Cancelled);
        } else {
            self.cancelled_node(flow, at);
        }
    }

    pub(crate) fn cancelled_node(&mut self, flow: &Compiled, at: At) {
        effect::drop_call(self, flow, at);
        self.drop_ask(flow, at);
        self.drop_timers(at);
        let now = self.core.at;
        let state = self.core.arena.node_mut(at.frame, at.node);
        state.become_(NodeStatus::Cancelled);
        state.finished_at = now;
        self.node_event(flow, at, EventKind::NodeCancelled, false);
        self.node_over(flow, at);
    }

    /// The node begins something that takes time: its timeout runs from here.
    pub(crate) fn started(&mut self, flow: &Compiled, at: At, node: &CNode) {
        if let Some(timeout) = node.policies.timeout {
            let due = self.core.at.plus(timeout);
            let id = self.set_timer(Timer { due, frame: at.frame, node: at.node, kind: TimerKind::Timeout });
            self.core.arena.node_mut(at.frame, at.node).extra().timeout = Some(id);
        }
        self.node_event(flow, at, EventKind::NodeStarted, false);
    }

    /// Whether the graph around the node goes on: in one that is being stopped nothing is tried again.
    pub(crate) fn goes_on(&self, at: At) -> bool {
        self.core.arena.frame(at.frame).status == FrameStatus::Running
    }

    pub(crate) fn scope_state(&mut self, at: At) -> Option<ScopeState> {
        self.core.arena.node_mut(at.frame, at.node).extra().scope.take()
    }

    pub(crate) fn put_scope(&mut self, at: At, state: ScopeState) {
        self.core.arena.node_mut(at.frame, at.node).extra().scope = Some(state);
    }

    fn start_scope(
        &mut self,
        flow: &Compiled,
        at: At,
        node: &CNode,
        primitive: Primitive,
        config: Value,
    ) -> Result<(), NodeError> {
        let extra = self.core.arena.node_mut(at.frame, at.node).extra();
        extra.config = config;
        extra.attempt = 1;
        self.started(flow, at, node);
        self.begin_scope(flow, at, primitive)
    }

    /// Begins one attempt of a scope with its frozen config.
    pub(crate) fn begin_scope(&mut self, flow: &Compiled, at: At, primitive: Primitive) -> Result<(), NodeError> {
        let config = self.core.arena.node_mut(at.frame, at.node).extra().config.clone();
        match primitive {
            Primitive::Map => map::start(self, flow, at, &config),
            Primitive::Try => try_::start(self, flow, at),
            Primitive::Parallel => parallel::start(self, flow, at, &config),
            Primitive::Race => race::start(self, flow, at),
            Primitive::Loop => loop_::start(self, flow, at, &config),
            Primitive::Saga => saga::start(self, flow, at, &config),
            Primitive::Flow => child::start(self, flow, at, &config),
            Primitive::Batch => batch::start(self, flow, at, &config),
            _ => Err(NodeError::new("internal", "only scopes hold graphs")),
        }
    }
}

/// The value, unless it is nested more deeply than any text that could hold it.
pub(crate) fn shallow(value: Value) -> Result<Value, NodeError> {
    if deeper_than(&value, json::MAX_DEPTH) {
        let message = format!("the value is nested more than {} levels deep", json::MAX_DEPTH);
        return Err(NodeError::new("too_deep", message));
    }
    Ok(value)
}

fn deeper_than(value: &Value, depth: u32) -> bool {
    match value {
        Value::List(items) => depth == 0 || items.iter().any(|item| deeper_than(item, depth - 1)),
        Value::Map(map) => depth == 0 || map.values().any(|item| deeper_than(item, depth - 1)),
        _ => false,
    }
}

/// The node's per-item fields, evaluated with `item` and `index` before the node's own names.
struct PerItem<'a> {
    node: &'a CNode,
    names: &'a dyn Scope,
}

struct ItemNames<'a> {
    item: &'a Value,
    index: i64,
    names: &'a dyn Scope,
}

impl Each for PerItem<'_> {
    fn eval(&self, pointer: &str, item: &Value, index: i64, meter: &mut Meter) -> Result<Value, ExprError> {
        self.node.config.each(pointer, &ItemNames { item, index, names: self.names }, meter)
    }

    fn scope(&self) -> &dyn Scope {
        self.names
    }
}

impl Scope for ItemNames<'_> {
    fn name(&self, name: &str) -> Option<Value> {
        match name {
            "item" => Some(self.item.clone()),
            "index" => Some(Value::Int(self.index)),
            _ => self.names.name(name),
        }
    }

    fn node(&self, key: &str) -> Option<Value> {
        self.names.node(key)
    }

    fn nodes(&self) -> Value {
        self.names.nodes()
    }
}
