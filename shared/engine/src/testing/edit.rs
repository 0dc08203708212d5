//! Random edits of a flow, as people make them: also such as leave it broken until the next one.

use super::{
    generate::{any_node, expression, input, ports},
    rng::Rng,
};
use holon_flow::{
    Definition, Graph, Node,
    definition::{Edge, Join, Key, PortRef, cache::Cache},
};
use holon_model::{Millis, Value, json};

/// Changes something, and says what.
pub fn edit(definition: &mut Definition, rng: &mut Rng) -> &'static str {
    if rng.percent(14) {
        return sample(definition, rng);
    }
    let mut count = 0;
    walk(&mut definition.graph, &mut |_| count += 1);
    // Every second edit is of the flow itself, the others are wherever there is a graph.
    let chosen = if rng.percent(50) { 0 } else { rng.below(count) };
    let (mut number, mut what) = (0, "");
    walk(&mut definition.graph, &mut |graph| {
        if number == chosen {
            what = change(graph, number == 0, rng);
        }
        number += 1;
    });
    what
}

/// The graph, and all those inside of it.
fn walk(graph: &mut Graph, see: &mut dyn FnMut(&mut Graph)) {
    see(graph);
    for body in graph.nodes.values_mut().flat_map(|node| node.bodies.values_mut()) {
        walk(body, see);
    }
}

/// The data that a path gives, a trigger's among it.
fn sample(definition: &mut Definition, rng: &mut Rng) -> &'static str {
    let mut paths = vec!["start".to_owned()];
    places(&definition.graph, "", &mut paths);
    let path = rng.pick(&paths);
    if rng.percent(20) {
        definition.samples.remove(&path);
        return "a sample goes";
    }
    let value = if rng.percent(40) { input(rng.next_u64()) } else { number(rng) };
    definition.samples.insert(path, value);
    "a sample changes"
}

fn places(graph: &Graph, prefix: &str, paths: &mut Vec<String>) {
    for (key, node) in &graph.nodes {
        paths.push(format!("{prefix}{key}"));
        for (name, body) in &node.bodies {
            let prefix = if **name == *"body" { format!("{prefix}{key}/") } else { format!("{prefix}{key}.{name}/") };
            places(body, &prefix, paths);
        }
    }
}

/// Values that mean the same and are written differently, among others.
fn number(rng: &mut Rng) -> Value {
    let text = rng.pick(&[
        "1",
        "1.0",
        "1.00",
        "7",
        r#"{"n":1}"#,
        r#"{"n":1.0}"#,
        r#"{"choice":"yes","form":{}}"#,
        "[1,2.50,3]",
    ]);
    json::parse(text.as_bytes()).unwrap_or_default()
}

fn change(graph: &mut Graph, top: bool, rng: &mut Rng) -> &'static str {
    let keys: Vec<Key> = graph.nodes.keys().filter(|key| !top || ***key != *"start").cloned().collect();
    let chosen = if keys.is_empty() { None } else { graph.nodes.get_mut(&rng.pick(&keys)) };
    let Some(node) = chosen else { return add(graph, &keys, top, rng) };
    match rng.below(100) {
        0..18 => {
            settings(node, &keys, top, rng);
            "config changes"
        }
        18..26 => {
            let bodies = std::mem::take(&mut node.bodies);
            *node = any_node(rng, 1, &keys, top);
            if !node.bodies.is_empty() && !bodies.is_empty() {
                node.bodies = bodies;
            }
            "a node becomes another one"
        }
        26..32 => {
            node.disabled = !node.disabled;
            "a node is switched"
        }
        32..42 => policies(node, &keys, top, rng),
        42..45 => {
            node.note.push('!');
            "a remark changes"
        }
        45..53 => rename(graph, &keys, rng),
        53..62 => {
            let key = rng.pick(&keys);
            graph.nodes.remove(&key);
            // Now and then its edges stay for one edit, as while somebody types.
            if rng.percent(70) {
                graph.edges.retain(|edge| edge.from.node != key && edge.to.node != key);
            }
            "a node goes"
        }
        62..74 => add(graph, &keys, top, rng),
        74..84 => connect(graph, rng),
        84..93 => {
            if !graph.edges.is_empty() {
                let at = rng.below(crate::arena::len(&graph.edges)) as usize;
                graph.edges.remove(at);
            }
            "an edge goes"
        }
        _ => {
            graph.result = rng.percent(70).then(|| expression(rng, &keys, top));
            "the result changes"
        }
    }
}

/// A setting as it is being typed: it may not be an expression yet.
fn settings(node: &mut Node, keys: &[Key], top: bool, rng: &mut Rng) {
    let field = match &*node.kind.name {
        "when" => "if",
        "map" => "items",
        "loop" => "while",
        "test.pick" => "where",
        "flow" | "flow.continue" => "input",
        "batch" => "item",
        _ => "value",
    };
    let value = match rng.below(8) {
        0 => Value::map([("$cel", Value::from("input +"))]),
        1 | 2 => number(rng),
        3 => Value::map([("$cel", Value::from(rng.pick(&["nodes", "[nodes.start, input]", "item", "nodes.gone"])))]),
        _ => expression(rng, keys, top),
    };
    let mut config = node.config.as_map().cloned().unwrap_or_default();
    config.insert(field.into(), value);
    node.config = Value::from(config);
}

fn policies(node: &mut Node, keys: &[Key], top: bool, rng: &mut Rng) -> &'static str {
    match rng.below(6) {
        0 => node.join = rng.pick(&[Join::Any, Join::All, Join::First]),
        1 => {
            node.policies.timeout = rng.percent(70).then(|| Millis(u64::from(rng.below(40))));
            node.policies.fallback = node.policies.timeout.map(|_| expression(rng, keys, top));
        }
        2 if node.policies.fallback.is_some() => node.policies.fallback = Some(number(rng)),
        3 => {
            let key = rng.percent(50).then(|| Value::map([("$cel", Value::from("config"))]));
            node.policies.cache = rng.percent(70).then_some(Cache { ttl: Millis(1_000), key });
        }
        4 => node.policies.concurrency = rng.percent(70).then(|| 1 + rng.below(2)),
        _ => node.policies.redact = if rng.percent(60) { vec!["/n".to_owned()] } else { Vec::new() },
    }
    "a policy changes"
}

fn rename(graph: &mut Graph, keys: &[Key], rng: &mut Rng) -> &'static str {
    let old = rng.pick(keys);
    let new: Key = format!("{}{}", rng.pick(&["a", "m", "z"]), 20 + rng.below(60)).into();
    if graph.nodes.contains_key(&new) {
        return "no key is free";
    }
    if let Some(node) = graph.nodes.remove(&old) {
        graph.nodes.insert(new.clone(), node);
    }
    for edge in &mut graph.edges {
        for end in [&mut edge.from, &mut edge.to] {
            if end.node == old {
                end.node = new.clone();
            }
        }
    }
    "a node is renamed"
}

fn add(graph: &mut Graph, keys: &[Key], top: bool, rng: &mut Rng) -> &'static str {
    let key: Key = format!("{}{}", rng.pick(&["a", "m", "z"]), 100 + rng.below(900)).into();
    // Now and then it is a copy of another one.
    let copied = if keys.is_empty() || rng.percent(60) { None } else { graph.nodes.get(&rng.pick(keys)).cloned() };
    let depth = u32::from(!top);
    let node = copied.unwrap_or_else(|| any_node(rng, 1 + depth, keys, top));
    graph.nodes.insert(key, node);
    connect(graph, rng);
    "a node comes"
}

/// An edge between any two nodes, which may close a circle.
fn connect(graph: &mut Graph, rng: &mut Rng) -> &'static str {
    let keys: Vec<Key> = graph.nodes.keys().cloned().collect();
    if keys.is_empty() {
        return "there is nothing to connect";
    }
    let (a, b) = (rng.pick(&keys), rng.pick(&keys));
    // Mostly forwards by key, so that circles are few.
    let (from, to) = if a < b || rng.percent(15) { (a, b) } else { (b, a) };
    let open = ports(&graph.nodes[&from]);
    if !open.is_empty() {
        let from = PortRef { node: from, port: rng.pick(&open) };
        graph.edges.push(Edge { from, to: PortRef { node: to, port: "in".into() } });
    }
    "an edge comes"
}
