//! What is under a point or in a rectangle of the canvas.

use crate::{Point, Rect, view::GraphView};
use holon_flow::definition::Key;
use std::collections::BTreeSet;

/// Half the size of what a finger or pointer hits of a port: 24 px in all.
pub const PORT_REACH: i32 = 12;

/// The nodes that a rectangle touches.
pub fn nodes_in(view: &GraphView, rect: &Rect) -> BTreeSet<Key> {
    view.nodes.values().filter(|node| node.rect.touches(rect)).map(|node| node.key.clone()).collect()
}

/// The card under a point, the last drawn first.
pub fn node_at(view: &GraphView, point: Point) -> Option<&Key> {
    view.nodes.values().rev().find(|node| node.rect.contains(point)).map(|node| &node.key)
}

/// The in-port nearest to a point, `key.port`: of the card under it, or one whose reach it is in.
pub fn input_at(view: &GraphView, point: Point) -> Option<String> {
    let near = |node: &&crate::view::NodeView| {
        let reach = Rect {
            x: node.rect.x - PORT_REACH * 2,
            y: node.rect.y - PORT_REACH,
            w: node.rect.w + PORT_REACH * 2,
            h: node.rect.h + PORT_REACH * 2,
        };
        !node.inputs.is_empty() && reach.contains(point)
    };
    let node = view.nodes.values().rev().find(near)?;
    let port = node.inputs.iter().min_by_key(|port| (node.input(port).y - point.y).abs())?;
    Some(format!("{}.{port}", node.key))
}

/// The edge within `reach` of a point, the nearest first.
pub fn edge_at(view: &GraphView, point: Point, reach: f64) -> Option<String> {
    let near = view.edges.values().map(|edge| (edge.curve.distance(point), edge));
    let (distance, edge) = near.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (distance <= reach).then(|| edge.id())
}
