//! A flow to edit, and how two are compared; random commands, and a network between editors.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod net;
pub mod pick;
pub mod slots;

use holon_flow::definition::{Definition, Graph};
use holon_model::{Value, json};
use holon_studio::GraphPath;

pub fn parse(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

pub fn order() -> Definition {
    let text = r#"{"holon":1,"name":"order","nodes":{
        "hook":{"kind":"trigger.webhook@1","config":{"method":"POST"}},
        "totals":{"kind":"data.set@1","config":{"fields":{"sum":{"$cel":"nodes.hook.lines.map(l, l.qty).sum()"}}}},
        "big":{"kind":"when@1","config":{"if":{"$cel":"input.sum > 100"}}},
        "each":{"kind":"map@1","config":{"items":{"$cel":"nodes.hook.lines"}},
          "bodies":{"body":{"nodes":{"call":{"kind":"http.request@1","config":{"url":{"$text":"http://x/{{ nodes.hook.id }}"}}},
            "after":{"kind":"data.set@1","config":{"a":[1,2,3]}}},"edges":[{"from":"call.out","to":"after.in"}]}}}},
        "edges":[{"from":"hook.out","to":"totals.in"},{"from":"totals.out","to":"big.in"},{"from":"big.true","to":"each.in"}],
        "result":{"$cel":"nodes.totals"},"samples":{"hook":{"lines":[]},"each/call":1},
        "layout":{"nodes":{"hook":[0,0],"each":[640,0],"each.body/call":[16,8]}}}"#;
    Definition::from_value(&parse(text)).unwrap()
}

/// The definition as JSON with edges sorted: their order means nothing.
pub fn shown(definition: &Definition) -> String {
    fn sort(graph: &mut Graph) {
        graph.edges.sort();
        graph.nodes.values_mut().flat_map(|node| node.bodies.values_mut()).for_each(sort);
    }
    let mut copy = definition.clone();
    sort(&mut copy.graph);
    if copy.layout.as_map().is_none_or(|map| map.is_empty()) {
        copy.layout = Value::Null;
    }
    copy.to_value().to_json()
}

pub fn root() -> GraphPath {
    GraphPath::root()
}
