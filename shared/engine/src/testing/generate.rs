//! Random well-formed flows from a seed.

use super::rng::Rng;
use holon_flow::{
    Definition, Graph, Node,
    definition::{Edge, Join, Key, KindRef, PortRef, Retry, RunLimits},
};
use holon_model::{Millis, Value};
use std::{collections::BTreeMap, sync::Arc};

/// Scopes inside scopes.
const DEPTH: u32 = 3;

/// The flow of a seed: 2 to about 40 nodes of every kind, scopes up to three deep.
pub fn definition(seed: u64) -> Definition {
    let mut rng = Rng::new(seed ^ 0x68_6f_6c_6f_6e);
    let mut graph = graph(&mut rng, DEPTH, true);
    if rng.percent(30) {
        graph.result = Some(expression(&mut rng, &graph.nodes.keys().cloned().collect::<Vec<_>>(), true));
    }
    let deadline = rng.percent(10).then(|| Millis(u64::from(1 + rng.below(200))));
    let limits = RunLimits { deadline, ..RunLimits::default() };
    Definition { name: format!("generated-{seed}"), limits, graph, ..Definition::default() }
}

/// The start input of a seed.
pub fn input(seed: u64) -> Value {
    let mut rng = Rng::new(seed ^ 0x69_6e);
    match rng.below(4) {
        0 => Value::Int(i64::from(rng.below(100))),
        1 => Value::list((0..rng.below(5)).map(|n| Value::Int(n.into()))),
        2 => Value::str("text"),
        _ => Value::map([("n", Value::Int(i64::from(rng.below(100)))), ("ok", Value::Bool(rng.percent(50)))]),
    }
}

fn graph(rng: &mut Rng, depth: u32, top: bool) -> Graph {
    let mut graph = Graph::default();
    let mut keys: Vec<Key> = Vec::new();
    if top {
        keys.push("start".into());
        graph.nodes.insert("start".into(), node("trigger.manual@1", Value::map::<&str>([])));
    }
    let count = 1 + rng.below(if top { 14 } else { 4 });
    for number in 0..count {
        let key: Key = format!("{}{number}", rng.pick(&["a", "m", "z"])).into();
        let node = any_node(rng, depth, &keys, top);
        // Nodes of the top graph hang together; in bodies some are roots.
        let edges = if keys.is_empty() { 0 } else { rng.below(3).max(u32::from(top)) };
        for _ in 0..edges {
            let from = rng.pick(&keys);
            let port = rng.pick(&ports(&graph.nodes[&from]));
            let edge =
                Edge { from: PortRef { node: from, port }, to: PortRef { node: key.clone(), port: "in".into() } };
            if !graph.edges.contains(&edge) {
                graph.edges.push(edge);
            }
        }
        graph.nodes.insert(key.clone(), node);
        // `flow.fail` has no out-port, so nothing hangs on it.
        if !ports(&graph.nodes[&key]).is_empty() {
            keys.push(key);
        }
    }
    graph
}

pub(super) fn ports(node: &Node) -> Vec<Arc<str>> {
    let names: &[&str] = match &*node.kind.name {
        "when" => &["true", "false"],
        "switch" => &["low", "high", "default"],
        "flow.fail" | "flow.continue" => &[],
        "test.pick" => &["out", "none", "error"],
        "flow.approval" => &["yes", "no", "error"],
        "test.set" | "test.call" | "map" | "try" | "parallel" | "race" | "loop" | "saga" | "flow" | "batch"
        | "flow.signal" => &["out", "out", "out", "error"],
        _ => &["out"],
    };
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn node(kind: &str, config: Value) -> Node {
    let (name, _) = kind.split_once('@').unwrap_or((kind, "1"));
    Node { config, ..Node::new(KindRef { name: name.into(), version: 1 }) }
}

pub(super) fn any_node(rng: &mut Rng, depth: u32, before: &[Key], top: bool) -> Node {
    let map = Value::map::<&str>;
    let choice = rng.below(if depth > 0 { 124 } else { 85 });
    let mut node = match choice {
        0..18 => node("test.set@1", Value::map([("value", expression(rng, before, top))])),
        18..46 => node("test.call@1", Value::map([("value", expression(rng, before, top))])),
        46..51 => node("when@1", Value::map([("if", cel(rng.pick(&CONDITIONS)))])),
        51..56 => {
            let case = |port: &str, when: &str| Value::map([("port", Value::from(port)), ("when", cel(when))]);
            let cases = [case("low", rng.pick(&CONDITIONS)), case("high", rng.pick(&CONDITIONS))];
            node("switch@1", Value::map([("cases", Value::list(cases))]))
        }
        56..62 | 68..70 => node("flow.wait@1", Value::map([("for", Value::Int(i64::from(rng.below(100))))])),
        62..66 => node("flow.respond@1", Value::map([("status", Value::Int(200))])),
        66..67 => {
            node("flow.fail@1", Value::map([("code", Value::from("on_purpose")), ("message", Value::from("no"))]))
        }
        67..68 => node("test.pick@1", Value::map([("where", cel("item > 1 && index < 3"))])),
        70..74 => {
            node("flow@1", Value::map([("flow", Value::from("flow_called")), ("input", expression(rng, before, top))]))
        }
        74..79 => {
            let correlation = rng.pick(&[Value::Null, cel("index"), Value::from("a")]);
            let correlation = if top { Value::from("top") } else { correlation };
            node(
                "flow.signal@1",
                Value::map([("name", Value::from(rng.pick(&["paid", "sent"]))), ("correlation", correlation)]),
            )
        }
        79..83 => {
            let choice = |port: &str| Value::map([("port", Value::from(port))]);
            let mut config =
                vec![("title", Value::from("May it?")), ("choices", Value::list([choice("yes"), choice("no")]))];
            if rng.percent(50) {
                config.push(("due", Value::Int(i64::from(rng.below(30)))));
                config.push(("escalate_to", Value::list([Value::from("boss")])));
            }
            node("flow.approval@1", Value::map(config))
        }
        83..85 if top => node("flow.continue@1", Value::map([("input", expression(rng, before, top))])),
        83..85 => node("test.set@1", map([])),
        105..109 => {
            let bodies: &[&str] = rng.pick(&[&["left", "right"][..], &["left", "middle", "right"], &["left"]]);
            scope(rng, depth, "race@1", map([]), bodies)
        }
        109..114 => {
            let condition = rng.pick(&["index < 2", "index < 3 && item != 7", "size([item]) == 2", "true"]);
            let mut config =
                vec![(rng.pick(&["while", "until"]), cel(condition)), ("max", Value::Int(i64::from(1 + rng.below(4))))];
            if rng.percent(60) {
                config.push(("at_max", Value::from("stop")));
            }
            scope(rng, depth, "loop@1", Value::map(config), &["body"])
        }
        120.. => {
            let key = rng.pick(&[Value::Null, cel("size(run.id)"), Value::from("a")]);
            let config = [
                ("size", Value::Int(i64::from(1 + rng.below(3)))),
                ("within", Value::Int(i64::from(1 + rng.below(50)))),
                ("key", key),
                ("item", expression(rng, before, top)),
            ];
            scope(rng, depth, "batch@1", Value::map(config), &["body"])
        }
        114..120 => {
            let retry =
                Value::map([("attempts", Value::Int(i64::from(1 + rng.below(3)))), ("initial", Value::Int(10))]);
            let step = |name: &str, undo: Option<&str>| {
                let mut step = vec![("step", Value::from(name)), ("retry", retry.clone())];
                step.extend(undo.map(|undo| ("compensate", Value::from(undo))));
                Value::map(step)
            };
            let steps = [step("one", Some("undo_one")), step("two", Some("undo_two")), step("three", None)];
            let config = Value::map([("steps", Value::list(steps))]);
            scope(rng, depth.min(2), "saga@1", config, &["one", "undo_one", "two", "undo_two", "three"])
        }
        85..93 => {
            let items = cel(rng.pick(&["[1, 2, 3]", "[input, 2]", "[]", "[trigger]", "[5, 6, 7, 8, 9]"]));
            let gather = match rng.below(4) {
                0 => Value::from("all_settled"),
                1 => Value::from("any"),
                2 => Value::map([("first", Value::Int(i64::from(1 + rng.below(3))))]),
                _ => Value::from("all"),
            };
            let concurrency = Value::Int(i64::from(1 + rng.below(4)));
            let config = Value::map([("items", items), ("concurrency", concurrency), ("gather", gather)]);
            scope(rng, depth, "map@1", config, &["body"])
        }
        93..100 => {
            let bodies: &[&str] =
                rng.pick(&[&["body"][..], &["body", "catch"], &["body", "finally"], &["body", "catch", "finally"]]);
            scope(rng, depth, "try@1", map([]), bodies)
        }
        _ => {
            let config = if rng.percent(50) { Value::map([("limit", Value::Int(1))]) } else { map([]) };
            scope(rng, depth, "parallel@1", config, &["left", "middle", "right"])
        }
    };
    let name = node.kind.name.clone();
    let scopes = ["map", "try", "parallel", "race", "loop", "saga", "flow", "batch"];
    node.join = rng.pick(&[Join::Any, Join::Any, Join::Any, Join::All, Join::First]);
    node.disabled = rng.percent(4);
    if (&*name == "test.call" || scopes.contains(&&*name)) && rng.percent(35) {
        node.policies.retry = Some(Retry {
            attempts: 1 + rng.below(3),
            initial: Millis(u64::from(rng.below(50))),
            factor_percent: 100 + rng.below(200),
            max: Millis(100),
            jitter: rng.percent(50),
        });
    }
    let timed = ["test.call", "flow.wait", "flow.signal", "flow.approval"];
    if (timed.contains(&&*name) || scopes.contains(&&*name)) && rng.percent(20) {
        node.policies.timeout = Some(Millis(u64::from(rng.below(120))));
        if rng.percent(40) {
            let fallback = if &*name == "flow.approval" { Value::from("no") } else { expression(rng, before, top) };
            node.policies.fallback = Some(fallback);
        }
    }
    if (timed.contains(&&*name) || scopes.contains(&&*name)) && rng.percent(25) {
        node.policies.concurrency = Some(1 + rng.below(2));
    }
    node
}

fn scope(rng: &mut Rng, depth: u32, kind: &str, config: Value, bodies: &[&str]) -> Node {
    let mut node = node(kind, config);
    node.bodies =
        bodies.iter().map(|name| (Key::from(*name), graph(rng, depth - 1, false))).collect::<BTreeMap<_, _>>();
    node
}

const CONDITIONS: [&str; 5] = ["true", "false", "input == 2", "has(nodes.start)", "[1, 2].exists(x, x == input)"];

fn cel(source: &str) -> Value {
    Value::map([("$cel", Value::from(source))])
}

/// An expression that mostly has a value.
pub(super) fn expression(rng: &mut Rng, before: &[Key], top: bool) -> Value {
    match rng.below(10) {
        0 => Value::Int(i64::from(rng.below(9))),
        1 => cel("input"),
        2 => cel("[input, 1.5, 'x']"),
        3 => cel("{'a': input, 'b': [1, 2, 3].map(x, x * 19.90)}"),
        4 => cel("trigger"),
        5 => cel("1 + 2 * 3"),
        6 if !before.is_empty() => cel(&format!("has(nodes.{0}) ? nodes.{0} : 'absent'", rng.pick(before))),
        7 if !top => cel("has(nodes.start) ? nodes.start : [input]"),
        8 => Value::map([("$text", Value::from("n={{ 1 + 1 }}"))]),
        9 => cel(rng.pick(&["input + 1", "[input, trigger]", "[input].map(x, x)", "size(run.id)"])),
        _ => cel("run.started_at"),
    }
}
