//! What the canvas draws, as signals, and what it tells.

use std::{collections::BTreeMap, collections::BTreeSet, sync::Arc};

use holon_flow::definition::{Definition, Key};
use holon_model::wire::flows::Severity;
use holon_studio::{
    GraphPath, GraphView, Kinds, Point,
    geometry::Viewport,
    states::{EdgeState, NodeState},
};
use leptos::prelude::*;

/// What is selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Nodes of the graph that is shown.
    pub nodes: BTreeSet<Key>,
    /// An edge, `from>to`.
    pub edge: Option<String>,
}

impl Selection {
    /// One node.
    pub fn node(key: &Key) -> Self {
        Self { nodes: [key.clone()].into(), edge: None }
    }

    /// The node, when it is the only thing selected.
    pub fn single(&self) -> Option<&Key> {
        self.nodes.first().filter(|_| self.nodes.len() == 1)
    }
}

/// The worst problem of each node that has one.
pub type Problems = BTreeMap<Key, (Severity, String)>;

/// What a person did on the canvas. Ports are `key.port`.
#[expect(missing_docs, reason = "the fields say what the variant's words say")]
#[derive(Debug, Clone, PartialEq)]
pub enum CanvasEvent {
    /// Moved the selected nodes.
    Moved(Point),
    /// Drew an edge from port to port.
    Connect { from: String, to: String },
    /// Drew an edge to where nothing is.
    Dropped { from: String, at: Point },
    /// Clicked an out-port.
    Picked(String),
    /// Wants to see into a body of a scope.
    Enter { node: Key, body: Key },
    /// Double-clicked a node.
    Open(Key),
    /// Double-clicked where nothing is.
    Add(Point),
    /// Let something fall here that was dragged from the palette.
    Fell { data: String, at: Point },
}

/// What a run and validation say about the graph that is shown.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// States of the nodes.
    pub states: Signal<Arc<BTreeMap<Key, NodeState>>>,
    /// States of the edges, by `from>to`.
    pub edges: Signal<Arc<BTreeMap<String, EdgeState>>>,
    /// Problems of the nodes.
    pub problems: Signal<Arc<Problems>>,
}

/// Everything a canvas draws.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// The flow.
    pub definition: Signal<Arc<Definition>>,
    /// The graph with its places, as it looks now, while it is dragged too. For who asks once: what is drawn follows
    /// `graph`.
    pub view: Memo<Arc<GraphView>>,
    /// The graph with its places, as the definition has them: a drag changes nothing here, so that a step of it costs as much as what
    /// moves, and not as much as all there is.
    pub(super) graph: Memo<Arc<GraphView>>,
    /// Which graph of the definition.
    pub path: RwSignal<GraphPath>,
    /// Which iteration of each scope on the way is shown.
    pub iterations: RwSignal<Vec<u32>>,
    /// States of the nodes.
    pub states: Signal<Arc<BTreeMap<Key, NodeState>>>,
    /// States of the edges.
    pub edges: Signal<Arc<BTreeMap<String, EdgeState>>>,
    /// Problems of the nodes.
    pub problems: Signal<Arc<Problems>>,
    /// What is selected.
    pub selection: RwSignal<Selection>,
    /// What part is seen.
    pub viewport: RwSignal<Viewport>,
    /// Width and height of the canvas on the screen.
    pub size: RwSignal<(f64, f64)>,
    /// How far the selected nodes are dragged.
    pub drag: RwSignal<Point>,
    /// Whether it can be edited.
    pub editable: bool,
}

impl Scene {
    /// A scene of the graph at `path`.
    pub fn new(
        definition: Signal<Arc<Definition>>,
        kinds: Signal<Arc<Kinds>>,
        path: RwSignal<GraphPath>,
        iterations: RwSignal<Vec<u32>>,
        said: Said,
        editable: bool,
    ) -> Self {
        let Said { states, edges, problems } = said;
        let selection = RwSignal::new(Selection::default());
        let drag = RwSignal::new(Point::default());
        let look = move |off: &dyn Fn(&Key) -> Point| {
            Arc::new(GraphView::new(&definition.get(), &path.get(), &kinds.get(), off))
        };
        let graph = Memo::new(move |_| look(&|_| Point::default()));
        let view = Memo::new(move |_| match drag.get() {
            by if by == Point::default() => graph.get(),
            by => selection
                .with(|selection| look(&|key| if selection.nodes.contains(key) { by } else { Point::default() })),
        });
        Self {
            definition,
            view,
            graph,
            path,
            iterations,
            states,
            edges,
            problems,
            selection,
            viewport: RwSignal::new(Viewport::default()),
            size: RwSignal::new((0.0, 0.0)),
            drag,
            editable,
        }
    }

    /// Moves the view so that a node is seen.
    pub fn reveal(self, key: &Key) {
        let rect = self.graph.with_untracked(|graph| graph.nodes.get(key).map(|node| node.rect));
        let Some(rect) = rect else { return };
        let (width, height) = self.size.get_untracked();
        if width > 0.0 {
            let next = self.viewport.get_untracked().reveal(rect, width, height);
            if next != self.viewport.get_untracked() {
                self.viewport.set(next);
            }
        }
    }
}
