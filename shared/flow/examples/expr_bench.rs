//! What typical expressions cost: `cargo run --release -p holon-flow --example expr_bench`. Times are for reading, not for tests.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for the terminal that measures")]

use holon_flow::expr::{CompiledConfig, MapScope, Meter, Program};
use holon_model::json;
use std::hint::black_box;
use std::time::Instant;

fn measure(label: &str, mut once: impl FnMut()) {
    // An argument picks the measurements whose label contains it.
    if std::env::args().nth(1).is_some_and(|part| !label.contains(&part)) {
        return;
    }
    const RUNS: u32 = 64;
    const CHUNKS: u32 = 4_000;
    // The best of short chunks: what the machine does meanwhile touches only some of them.
    let mut best = f64::MAX;
    for _ in 0..CHUNKS {
        let started = Instant::now();
        for _ in 0..RUNS {
            once();
        }
        best = best.min(started.elapsed().as_secs_f64() * 1e9 / f64::from(RUNS));
    }
    println!("{best:>10.0} ns  {label}");
}

fn main() {
    let lines: Vec<String> = (0..20).map(|n| format!(r#"{{"sku": "sku-{n}", "qty": {n}, "price": {n}.95}}"#)).collect();
    let names = format!(
        r#"{{"input": {{"sum": 101, "name": "Ada", "lines": [{}]}}, "nodes": {{"hook": {{"lines": [1]}}}}, "item": {{"qty": 2}}}}"#,
        lines.join(",")
    );
    let scope = MapScope(json::parse(names.as_bytes()).expect("the names are JSON"));
    let meter = || Meter::new(1_000_000, 10_000_000);
    for source in [
        "input.sum > 100",
        "item.qty * 2",
        "nodes.hook.lines[0]",
        "input.sum / 7",
        "input.sum * 1.19",
        "'Hello ' + input.name",
        "{'a': input.sum, 'b': item.qty}",
        "input.lines.map(l, l.qty * l.price).sum()",
        "input.lines.sum(l, l.qty * l.price)",
        "input.lines.filter(l, l.qty > 10).size()",
        "input.lines.sort_by(l, l.price).reverse()[0].sku",
        "input.lines.group_by(l, l.sku).keys().size()",
    ] {
        let program = Program::compile(source).expect("it compiles");
        measure(source, || {
            black_box(program.eval(&scope, &mut meter())).ok();
        });
    }
    let text = Program::text("Hi {{ input.name }}: {% for l in input.lines %}{{ l.sku }} {{ l.qty }}\n{% endfor %}")
        .expect("it compiles");
    measure("text with 20 lines", || {
        black_box(text.eval(&scope, &mut meter())).ok();
    });
    let config = json::parse(br#"{"url": {"$text": "https://x/{{ item.qty }}"}, "headers": {"a": "b"}, "body": {"sum": {"$cel": "input.sum"}}}"#).expect("it is JSON");
    let config = CompiledConfig::new(&config, &[]).expect("it compiles");
    measure("config with two dynamic values", || {
        black_box(config.eval(&scope, &mut meter())).ok();
    });
    measure("compile input.lines.map(l, l.qty * l.price).sum()", || {
        black_box(Program::compile("input.lines.map(l, l.qty * l.price).sum()")).ok();
    });
}
