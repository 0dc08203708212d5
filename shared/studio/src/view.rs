//! A graph as it is drawn: cards and curves with everything decided, so that a view only has to show them.

use crate::{
    GraphPath, Kinds, Point, Rect,
    geometry::{self, Curve, FOOT, WIDTH},
    layout, place,
};
use holon_flow::definition::{Definition, Graph, Key, Node};
use std::collections::BTreeMap;

/// A card.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeView {
    /// Its key.
    pub key: Key,
    /// Its kind's id.
    pub kind: String,
    /// The kind's title.
    pub title: String,
    /// What it does with its settings.
    pub line: String,
    /// Name of an icon.
    pub icon: String,
    /// In-ports.
    pub inputs: Vec<String>,
    /// Out-ports, `error` last.
    pub outputs: Vec<String>,
    /// Bodies with the number of nodes in them.
    pub bodies: Vec<(Key, usize)>,
    /// Whether it passes its input through.
    pub disabled: bool,
    /// The remark.
    pub note: String,
    /// Whether the kind is in the catalogue.
    pub known: bool,
    /// Where it stands and how large it is, without its foot.
    pub rect: Rect,
}

impl NodeView {
    /// Where an in-port stands.
    pub fn input(&self, port: &str) -> Point {
        let index = self.inputs.iter().position(|found| found == port).unwrap_or(0);
        Point::new(self.rect.x, self.rect.y + geometry::port_y(index, self.inputs.len()))
    }

    /// Where an out-port stands.
    pub fn output(&self, port: &str) -> Point {
        let index = self.outputs.iter().position(|found| found == port).unwrap_or(0);
        Point::new(self.rect.x + WIDTH, self.rect.y + geometry::port_y(index, self.outputs.len()))
    }
}

/// A curve.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeView {
    /// `key.port`
    pub from: String,
    /// `key.port`
    pub to: String,
    /// The node it leaves.
    pub source: Key,
    /// The node it reaches.
    pub target: Key,
    /// Whether it carries a failure.
    pub error: bool,
    /// Its shape.
    pub curve: Curve,
}

impl EdgeView {
    /// Its name among the edges of the graph.
    pub fn id(&self) -> String {
        format!("{}>{}", self.from, self.to)
    }
}

/// A graph to draw.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GraphView {
    /// Cards by key.
    pub nodes: BTreeMap<Key, NodeView>,
    /// Curves by [`EdgeView::id`].
    pub edges: BTreeMap<String, EdgeView>,
}

impl GraphView {
    /// The graph at `path`; nodes without a place get one. `moved` nodes stand off their place, while they are dragged.
    pub fn new(definition: &Definition, path: &GraphPath, kinds: &Kinds, moved: &dyn Fn(&Key) -> Point) -> Self {
        let Some(graph) = path.find(definition) else { return Self::default() };
        let places = places(definition, path, graph, kinds);
        let nodes: BTreeMap<Key, NodeView> = graph
            .nodes
            .iter()
            .map(|(key, node)| {
                let at = places.get(key).copied().unwrap_or_default().plus(moved(key));
                (key.clone(), card(key, node, kinds, at))
            })
            .collect();
        let edges = graph.edges.iter().filter_map(|edge| {
            let (source, target) = (nodes.get(&edge.from.node)?, nodes.get(&edge.to.node)?);
            let view = EdgeView {
                from: edge.from.to_string(),
                to: edge.to.to_string(),
                source: edge.from.node.clone(),
                target: edge.to.node.clone(),
                error: &*edge.from.port == "error",
                curve: Curve::between(source.output(&edge.from.port), target.input(&edge.to.port)),
            };
            Some((view.id(), view))
        });
        Self { edges: edges.collect(), nodes }
    }

    /// All cards as one SVG path, and all curves as another: the graph from afar.
    pub fn shapes(&self) -> (String, String) {
        // Within the rounded corners of the card itself, which lies over it where it is drawn too.
        const INSET: i32 = 3;
        let card = |Rect { x, y, w, h }: Rect| {
            let (w, h) = (w - 2 * INSET, h - 2 * INSET);
            format!("M{} {}h{w}v{h}h-{w}z", x + INSET, y + INSET)
        };
        let cards = self.nodes.values().map(|node| card(node.rect)).collect();
        (cards, self.edges.values().map(|edge| edge.curve.path()).collect())
    }

    /// How many cards lie wholly outside a rectangle.
    pub fn outside(&self, rect: &Rect) -> usize {
        self.nodes.values().filter(|node| !node.rect.touches(rect)).count()
    }

    /// The rectangle around all cards.
    pub fn bounds(&self) -> Rect {
        let with_foot = self.nodes.values().map(|node| Rect { h: node.rect.h + FOOT, ..node.rect });
        with_foot.reduce(|all, rect| all.union(&rect)).unwrap_or_default()
    }
}

/// Where every node of a graph stands: where it was put, else where it fits.
pub fn places(definition: &Definition, path: &GraphPath, graph: &Graph, kinds: &Kinds) -> BTreeMap<Key, Point> {
    let mut places: BTreeMap<Key, Point> =
        graph.nodes.keys().filter_map(|key| Some((key.clone(), place::get(definition, path, key)?))).collect();
    let height = |key: &Key| graph.nodes.get(key).map_or(geometry::HEAD, |node| kinds.height(node));
    let filled = layout::fill(graph, &places, &height);
    places.extend(filled);
    places
}

fn card(key: &Key, node: &Node, kinds: &Kinds, at: Point) -> NodeView {
    let kind = kinds.of_node(node);
    NodeView {
        key: key.clone(),
        kind: node.kind.to_string(),
        title: kind.map_or_else(|| node.kind.to_string(), |kind| kind.title.clone()),
        line: kind.map_or_else(String::new, |kind| kind.line(&node.config)),
        icon: kind.map_or_else(|| "circle-question-mark".to_owned(), |kind| kind.icon.clone()),
        inputs: kinds.in_ports(node),
        outputs: kinds.out_ports(node),
        bodies: node.bodies.iter().map(|(name, body)| (name.clone(), body.nodes.len())).collect(),
        disabled: node.disabled,
        note: node.note.clone(),
        known: kind.is_some(),
        rect: Rect { x: at.x, y: at.y, w: WIDTH, h: kinds.height(node) },
    }
}
