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

/// The edges that leave or reach one of these nodes.
pub fn edges_of(view: &GraphView, nodes: &BTreeSet<Key>) -> Vec<String> {
    let touching = view.edges.iter().filter(|(_, edge)| nodes.contains(&edge.source) || nodes.contains(&edge.target));
    touching.map(|(id, _)| id.clone()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GraphPath, Kinds};
    use holon_flow::Definition;

    /// `a → b → c → d`, one beside the other.
    fn line() -> GraphView {
        let text = r#"{"holon": 1, "name": "line",
            "nodes": {"a": {"kind": "x@1"}, "b": {"kind": "x@1"}, "c": {"kind": "x@1"}, "d": {"kind": "x@1"}},
            "edges": [{"from": "a.out", "to": "b.in"}, {"from": "b.out", "to": "c.in"}, {"from": "c.out", "to": "d.in"}],
            "layout": {"nodes": {"a": [0, 0], "b": [400, 0], "c": [800, 0], "d": [1200, 0]}}}"#;
        let definition = Definition::from_value(&holon_model::json::parse(text.as_bytes()).unwrap()).unwrap();
        GraphView::new(&definition, &GraphPath::root(), &Kinds::default(), &|_| Point::default())
    }

    #[test]
    fn a_part_of_a_graph_is_its_cards_and_the_edges_that_reach_into_it() {
        let view = line();
        let seen = nodes_in(&view, &Rect { x: -100, y: -100, w: 600, h: 400 });
        assert_eq!(seen.iter().map(|key| &**key).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(edges_of(&view, &seen), ["a.out>b.in", "b.out>c.in"]);
        assert!(edges_of(&view, &BTreeSet::new()).is_empty());
    }

    #[test]
    fn from_afar_every_card_and_every_edge_has_its_shape() {
        let (cards, curves) = line().shapes();
        assert_eq!((cards.matches('M').count(), curves.matches('M').count()), (4, 3));
        assert!(cards.starts_with("M3 3h218v"), "within its corners: {cards}");
    }
}
