//! The studio beside `@xyflow/react`: the same flow, the same gestures, the same browser, one after the other in one run.
//!
//! `fixture` makes the flow, `peer` builds the page of xyflow, `drive/` is the program that opens and moves both and reads Chromium's
//! traces, `results` makes measures of what it tells.

mod fixture;
mod peer;
mod results;

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::measure::{Measure, Must};
use super::sizes;
use crate::server::{DataDir, Server};
use crate::{build, exec, paths, setup};

/// Numbers of nodes that flows are made of.
const SIZES: &[usize] = &[50, 200, 1_000, 5_000];
/// Any number: all machines draw the same.
const SEED: u64 = 20_261_123;
/// How often everything is measured, unless `HOLON_BENCH_ROUNDS` says otherwise; the middle counts.
const ROUNDS: usize = 5;
/// What the editor may add to the shell, in thousands of bytes.
const EDITOR_KILOBYTES: f64 = 250.0;

/// Runs both and compares.
pub fn run() -> Result<Vec<Measure>> {
    // Working on the benchmark itself one does not wait for an optimised build; the numbers say nothing then.
    let release = std::env::var_os("HOLON_BENCH_DEV").is_none();
    let rounds = match std::env::var("HOLON_BENCH_ROUNDS") {
        Ok(written) => written.parse().context("HOLON_BENCH_ROUNDS is not a number")?,
        Err(_) => ROUNDS,
    };
    let chromium = setup::browser::ensure()?;
    let built = build::all(release)?;
    let dir = DataDir::new("bench-studio")?;
    let page = dir.path().join("xyflow");
    peer::build(&page, &built.site.join("pkg/icons.svg"))?;
    for nodes in SIZES {
        write(&page, *nodes)?;
    }
    let server = Server::start(&built, &dir, &[])?;
    let asked = json!({
        "chromium": chromium,
        "holon": format!("http://localhost:{}", server.port),
        "page": page,
        "sizes": SIZES,
        "typed": fixture::TYPED,
        "rounds": rounds,
    });
    let mut node = setup::node::command()?;
    node.arg(paths::root().join("xtask/src/bench/studio/drive/main.mjs")).arg(asked.to_string());
    let output = node.stderr(Stdio::inherit()).output().context("Node did not start")?;
    server.stop()?;
    if !output.status.success() {
        bail!("the browser's part ended with {}", output.status);
    }
    let mut measures = results::measures(&String::from_utf8_lossy(&output.stdout))?;
    if release {
        let editor = sizes::part(&built.site, "editor")?;
        measures.push(Measure::new("studio.editor_part", editor, "KB", Must::AtMost(EDITOR_KILOBYTES)));
    }
    Ok(measures)
}

/// The flow of so many nodes where the page of xyflow finds it and the driver too.
fn write(page: &Path, nodes: usize) -> Result<()> {
    let flow = fixture::make(nodes, SEED);
    exec::make_dir(page)?;
    let of_holon = page.join(format!("definition-{nodes}.json"));
    std::fs::write(of_holon, flow.definition.to_string())?;
    let of_xyflow = page.join(format!("flow-{nodes}.json"));
    Ok(std::fs::write(of_xyflow, json!({ "drawing": flow.drawing }).to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `trace.mjs` makes of events (name, begin and end in microseconds) on the page's thread.
    fn work(events: &[(&str, u32, u32)]) -> serde_json::Value {
        let mark = |name: &str, at: u32| json!({ "name": name, "cat": "blink.user_timing", "ph": "I", "pid": 1, "tid": 1, "ts": at });
        let mut trace = vec![mark("bench-begin", 0), mark("bench-end", 10_000)];
        trace.extend(events.iter().map(|(name, from, to)| {
            let took = to - from;
            json!({ "name": name, "cat": "devtools.timeline", "ph": "X", "pid": 1, "tid": 1, "ts": from, "dur": took, "tdur": took })
        }));
        // Another thread's work is not the page's.
        trace.push(json!({ "name": "FunctionCall", "cat": "v8", "ph": "X", "pid": 1, "tid": 2, "ts": 5, "dur": 900, "tdur": 900 }));
        let module = paths::root().join("xtask/src/bench/studio/drive/trace.mjs");
        let script = format!(
            "import({}).then(({{ work }}) => console.log(JSON.stringify(work({}))))",
            json!(module),
            serde_json::Value::from(trace)
        );
        let printed = exec::output(setup::node::command().unwrap().args(["-e", &script])).unwrap();
        serde_json::from_str(&printed).unwrap()
    }

    #[test]
    fn work_counts_for_the_innermost_sort_and_what_has_no_name_for_what_it_is_part_of() {
        let sums = work(&[
            ("RunTask", 1_000, 6_000),
            ("EventDispatch", 1_000, 5_000),
            // Layout that a script forces is layout; what is done in it belongs to it.
            ("Layout", 2_000, 3_000),
            ("SomethingNew", 2_100, 2_200),
            ("v8.callFunction", 3_000, 3_500),
            ("Paint", 5_000, 5_500),
            // After the second mark.
            ("FunctionCall", 11_000, 12_000),
        ]);
        for (sort, expected) in [("scripting", 3.0), ("layout", 1.0), ("paint", 0.5), ("other", 0.5), ("style", 0.0)] {
            let sum = sums[sort].as_f64().unwrap();
            assert!((sum - expected).abs() < 1e-9, "{sort}: {sums}");
        }
    }
}
