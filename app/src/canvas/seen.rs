//! What of a large graph is drawn whole: the cards and curves near what is seen. The others are plain shapes, so that nothing
//! is missing however far one looks.

use std::collections::BTreeSet;

use holon_flow::definition::Key;
use holon_studio::{Point, Rect, hit};
use leptos::prelude::*;

use super::Scene;

/// Up to so many cards all of them are drawn, wherever they are.
const ALL: usize = 400;
/// More cards than this are too small to be read when they are seen at once.
const MOST: usize = 700;
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

/// What is drawn of a scene, as it is looked at.
pub(super) fn seen(scene: Scene) -> Seen {
    let large = Memo::new(move |_| scene.view.with(|view| view.nodes.len() > ALL));
    let area = Memo::new(move |_| large.get().then(|| area(scene)));
    let nodes = Memo::new(move |_| {
        scene.view.with(|view| match area.get() {
            None => view.nodes.keys().cloned().collect(),
            Some(area) => {
                let found = hit::nodes_in(view, &area);
                if found.len() > MOST { BTreeSet::new() } else { found }
            }
        })
    });
    let edges = Memo::new(move |_| {
        scene.view.with(|view| match area.get() {
            None => view.edges.keys().cloned().collect(),
            Some(_) => nodes.with(|nodes| hit::edges_of(view, nodes)),
        })
    });
    let far = Memo::new(move |_| large.get().then(|| scene.view.with(|view| view.shapes())));
    Seen { nodes, edges, far }
}

/// The squares that are seen.
fn area(scene: Scene) -> Rect {
    let (width, height) = scene.size.get();
    let viewport = scene.viewport.get();
    let (from, to) = (viewport.to_canvas(0.0, 0.0), viewport.to_canvas(width, height));
    let down = |at: i32| at.div_euclid(TILE).saturating_mul(TILE);
    let up = |at: i32| down(at).saturating_add(TILE);
    Rect::between(Point::new(down(from.x), down(from.y)), Point::new(up(to.x), up(to.y)))
}
