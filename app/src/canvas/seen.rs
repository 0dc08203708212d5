//! What of a large graph is drawn whole: the cards and curves near what is seen. The others are plain shapes, so that nothing
//! is missing however far one looks.

use std::collections::BTreeSet;

use holon_flow::definition::Key;
use holon_studio::{GraphView, Point, Rect, geometry::Viewport, hit};
use leptos::prelude::*;

use super::{Scene, Selection};

/// Up to so many cards all of them are drawn, wherever they are; more than this are too small to be read when they are seen at once.
const MOST: usize = 400;
/// Up to so many cards that are dragged are drawn whole, seen or not.
const FEW: usize = 100;
/// What is seen is looked up anew when it reaches another square of this size, in the graph's units.
const TILE: i32 = 1024;

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Cards.
    pub nodes: Memo<BTreeSet<Key>>,
    /// Curves.
    pub edges: Memo<Vec<String>>,
    /// All cards and all curves as plain shapes, where some are not drawn.
    pub far: Memo<Option<(String, String)>>,
}

/// What is drawn of a scene, as it is looked at. `rest` is the viewport when it does not move.
pub(super) fn seen(scene: Scene, rest: RwSignal<Viewport>) -> Seen {
    let large = Memo::new(move |_| scene.graph.with(|graph| graph.nodes.len() > MOST));
    let area = Memo::new(move |_| large.get().then(|| area(scene, rest)));
    let held = held(scene);
    let nodes = Memo::new(move |_| {
        scene.graph.with(|graph| match area.get() {
            None => graph.nodes.keys().cloned().collect(),
            Some(area) => {
                let found = hit::nodes_in(graph, &area);
                let mut drawn = if found.len() > MOST { BTreeSet::new() } else { found };
                // Wherever they were taken from.
                drawn.extend(held.get().few().filter(|key| graph.nodes.contains_key(*key)).cloned());
                drawn
            }
        })
    });
    let edges = Memo::new(move |_| {
        scene.graph.with(|graph| match area.get() {
            None => graph.edges.keys().cloned().collect(),
            Some(_) => nodes.with(|nodes| hit::edges_of(graph, nodes)),
        })
    });
    let far = Memo::new(move |_| {
        large.get().then(|| match held.get() {
            Held::None => scene.graph.with(|graph| graph.shapes()),
            Held::Few(moved) => scene.graph.with(|graph| without(graph, &moved).shapes()),
            Held::Many => scene.view.with(|view| view.shapes()),
        })
    });
    Seen { nodes, edges, far }
}

/// The nodes that are dragged now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    /// None, or they have not moved yet.
    None,
    /// So few that they are drawn whole, wherever they are, and the shapes of all others stand still.
    Few(BTreeSet<Key>),
    /// So many that all shapes are drawn anew at each step.
    Many,
}

impl Held {
    fn few(&self) -> impl Iterator<Item = &Key> {
        let few = if let Self::Few(nodes) = self { Some(nodes) } else { None };
        few.into_iter().flatten()
    }
}

fn held(scene: Scene) -> Memo<Held> {
    let moves = Memo::new(move |_| scene.drag.get() != Point::default());
    Memo::new(move |_| {
        if !moves.get() {
            return Held::None;
        }
        scene.selection.with(|Selection { nodes, .. }| match nodes.len() {
            0 => Held::None,
            1..=FEW => Held::Few(nodes.clone()),
            _ => Held::Many,
        })
    })
}

/// The others with the curves between them: what stays where it is.
fn without(graph: &GraphView, moved: &BTreeSet<Key>) -> GraphView {
    let mut rest = graph.clone();
    rest.nodes.retain(|key, _| !moved.contains(key));
    rest.edges.retain(|_, edge| !moved.contains(&edge.source) && !moved.contains(&edge.target));
    rest
}

/// The squares that are seen. Cards are drawn while the view is moved to them; while it zooms, at each step of which there would be others,
/// they wait until it rests.
fn area(scene: Scene, rest: RwSignal<Viewport>) -> Rect {
    let (width, height) = scene.size.get();
    let (now, rest) = (scene.viewport.get(), rest.get());
    let viewport = if now.zoom == rest.zoom { now } else { rest };
    let (from, to) = (viewport.to_canvas(0.0, 0.0), viewport.to_canvas(width, height));
    let down = |at: i32| at.div_euclid(TILE).saturating_mul(TILE);
    let up = |at: i32| down(at).saturating_add(TILE);
    Rect::between(Point::new(down(from.x), down(from.y)), Point::new(up(to.x), up(to.y)))
}
