//! Where a node that makes a link stands in its flow, and which nodes it can speak of: those of its own graph and of the graphs
//! around it.

use holon_flow::Graph;
use holon_flow::definition::Node;

/// The nearest node with this key that is what `is` wants, seen from the node at `path`; with its structural path.
pub fn nearest<'g>(graph: &'g Graph, path: &str, key: &str, is: impl Fn(&Node) -> bool) -> Option<(String, &'g Node)> {
    let mut around = vec![(String::new(), graph)];
    let scopes = path.rsplit_once('/').map_or("", |(scopes, _)| scopes);
    for segment in scopes.split('/').filter(|segment| !segment.is_empty()) {
        let (prefix, graph) = around.last()?;
        let name = segment.split_once('[').map_or(segment, |(name, _)| name);
        let (scope, body) = name.split_once('.').unwrap_or((name, "body"));
        let inner = graph.nodes.get(scope)?.bodies.get(body)?;
        around.push((format!("{prefix}{segment}/"), inner));
    }
    around.into_iter().rev().find_map(|(prefix, graph)| {
        let node = graph.nodes.get(key).filter(|node| is(node))?;
        Some((format!("{prefix}{key}"), node))
    })
}

/// Whether any node of the flow, in whatever scope, is what `is` wants.
pub fn any(graph: &Graph, is: &dyn Fn(&Node) -> bool) -> bool {
    graph.nodes.values().any(|node| is(node) || node.bodies.values().any(|body| any(body, is)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_flow::Definition;
    use holon_model::json;

    #[test]
    fn a_node_speaks_of_its_own_graph_first_and_then_of_those_around_it() {
        let text = r#"{"holon":1,"name":"f","nodes":{"ask":{"kind":"a.ask@1"},"each":{"kind":"map@1","bodies":{"body":{"nodes":{
            "guard":{"kind":"try@1","bodies":{"body":{"nodes":{"ask":{"kind":"a.ask@1"},"other":{"kind":"a.b@1"}}},
            "catch":{"nodes":{"tell":{"kind":"a.b@1"}}}}}}}}}}}"#;
        let flow = Definition::from_value(&json::parse(text.as_bytes()).unwrap()).unwrap();
        let ask = |node: &Node| &*node.kind.name == "a.ask";
        let found = |path: &str, key: &str| nearest(&flow.graph, path, key, ask).map(|(path, _)| path);
        assert_eq!(found("link", "ask").as_deref(), Some("ask"));
        assert_eq!(found("each[3]/guard/link", "ask").as_deref(), Some("each[3]/guard/ask"));
        assert_eq!(found("each[3]/guard.catch/link", "ask").as_deref(), Some("ask"));
        assert_eq!(found("each[3]/guard/link", "other"), None, "it is no approval");
        assert_eq!(found("no[3]/such/link", "ask"), None);
        assert!(any(&flow.graph, &|node| &*node.kind.name == "a.b"));
        assert!(!any(&flow.graph, &|node| &*node.kind.name == "a.c"));
    }
}
