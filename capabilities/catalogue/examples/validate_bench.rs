//! How long validation takes: the examples, 50 nodes, 10,000 nodes. Medians, on one thread; prints one JSON object a line.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use holon_catalogue::{catalogue, examples};
use holon_flow::{
    Definition,
    definition::{Edge, Node},
    validate::validate,
};
use holon_model::json;
use std::time::Instant;

/// A chain in which nodes of several kinds read their input and an earlier node.
fn chain(count: usize) -> Definition {
    let configs = [
        ("data.set@1", r#"{"fields":{"a":{"$cel":"nodes.n0.x + input.b * 2"},"b":{"$cel":"size(input.lines)"}}}"#),
        ("when@1", r#"{"if":{"$cel":"input.sum > 100 && has(input.lines)"}}"#),
        (
            "http.request@1",
            r#"{"method":"POST","url":{"$text":"https://example.com/{{ input.id }}"},"body":{"json":{"$cel":"input"}}}"#,
        ),
        ("data.filter@1", r#"{"items":{"$cel":"input.lines"},"where":{"$cel":"item.qty > 0 && index < 10"}}"#),
    ];
    let mut flow = Definition { name: "bench".into(), ..Definition::default() };
    flow.graph.nodes.insert("n0".into(), Node::new("trigger.manual@1".parse().expect("a kind")));
    let mut port = "out";
    for number in 1..count {
        let (kind, config) = configs[number % configs.len()];
        let mut node = Node::new(kind.parse().expect("a kind"));
        node.config = json::parse(config.as_bytes()).expect("JSON");
        flow.graph.nodes.insert(format!("n{number}").into(), node);
        let end = |text: String| text.parse().expect("an end");
        flow.graph.edges.push(Edge { from: end(format!("n{}.{port}", number - 1)), to: end(format!("n{number}.in")) });
        port = if kind == "when@1" { "true" } else { "out" };
    }
    flow
}

fn measure(name: &str, flow: &Definition, times: usize) {
    let catalogue = catalogue();
    let found = validate(flow, &catalogue).len();
    let mut micros: Vec<u128> = (0..times)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(validate(flow, &catalogue));
            start.elapsed().as_micros()
        })
        .collect();
    micros.sort_unstable();
    println!(r#"{{"name":"validate {name}","value":{},"unit":"us","diagnostics":{found}}}"#, micros[times / 2]);
}

fn main() {
    for example in examples() {
        measure(example.name, &example.flow().expect("an example"), 200);
    }
    for (count, times) in [(50, 500), (1_000, 50), (10_000, 5)] {
        measure(&format!("{count} nodes"), &chain(count), times);
    }
    let value = chain(50).to_value();
    let start = Instant::now();
    for _ in 0..500 {
        std::hint::black_box(Definition::from_value(&value).map(|flow| flow.hash()).ok());
    }
    println!(r#"{{"name":"read and hash 50 nodes","value":{},"unit":"us"}}"#, start.elapsed().as_micros() / 500);
}
