//! The editor's state, in one place: the document, what is looked at, what preview said, what is saved.

use std::{collections::BTreeMap, sync::Arc};

use holon_flow::definition::{Definition, Key};
use holon_model::{
    FlowId, Problem, Value,
    wire::flows::{Catch, Flow, Severity, VersionSummary, Webhook},
};
use holon_studio::{
    Command, GraphPath, History, Kinds, Point, compose, path, states,
    worker::{Ask, PreviewReply},
};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{save, strings};
use crate::{
    canvas::{Problems, Said, Scene, Selection},
    engine,
    ui::{Toasts, use_toasts},
};

/// How the draft stands on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Saving {
    Saved,
    Pending,
    Running,
    Failed,
    Stale,
}

/// What a node that is added next belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Adding {
    /// The out-port it is connected to.
    pub after: Option<String>,
    /// Where it stands.
    pub at: Option<Point>,
    /// The edge it is put on.
    pub edge: Option<String>,
}

/// The dialog that is open.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asking {
    Connect(String),
    Publish,
    Run,
    Stale,
    Keys,
    /// Leaving for this address although something is not saved.
    Leave(String),
}

/// The inspector's first tab.
pub(super) const SETTINGS: &str = "settings";

/// The tab of the drawer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Problems,
    Input,
    Output,
}

/// The editor of one flow.
#[derive(Clone, Copy)]
pub(super) struct Editor {
    pub flow: FlowId,
    pub definition: RwSignal<Arc<Definition>>,
    pub kinds: RwSignal<Arc<Kinds>>,
    pub scene: Scene,
    pub preview: RwSignal<Arc<PreviewReply>>,
    pub trouble: RwSignal<Option<String>>,
    pub trigger: RwSignal<Option<String>>,
    pub saving: RwSignal<Saving>,
    pub published: RwSignal<Option<VersionSummary>>,
    pub webhooks: RwSignal<Vec<Webhook>>,
    pub undo: RwSignal<Option<String>>,
    pub redo: RwSignal<Option<String>>,
    pub drawer: RwSignal<Option<Tab>>,
    pub asking: RwSignal<Option<Asking>>,
    pub adding: RwSignal<Adding>,
    /// The open tab of the inspector. It outlives the node that is shown: going from node to node compares the same thing.
    pub tab: RwSignal<&'static str>,
    /// The open tab of the left panel.
    pub side: RwSignal<&'static str>,
    pub said: RwSignal<String>,
    /// Owns what saving needs, so that it outlives the page while its last changes are on the way: the definition, how it
    /// is saved and why not, the history, the revision, whether a save runs, and what was sent without an answer.
    pub keeper: StoredValue<Owner>,
    /// Why the last save failed; none once one succeeded.
    pub wrong: RwSignal<Option<Problem>>,
    /// Definitions as saves without an answer would have made them.
    pub lost: StoredValue<Vec<Value>>,
    /// The test address that a delivery is awaited at.
    pub catching: RwSignal<Option<Catch>>,
    /// Whether a run is being started.
    pub starting: RwSignal<bool>,
    pub history: StoredValue<History>,
    pub revision: StoredValue<i64>,
    pub busy: StoredValue<bool>,
    pub timer: StoredValue<Option<leptos::leptos_dom::helpers::TimeoutHandle>>,
    pub toasts: Toasts,
}

/// The editor around this component.
pub(super) fn use_editor() -> Editor {
    expect_context::<Editor>()
}

impl Editor {
    /// An editor of what the server sent.
    pub fn new(flow: &Flow, definition: Definition, kinds: Arc<Kinds>) -> Self {
        // Without a parent: the page's owner does not clean it.
        let keeper = Owner::default();
        let (definition, saving, wrong) =
            keeper.with(|| (RwSignal::new(Arc::new(definition)), RwSignal::new(Saving::Saved), RwSignal::new(None)));
        let (history, revision, busy, lost) = keeper.with(|| {
            let history = StoredValue::new(History::new());
            (history, StoredValue::new(flow.revision), StoredValue::new(false), StoredValue::new(Vec::new()))
        });
        let kinds = RwSignal::new(kinds);
        let preview = RwSignal::new(Arc::new(PreviewReply::default()));
        let at = RwSignal::new(GraphPath::root());
        let iterations = RwSignal::new(Vec::new());
        let node_states = Memo::new(move |_| {
            preview.with(|preview| {
                let at = at.get();
                let nodes = states::nodes(&at, &iterations.get(), &preview.nodes, &preview.sampled);
                Arc::new(states::timed(nodes, &at, &preview.computed))
            })
        });
        let edge_states = Memo::new(move |_| {
            preview.with(|preview| {
                Arc::new(states::edges(&definition.get(), &at.get(), &iterations.get(), &preview.nodes))
            })
        });
        let problems = Memo::new(move |_| preview.with(|preview| Arc::new(problems(preview, &at.get()))));
        let said = Said { states: node_states.into(), edges: edge_states.into(), problems: problems.into() };
        let scene = Scene::new(definition.into(), kinds.into(), at, iterations, said, true);
        let editor = Self {
            flow: flow.id,
            definition,
            kinds,
            scene,
            preview,
            trouble: RwSignal::new(None),
            trigger: RwSignal::new(None),
            saving,
            published: RwSignal::new(flow.published.clone()),
            webhooks: RwSignal::new(flow.webhooks.clone()),
            undo: RwSignal::new(None),
            redo: RwSignal::new(None),
            drawer: RwSignal::new(Some(Tab::Input)),
            asking: RwSignal::new(None),
            adding: RwSignal::new(Adding::default()),
            tab: RwSignal::new(SETTINGS),
            side: RwSignal::new(super::palette::SIDE),
            said: RwSignal::new(String::new()),
            keeper: StoredValue::new(keeper),
            wrong,
            lost,
            catching: RwSignal::new(None),
            starting: RwSignal::new(false),
            history,
            revision,
            busy,
            timer: StoredValue::new(None),
            toasts: use_toasts(),
        };
        Effect::new(move |_| editor.run_preview());
        editor
    }

    /// Runs the flow on its samples, in the worker.
    fn run_preview(self) {
        let question = Ask::Preview {
            definition: self.definition.with(|definition| definition.to_value()),
            trigger: self.trigger.get(),
        };
        engine::preview(question, move |answer| match answer {
            Ok(reply) => {
                self.trouble.try_set(None);
                let before = self.preview.try_with_untracked(|preview| strings::outcome(preview));
                if before.is_some_and(|before| before != strings::outcome(&reply) && !reply.status.is_empty()) {
                    self.said.try_set(strings::preview_is(strings::outcome(&reply)));
                }
                self.preview.try_set(Arc::new(reply));
                // It runs now, but did not when the page asked for the kinds.
                if self.kinds.try_with_untracked(|kinds| kinds.is_empty()) == Some(true) {
                    self.load_kinds();
                }
            }
            Err(error) => {
                self.trouble.try_set(Some(error.to_string()));
            }
        });
    }

    /// Runs the preview again after trouble. Without kinds it was their loading that failed.
    pub fn again(self) {
        self.trouble.set(None);
        if !self.kinds.with_untracked(|kinds| kinds.is_empty()) {
            return self.definition.notify();
        }
        self.load_kinds();
    }

    /// Loads the kinds, then runs the preview.
    fn load_kinds(self) {
        spawn_local(async move {
            match engine::kinds().await {
                Ok(kinds) => {
                    self.kinds.try_set(kinds);
                    self.definition.try_update(|_| ());
                }
                Err(error) => _ = self.trouble.try_set(Some(error.to_string())),
            }
        });
    }

    /// Ends a step of the history: what follows is taken back on its own.
    pub fn seal(self) {
        self.history.try_update_value(History::seal);
    }

    /// Does something; says why when it cannot be done.
    pub fn perform(self, command: Command) -> bool {
        let mut definition = Definition::clone(&self.definition.get_untracked());
        let done = self.history.try_update_value(|history| history.perform(&mut definition, command));
        match done {
            Some(Ok(())) => {
                self.changed(definition);
                true
            }
            Some(Err(error)) => {
                self.toasts.bad(error.to_string());
                false
            }
            None => false,
        }
    }

    /// The same for what puts something somewhere: everything else stays where it is drawn.
    pub fn perform_settled(self, command: Command) -> bool {
        let command = self.definition.with_untracked(|definition| {
            self.kinds.with_untracked(|kinds| compose::settled(definition, &self.at(), kinds, command))
        });
        self.perform(command)
    }

    /// Takes the last step back.
    pub fn undo(self) {
        self.step(|history, definition| history.undo(definition), self.undo, strings::UNDID);
    }

    /// Does the last step that was taken back again.
    pub fn redo(self) {
        self.step(|history, definition| history.redo(definition), self.redo, strings::REDID);
    }

    fn step(
        self,
        walk: impl FnOnce(&mut History, &mut Definition) -> Result<Option<Command>, holon_studio::CommandError>,
        label: RwSignal<Option<String>>,
        word: &str,
    ) {
        let said = label.get_untracked().map(|label| format!("{word} {label}"));
        let mut definition = Definition::clone(&self.definition.get_untracked());
        match self.history.try_update_value(|history| walk(history, &mut definition)) {
            Some(Ok(Some(_))) => {
                self.changed(definition);
                self.said.set(said.unwrap_or_default());
            }
            Some(Err(error)) => self.toasts.bad(error.to_string()),
            _ => {}
        }
    }

    fn changed(self, definition: Definition) {
        // What is looked at may be gone.
        let mut at = self.scene.path.get_untracked();
        while at.find(&definition).is_none() {
            at = at.parent().map(|(parent, _)| parent).unwrap_or_default();
        }
        if at != self.scene.path.get_untracked() {
            self.scene.path.set(at.clone());
        }
        let selection = self.scene.selection.get_untracked();
        let graph = at.find(&definition);
        let there = |key: &Key| graph.is_some_and(|graph| graph.nodes.contains_key(key));
        if selection.nodes.iter().any(|key| !there(key)) {
            let nodes = selection.nodes.into_iter().filter(there).collect();
            self.scene.selection.set(Selection { nodes, edge: None });
        }
        self.definition.set(Arc::new(definition));
        self.history.with_value(|history| {
            self.undo.set(history.undo_label().map(str::to_owned));
            self.redo.set(history.redo_label().map(str::to_owned));
        });
        save::schedule(self);
    }

    /// The graph that is looked at.
    pub fn at(self) -> GraphPath {
        self.scene.path.get_untracked()
    }

    /// Shows a graph, with nothing selected.
    pub fn show(self, at: GraphPath) {
        self.scene.selection.set(Selection::default());
        self.look_at(at);
    }

    fn look_at(self, at: GraphPath) {
        if self.scene.path.get_untracked() != at {
            self.scene.iterations.update(|iterations| iterations.resize(at.0.len(), 0));
            self.scene.path.set(at);
        }
    }

    /// Selects a node wherever it stands, and shows it.
    pub fn go_to(self, at: GraphPath, key: &Key) {
        self.look_at(at);
        self.scene.selection.set(Selection::node(key));
        self.scene.reveal(key);
    }

    /// Looks into a body of a scope.
    pub fn enter(self, node: &Key, body: &Key) {
        self.scene.selection.set(Selection::default());
        self.scene.path.update(|path| *path = path.child(node, body));
    }

    /// Adds a node of a kind where the palette was asked for.
    pub fn add(self, kind: &str) {
        let (definition, kinds, at) = (self.definition.get_untracked(), self.kinds.get_untracked(), self.at());
        let Some(kind) = kinds.get(kind) else { return };
        let adding = self.adding.get_untracked();
        let edge = adding.edge.as_ref().and_then(|id| {
            let graph = at.find(&definition)?;
            graph.edges.iter().find(|edge| format!("{}>{}", edge.from, edge.to) == *id).cloned()
        });
        let made = match edge {
            Some(edge) => compose::insert_on_edge(&definition, &at, &kinds, kind, &edge),
            None => {
                // Put at a place of its own it stands alone.
                let after = adding.after.or_else(|| adding.at.is_none().then(|| self.natural_source(kind.trigger))?);
                compose::add(&definition, &at, &kinds, kind, adding.at, after.as_deref())
            }
        };
        let Some((command, key)) = made else { return };
        self.adding.set(Adding::default());
        if self.perform_settled(command) {
            // What is new is set up first.
            self.tab.set(SETTINGS);
            self.scene.selection.set(Selection::node(&key));
            self.scene.reveal(&key);
            self.said.set(strings::added(&key));
        }
    }

    /// With one node selected, or with only one there, whose first output leads nowhere, a new node continues it.
    fn natural_source(self, trigger: bool) -> Option<String> {
        if trigger {
            return None;
        }
        let definition = self.definition.get_untracked();
        let at = self.at();
        let graph = at.find(&definition)?;
        let key = self.scene.selection.with_untracked(|selection| match selection.nodes.len() {
            0 => graph.nodes.keys().next().filter(|_| graph.nodes.len() == 1).cloned(),
            _ => selection.single().cloned(),
        })?;
        let ports = self.kinds.with_untracked(|kinds| graph.nodes.get(&key).map(|node| kinds.out_ports(node)))?;
        let free = |port: &&String| {
            *port != "error" && !graph.edges.iter().any(|edge| edge.from.node == key && *edge.from.port == ***port)
        };
        ports.iter().find(free).map(|port| format!("{key}.{port}"))
    }

    /// Removes what is selected.
    pub fn delete(self) {
        let selection = self.scene.selection.get_untracked();
        let at = self.at();
        if let Some((from, to)) = selection.edge.as_deref().and_then(|edge| edge.split_once('>')) {
            self.perform(Command::Disconnect { at: at.clone(), from: from.to_owned(), to: to.to_owned() });
            self.scene.selection.set(Selection::default());
        }
        if !selection.nodes.is_empty() {
            let count = selection.nodes.len();
            if self.perform(Command::Remove { at, keys: selection.nodes }) {
                self.said.set(strings::deleted(count));
            }
        }
    }

    /// Moves what is selected.
    pub fn move_by(self, by: Point) {
        let view = self.scene.view.get_untracked();
        let drag = self.scene.drag.get_untracked();
        let places: BTreeMap<Key, Option<Point>> = self.scene.selection.with_untracked(|selection| {
            let place = |key: &Key| {
                let rect = view.nodes.get(key)?.rect;
                // The view shows the nodes already where they are dragged to.
                let from = Point::new(rect.x - drag.x, rect.y - drag.y);
                Some((key.clone(), Some(from.plus(by))))
            };
            selection.nodes.iter().filter_map(place).collect()
        });
        if !places.is_empty() {
            self.perform_settled(Command::Move { at: self.at(), places });
        }
    }

    /// Draws an edge.
    pub fn connect(self, from: &str, to: &str) {
        let at = self.at();
        let definition = self.definition.get_untracked();
        let Some(graph) = at.find(&definition) else { return };
        if graph.edges.iter().any(|edge| edge.from.to_string() == from && edge.to.to_string() == to) {
            return;
        }
        if compose::closes_cycle(graph, from, to) {
            self.toasts.bad(strings::CIRCLE);
            return;
        }
        if self.perform(Command::Connect { at, from: from.to_owned(), to: to.to_owned() }) {
            self.said.set(strings::connected(from, to));
        }
    }
}

/// The worst problem of each node of the graph at `at`; what is wrong inside a scope counts for the scope.
fn problems(preview: &PreviewReply, at: &GraphPath) -> Problems {
    let mut out = Problems::new();
    for found in &preview.diagnostics {
        let Some((graph, key, _)) = path::locate(&found.pointer) else { continue };
        let key = match graph.0.get(at.0.len()) {
            _ if graph == *at => key,
            Some(step) if graph.prefix(at.0.len()) == *at => step.node.clone(),
            _ => continue,
        };
        let worse = |severity: &Severity| *severity < found.severity;
        if out.get(&key).is_none_or(|(severity, _)| worse(severity)) {
            out.insert(key, (found.severity, found.message.clone()));
        }
    }
    out
}
