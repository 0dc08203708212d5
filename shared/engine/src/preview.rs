//! Preview: a flow run at once on samples, in virtual time.
//!
//! Effects answer with the definition's sample for their path without indices, else with their kind's; so do signals, people
//! who are asked and flows that are called. Batches run as they do on the server, with the items that this one run brings. Kinds that keep something work on records that live as long as the preview. Timers fire as soon as nothing else is left to happen.

use crate::{
    Command, Compiled, EffectId, Input, Lineage, Machine, Outcome, Parent, RunInfo, RunStatus, RunView, Stamped,
    StartChild, Task, TaskKind, TimerId,
    arena::{BehaviourKind, CEdge, CNode},
    batch::{Joins, share},
    drive::{Oracle, drive},
    redact::redacted_form,
    remember::Memory,
    without_indices,
};
use holon_flow::{
    Catalogue,
    capability::{LocalRecords, NodeError, Primitive},
};
use holon_model::{Payload, RunId, Timestamp, Value, context::Budget, wire::runs::NodeRun};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
    sync::Arc,
};

/// What to preview with.
#[derive(Debug, Clone)]
pub struct PreviewRequest {
    /// The trigger's value; absent: the trigger's sample.
    pub input: Option<Value>,
    /// Key of the trigger; absent: the manual one, else the first.
    pub trigger: Option<Arc<str>>,
    /// The virtual time at which it starts.
    pub started_at: Timestamp,
    /// What it may use.
    pub budget: Budget,
    /// How many items of each map the view shows; all of them run.
    pub items: u32,
}

impl Default for PreviewRequest {
    fn default() -> Self {
        // A preview runs on every keystroke: a runaway flow must end soon.
        let budget = Budget { fuel: 5_000_000, bytes: 128 * 1024 * 1024 };
        Self { input: None, trigger: None, started_at: Timestamp(0), budget, items: u32::MAX }
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Nodes, output, error.
    pub view: RunView,
    /// Every edge of every graph that was reached, over all iterations together.
    pub edges: Vec<EdgeView>,
    /// Paths without indices of the nodes that answered from samples.
    pub sampled: Vec<String>,
    /// The log hash.
    pub log_hash: [u8; 32],
    /// How many times a node ran.
    pub steps: u64,
}

/// One edge and what went along it.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeView {
    /// `each/call.out`: path without indices and port.
    pub from: String,
    /// `each/next.in`
    pub to: String,
    /// `taken`, `skipped` or `pending`.
    pub state: &'static str,
    /// How often it was taken.
    pub count: u32,
    /// What it carried last.
    pub value: Option<Value>,
}

/// Runs the flow on samples.
pub fn preview(flow: &Arc<Compiled>, catalogue: &Catalogue, request: &PreviewRequest) -> Preview {
    run(flow, catalogue, request, None)
}

/// The same with what is remembered of the previews before it.
pub(crate) fn run(
    flow: &Arc<Compiled>,
    catalogue: &Catalogue,
    request: &PreviewRequest,
    memory: Option<&Memory>,
) -> Preview {
    let mut oracle = Samples::new(flow, catalogue, request);
    oracle.memory = memory;
    let mut machine = oracle.machine();
    drive(&mut machine, &mut oracle, &mut |_, _| {});
    let mut view = machine.view_of_first(request.items);
    let mut edges = edges(&machine);
    let mut steps = machine.core.arena.nodes.len() as u64;
    view.nodes.extend(oracle.ran.shown.into_iter().flat_map(|(_, nodes)| nodes));
    add_up(&mut edges, oracle.ran.edges);
    steps += oracle.ran.steps;
    Preview { view, edges, sampled: oracle.sampled.into_iter().collect(), log_hash: machine.log_hash(), steps }
}

/// Answers from samples.
struct Samples<'a> {
    flow: &'a Arc<Compiled>,
    catalogue: &'a Catalogue,
    answers: VecDeque<(EffectId, Stamped<Input>)>,
    /// Those that are set, with such that were set once: the next one first.
    timers: BinaryHeap<Reverse<(Timestamp, TimerId)>>,
    /// When those are due that are set.
    due: BTreeMap<TimerId, Timestamp>,
    sampled: BTreeSet<String>,
    /// What steps keep, for as long as this preview.
    records: LocalRecords,
    /// Batches that wait for more.
    gathering: Vec<Gathering>,
    /// Batches that were run.
    ran: Ran,
    /// What batches may use yet, all of them together.
    left: Budget,
    now: Timestamp,
    /// What the previews before this one computed.
    memory: Option<&'a Memory>,
}

/// What is shown of batches that were run; the rest of them is not kept.
#[derive(Default)]
struct Ran {
    /// Nodes of the last ones, with their path, in order.
    shown: VecDeque<(String, Vec<NodeRun>)>,
    /// Of each path so many.
    items: u32,
    /// All of them together.
    edges: Vec<EdgeView>,
    steps: u64,
}

impl Ran {
    fn note(&mut self, path: &str, machine: &Machine) {
        let here = || self.shown.iter().filter(|(known, _)| known == path);
        if u32::try_from(here().count()).is_ok_and(|count| count >= self.items.max(1)) {
            let oldest = self.shown.iter().position(|(known, _)| known == path);
            oldest.and_then(|oldest| self.shown.remove(oldest));
        }
        self.shown.push_back((path.to_owned(), machine.view_of_first(self.items).nodes));
        add_up(&mut self.edges, edges(machine));
        self.steps += machine.core.arena.nodes.len() as u64;
    }
}

/// Items that wait for others, with what they have in common.
struct Gathering {
    path: String,
    key: String,
    items: Vec<(StartChild, Joins)>,
}

impl<'a> Samples<'a> {
    fn new(flow: &'a Arc<Compiled>, catalogue: &'a Catalogue, request: &PreviewRequest) -> Self {
        let trigger = crate::graph::choose_trigger(flow, request.trigger.as_deref());
        let sample = || {
            let node = &flow.graphs[0].nodes[trigger? as usize];
            Some(flow.samples.get(&*node.key).unwrap_or(&node.kind.sample).clone())
        };
        let input = flow.redacted(request.input.clone().or_else(sample).unwrap_or_default());
        // A preview is not a run: its id is the one that no run has.
        let run_id = RunId::from(uuid::Uuid::nil());
        let run = RunInfo {
            trigger: request.trigger.clone(),
            fuel: request.budget.fuel,
            bytes: request.budget.bytes,
            environment: "preview".into(),
            ..RunInfo::new(run_id, 0, request.started_at)
        };
        let start = Input::Start { input: Payload::Inline(input), run: Box::new(run) };
        let start = (EffectId([0; 16]), Stamped::new(request.started_at, start));
        let ran = Ran { items: request.items, ..Ran::default() };
        let (answers, left, now) = (VecDeque::from([start]), request.budget, request.started_at);
        Self { answers, ran, left, now, ..Self::empty(flow, catalogue) }
    }

    fn empty(flow: &'a Arc<Compiled>, catalogue: &'a Catalogue) -> Self {
        Self {
            flow,
            catalogue,
            answers: VecDeque::new(),
            timers: BinaryHeap::new(),
            due: BTreeMap::new(),
            sampled: BTreeSet::new(),
            records: LocalRecords::new(),
            gathering: Vec::new(),
            ran: Ran::default(),
            left: Budget { fuel: 0, bytes: 0 },
            now: Timestamp(0),
            memory: None,
        }
    }

    /// A run of the flow, or of a batch of it.
    fn machine(&self) -> Machine {
        let mut machine = Machine::new(self.flow.clone());
        machine.memory = self.memory.cloned();
        machine
    }
}

impl Oracle for Samples<'_> {
    fn command(&mut self, at: Timestamp, command: Command) {
        match command {
            Command::RunEffect(effect) => {
                let kind = self.catalogue.get(&effect.kind);
                let local = kind.and_then(|kind| kind.local);
                let outcome = match local.filter(|_| !self.flow.samples.contains_key(&without_indices(&effect.path))) {
                    Some(local) => match local(&mut self.records, &effect.config, &effect.input) {
                        Ok(value) => Outcome::Ok(Payload::Inline(value)),
                        Err(error) => Outcome::Failed { error },
                    },
                    None => {
                        let sample = kind.map(|kind| kind.sample.clone());
                        Outcome::Ok(Payload::Inline(self.sample(&effect.path, |_| sample.unwrap_or_default())))
                    }
                };
                let input = Input::EffectCompleted { id: effect.id, attempt: effect.attempt, outcome };
                self.answers.push_back((effect.id, Stamped::new(at, input)));
            }
            Command::CancelEffect { id } | Command::DropWait { id } | Command::CancelTask { id } => {
                self.answers.retain(|(answer, _)| *answer != id);
            }
            Command::AwaitSignal { id, path, name, correlation } => {
                let payload = Payload::Inline(self.sample(&path, kind_sample));
                let input = Input::Signal { name, correlation, sender: id.key(), payload };
                self.answers.push_back((id, Stamped::new(at, input)));
            }
            Command::OpenTask(task) => {
                let input = self.answer(&task);
                self.answers.push_back((task.id, Stamped::new(at, input)));
            }
            Command::StartChild(child) if child.joins().is_some() => self.gather(at, *child),
            Command::StartChild(child) => {
                let outcome = Outcome::Ok(Payload::Inline(self.sample(&child.path, kind_sample)));
                self.answers.push_back((child.id, Stamped::new(at, Input::ChildEnded { id: child.id, outcome })));
            }
            Command::SetTimer { id, due } => {
                self.timers.push(Reverse((due, id)));
                self.due.insert(id, due);
            }
            Command::CancelTimer { id } => {
                self.due.remove(&id);
            }
            Command::CancelChild { id } => self.take_back(at, id),
            Command::Respond(_) | Command::Finish(_) | Command::EscalateTask { .. } => {}
        }
    }

    fn next(&mut self) -> Option<Stamped<Input>> {
        if self.answers.is_empty() && !self.gathering.is_empty() {
            // Nothing else happens that could bring more.
            self.run_batch(0);
        }
        if let Some((_, answer)) = self.answers.pop_front() {
            return Some(answer);
        }
        let (due, id) = loop {
            let Reverse((due, id)) = self.timers.pop()?;
            if self.due.get(&id) == Some(&due) {
                break (due, id);
            }
        };
        self.due.remove(&id);
        self.now = self.now.max(due);
        Some(Stamped::new(self.now, Input::TimerFired { id }))
    }
}

impl Samples<'_> {
    /// An item for a batch, which is run once it has as many as it takes.
    fn gather(&mut self, at: Timestamp, child: StartChild) {
        let Some(joins) = child.joins() else { return };
        let size = joins.batch.get("size").and_then(Value::as_int).unwrap_or(1);
        self.now = self.now.max(at);
        let same = |known: &Gathering| known.path == joins.path && known.key == joins.key;
        let line = self.gathering.iter().position(same).unwrap_or_else(|| {
            let (path, key) = (joins.path.clone(), joins.key.clone());
            self.gathering.push(Gathering { path, key, items: Vec::new() });
            self.gathering.len() - 1
        });
        let items = &mut self.gathering[line].items;
        items.push((child, joins));
        if i64::try_from(items.len()).is_ok_and(|items| items >= size) {
            self.run_batch(line);
        }
    }

    /// An item that waits for others is not wanted any more. A call ends with the answer that is on its way.
    fn take_back(&mut self, at: Timestamp, id: EffectId) {
        let mut back = false;
        self.gathering.retain_mut(|Gathering { items, .. }| {
            let before = items.len();
            items.retain(|(child, _)| child.id != id);
            back |= items.len() < before;
            !items.is_empty()
        });
        if back {
            let outcome = Outcome::Cancelled { reason: String::new() };
            self.answers.push_back((id, Stamped::new(at, Input::ChildEnded { id, outcome })));
        }
    }

    /// Runs a batch as the server does, as a run of its own, and answers those who brought its items. What does not fit waits for the next one.
    fn run_batch(&mut self, line: usize) {
        let Gathering { path, key, items } = self.gathering.remove(line);
        let Some((first, joins)) = items.first() else { return };
        let Budget { fuel, bytes } = self.left;
        let run_id = RunId::from(uuid::Uuid::nil());
        let run = RunInfo {
            trigger: Some(path.as_str().into()),
            fuel,
            bytes,
            environment: "preview".into(),
            lineage: Some(Box::new(Lineage { depth: first.depth, ..Lineage::default() })),
            ..RunInfo::new(run_id, 0, self.now)
        };
        let member = |child: &StartChild| Parent { run: run_id, id: child.id };
        let begin = Input::Start { input: Payload::Inline(joins.batch.clone()), run: Box::new(run) };
        let brought = items
            .iter()
            .map(|(child, joins)| Input::Joined { member: member(child), item: Payload::Inline(joins.item.clone()) });
        let inputs =
            std::iter::once(begin).chain(brought).map(|input| (EffectId([0; 16]), Stamped::new(self.now, input)));
        // What is kept is kept for the whole preview; the timer of the collecting fires when all items are there.
        let mut apart = Samples {
            answers: inputs.collect(),
            now: self.now,
            records: std::mem::take(&mut self.records),
            sampled: std::mem::take(&mut self.sampled),
            ran: std::mem::take(&mut self.ran),
            left: self.left,
            memory: self.memory,
            ..Samples::empty(self.flow, self.catalogue)
        };
        let mut machine = self.machine();
        drive(&mut machine, &mut apart, &mut |_, _| {});
        (self.records, self.sampled, self.ran) = (apart.records, apart.sampled, apart.ran);
        // On the server each batch has a budget of its own, as each run has; a preview has one, and many batches must end soon, too.
        let (fuel, bytes) = machine.budget_left();
        let spent = |had: u64, left: u64, inner: u64| inner.saturating_sub(had.saturating_sub(left));
        self.left = Budget {
            fuel: spent(self.left.fuel, fuel, apart.left.fuel),
            bytes: spent(self.left.bytes, bytes, apart.left.bytes),
        };
        let nothing = || Outcome::Failed { error: NodeError::new("internal", "the batch did not end") };
        let outcome = machine.outcome().cloned().unwrap_or_else(nothing);
        // One that could not begin has nobody, and the next one could not either.
        let (taken, later): (Vec<_>, Vec<_>) = match machine.has_members() {
            true => items.into_iter().partition(|(child, _)| machine.has_member(member(child))),
            false => (items, Vec::new()),
        };
        for (number, (child, _)) in taken.iter().enumerate() {
            let outcome = share(&outcome, number, taken.len());
            let input = Input::ChildEnded { id: child.id, outcome };
            self.answers.push_back((child.id, Stamped::new(self.now, input)));
        }
        self.ran.note(&path, &machine);
        if !later.is_empty() {
            self.gathering.push(Gathering { path, key, items: later });
        }
    }

    /// The definition's sample for a path, else what its node's kind has.
    fn sample(&mut self, path: &str, kind: impl FnOnce(Option<&CNode>) -> Value) -> Value {
        let path = without_indices(path);
        let (own, node) = (self.flow.samples.get(&path).cloned(), self.flow.node_at(&path));
        let sample = own.unwrap_or_else(|| kind(node));
        self.sampled.insert(path);
        // A preview knows no more of it than a run does. Of a person's answer the form is all that is replaced, by its schema too.
        let approval = node.is_some_and(|node| matches!(node.behaviour, BehaviourKind::Primitive(Primitive::Approval)));
        match node.filter(|_| !approval) {
            Some(node) => node.redaction.apply(sample),
            None => sample,
        }
    }

    /// The answer of a person: the sample's, else the first choice with a form that is filled in somehow. What a compensation
    /// that keeps failing leaves is left.
    fn answer(&mut self, task: &Task) -> Input {
        let by = "preview".to_owned();
        if task.kind == TaskKind::Compensation {
            let form = Payload::Inline(Value::map([("reason", Value::from("preview"))]));
            return Input::TaskAnswered { id: task.id, choice: "skip".to_owned(), form, by };
        }
        let sample = self.sample(&task.path, |_| Value::Null);
        let first = task.choices.first().map(|choice| choice.key.clone()).unwrap_or_default();
        let chosen = sample.get("choice").and_then(Value::as_str);
        let chosen = chosen.filter(|chosen| task.choices.iter().any(|choice| choice.key == *chosen));
        let form = sample.get("form").cloned().unwrap_or_else(|| filled(&task.form, 0));
        let mut form = Payload::Inline(form);
        if let Some(node) = self.flow.node_at(&task.path) {
            form = redacted_form(node, &task.form, form);
        }
        Input::TaskAnswered { id: task.id, choice: chosen.map_or(first, str::to_owned), form, by }
    }
}

fn kind_sample(node: Option<&CNode>) -> Value {
    node.map(|node| node.kind.sample.clone()).unwrap_or_default()
}

/// A value that a simple schema accepts: defaults and first choices where it names some, else the least of its type.
fn filled(schema: &Value, depth: u32) -> Value {
    const DEEPEST: u32 = 8;
    let first = |field: &str| schema.get(field).and_then(Value::as_list).and_then(|items| items.first()).cloned();
    let given = schema.get("default").or_else(|| schema.get("const")).cloned();
    if let Some(value) = given.or_else(|| first("examples")).or_else(|| first("enum")) {
        return value;
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") if depth < DEEPEST => {
            let required = schema.get("required").and_then(Value::as_list).unwrap_or_default();
            let fields = required.iter().filter_map(|name| match name {
                Value::Str(name) => Some(name.clone()),
                _ => None,
            });
            let property = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
            Value::map(fields.map(|name| {
                let value = property(&name).map(|schema| filled(schema, depth + 1)).unwrap_or_default();
                (name, value)
            }))
        }
        Some("array") => Value::list([]),
        Some("string") => {
            let least = schema.get("minLength").and_then(Value::as_int).and_then(|least| usize::try_from(least).ok());
            Value::from("x".repeat(least.unwrap_or(0).min(100)))
        }
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(Value::Int(0)),
        Some("boolean") => Value::Bool(false),
        _ => Value::Null,
    }
}

/// What went along one edge, while frames are added up.
#[derive(Clone, Default)]
struct Flowed<'a> {
    count: u32,
    settled: bool,
    value: Option<&'a Value>,
}

fn edges(machine: &Machine) -> Vec<EdgeView> {
    let (flow, arena) = (&machine.flow, &machine.core.arena);
    // By graph: none until one of its frames was opened, then one entry for each in-edge of each node in order.
    let mut flowed: Vec<Option<Vec<Flowed<'_>>>> = vec![None; flow.graphs.len()];
    for (frame, shown) in arena.frames.iter().zip(machine.shown_frames(u32::MAX)) {
        let nodes = &flow.graphs[frame.graph as usize].nodes;
        let sums = flowed[frame.graph as usize]
            .get_or_insert_with(|| vec![Flowed::default(); nodes.iter().map(|node| node.ins.len()).sum()]);
        for (edge, sum) in nodes.iter().flat_map(|node| &node.ins).zip(sums).filter(|_| shown) {
            let source = &arena.nodes[(frame.first + edge.from) as usize];
            sum.settled |= source.status.is_terminal();
            if source.port == edge.port {
                sum.count += 1;
                sum.value = Some(&source.output);
            }
        }
    }
    let mut views = Vec::new();
    for (graph, sums) in flow.graphs.iter().zip(flowed) {
        let edges = graph.nodes.iter().flat_map(|node| node.ins.iter().map(move |edge| (node, edge)));
        for ((node, edge), sum) in edges.zip(sums.into_iter().flatten()) {
            views.push(view(&graph.prefix, &graph.nodes[edge.from as usize], node, *edge, &sum));
        }
    }
    views
}

/// Adds what went along the edges of another machine of the same flow.
fn add_up(edges: &mut Vec<EdgeView>, more: Vec<EdgeView>) {
    for edge in more {
        match edges.iter_mut().find(|known| known.from == edge.from && known.to == edge.to) {
            Some(known) => {
                known.count += edge.count;
                if edge.value.is_some() {
                    (known.state, known.value) = (edge.state, edge.value);
                }
            }
            None => edges.push(edge),
        }
    }
}

fn view(prefix: &str, from: &CNode, to: &CNode, edge: CEdge, sum: &Flowed<'_>) -> EdgeView {
    let in_port = to.kind.ports.inputs.get(edge.in_port as usize).map_or("in", String::as_str);
    EdgeView {
        from: format!("{prefix}{}.{}", from.key, from.ports[edge.port as usize]),
        to: format!("{prefix}{}.{in_port}", to.key),
        state: match (sum.count > 0, sum.settled) {
            (true, _) => "taken",
            (false, true) => "skipped",
            (false, false) => "pending",
        },
        count: sum.count,
        value: sum.value.cloned(),
    }
}

impl Preview {
    /// Where the run got to.
    pub fn status(&self) -> RunStatus {
        self.view.status
    }
}
