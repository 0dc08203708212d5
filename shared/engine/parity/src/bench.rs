//! Workloads of the benchmarks, the same natively and in wasm32. Who calls them measures the time.

use holon_engine::{
    Compiled, Machine, PreviewRequest, compile, compile_draft, preview,
    testing::{catalogue, definition, start},
};
use holon_flow::{Catalogue, Definition, validate::validate};
use holon_model::{Value, json};
use std::{
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(catalogue);
static NODES: LazyLock<Arc<Compiled>> =
    LazyLock::new(|| compile(&definition(&pure_flow()), &CATALOGUE).unwrap_or_else(|_| unreachable!("it compiles")));

/// Runs a flow of pure nodes so many times, whole: start, journal hash, events. Returns how many nodes ran.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn bench_nodes(runs: u32) -> u32 {
    let mut nodes = 0;
    for run in 0..runs {
        let mut machine = Machine::new(NODES.clone());
        let input = Value::map([("n", Value::from(run)), ("name", Value::from("Ada"))]);
        let decision = machine.handle(start(input, run.into()));
        nodes += u32::try_from(decision.events.len()).unwrap_or(0).saturating_sub(2);
    }
    nodes
}

/// One edit of a flow of so many nodes (and a map over so many items): read, validate, compile, preview. Returns how many nodes ran.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn bench_preview(nodes: u32, items: u32) -> u32 {
    let text = preview_flow(nodes, items);
    let Ok(value) = json::parse(text.as_bytes()) else { return 0 };
    let Ok(definition) = Definition::from_value(&value) else { return 0 };
    let problems = validate(&definition, &CATALOGUE);
    let (compiled, _) = compile_draft(&definition, &CATALOGUE);
    let preview = preview(&compiled, &CATALOGUE, &PreviewRequest::default());
    u32::try_from(preview.steps).unwrap_or(0) + u32::try_from(problems.len()).unwrap_or(0)
}

/// A hundred pure nodes: rows of an expression, a condition, two ways and where they meet, and a constant map.
fn pure_flow() -> String {
    let mut nodes = String::from(r#""start":{"kind":"trigger.manual@1"}"#);
    let mut edges = String::new();
    let mut before = "start.out".to_owned();
    for row in 0..20 {
        let _ = write!(
            nodes,
            r#","a{row}":{{"kind":"test.set@1","config":{{"value":{{"n":{{"$cel":"trigger.n + {row}"}},"name":{{"$cel":"trigger.name"}}}}}}}},
            "w{row}":{{"kind":"when@1","config":{{"if":{{"$cel":"input.n > 10"}}}}}},
            "t{row}":{{"kind":"test.set@1","config":{{"value":{{"$cel":"input.n * 2"}}}}}},
            "f{row}":{{"kind":"test.set@1","config":{{"value":{{"$cel":"nodes.a{row}.n"}}}}}},
            "m{row}":{{"kind":"test.set@1","config":{{"value":{{"size":"large","tags":["a","b"]}}}}}}"#
        );
        let _ = write!(
            edges,
            r#"{comma}{{"from":"{before}","to":"a{row}.in"}},{{"from":"a{row}.out","to":"w{row}.in"}},
            {{"from":"w{row}.true","to":"t{row}.in"}},{{"from":"w{row}.false","to":"f{row}.in"}},
            {{"from":"t{row}.out","to":"m{row}.in"}},{{"from":"f{row}.out","to":"m{row}.in"}}"#,
            comma = if row == 0 { "" } else { "," }
        );
        before = format!("m{row}.out");
    }
    format!(r#"{{"holon":1,"name":"bench","nodes":{{{nodes}}},"edges":[{edges}]}}"#)
}

/// A chain of so many nodes with expressions, one effect in ten, and a map in it if there are items.
fn preview_flow(count: u32, items: u32) -> String {
    let mut nodes = String::from(r#""start":{"kind":"trigger.manual@1"}"#);
    let mut edges = String::new();
    let mut before = "start".to_owned();
    for number in 1..count {
        let key = format!("n{number}");
        let _ = match number {
            2 if items > 0 => write!(
                nodes,
                r#","{key}":{{"kind":"map@1","config":{{"items":[{list}]}},"bodies":{{"body":{{"nodes":{{
                "a":{{"kind":"test.set@1","config":{{"value":{{"$cel":"item * 19.90"}}}}}},
                "b":{{"kind":"test.set@1","config":{{"value":{{"total":{{"$cel":"input"}},"at":{{"$cel":"index"}}}}}}}}}},
                "edges":[{{"from":"a.out","to":"b.in"}}]}}}}}}"#,
                list = (0..items).map(|item| item.to_string()).collect::<Vec<_>>().join(",")
            ),
            _ if number % 10 == 0 => {
                write!(nodes, r#","{key}":{{"kind":"test.call@1","config":{{"value":{{"$cel":"input"}}}}}}"#)
            }
            _ => write!(
                nodes,
                r#","{key}":{{"kind":"test.set@1","config":{{"value":{{"n":{{"$cel":"has(nodes.n1) ? {number} : 0"}},"text":{{"$text":"row {{{{ {number} + 1 }}}}"}}}}}}}}"#
            ),
        };
        let comma = if number == 1 { "" } else { "," };
        let _ = write!(edges, r#"{comma}{{"from":"{before}.out","to":"{key}.in"}}"#);
        before = key;
    }
    format!(r#"{{"holon":1,"name":"edit","nodes":{{{nodes}}},"edges":[{edges}]}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workloads_run_what_they_claim() {
        assert_eq!(bench_nodes(2), 2 * 101);
        assert!(bench_preview(50, 0) >= 50);
        assert!(bench_preview(200, 100) >= 400);
    }
}
