//! `cargo xtask bench [NAME] [--json]`: what Holon promises in numbers, measured on a release build.

mod calibrate;
mod engine;
mod measure;
mod peers;
mod preview;
mod runtime;
mod server;
mod sizes;
mod studio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::args::Args;
use crate::say;
use measure::Measure;

/// One benchmark: its name on the command line, and what gives its measures.
struct Bench {
    name: &'static str,
    run: fn() -> Result<Vec<Measure>>,
    /// Whether it is run without being named.
    always: bool,
}

const BENCHES: &[Bench] = &[
    Bench { name: "sizes", run: sizes::run, always: true },
    Bench { name: "server", run: server::run, always: true },
    Bench { name: "engine", run: engine::run, always: true },
    Bench { name: "preview", run: preview::run, always: true },
    Bench { name: "runtime", run: runtime::run, always: true },
    // It fills a disk.
    Bench { name: "history", run: runtime::history, always: false },
    // These install what they compare with.
    Bench { name: "peers", run: peers::run, always: false },
    Bench { name: "studio", run: studio::run, always: false },
];

/// Runs all benchmarks, or the one named; ends with an error when a measure falls short.
pub fn command(mut args: Args) -> Result<()> {
    let json = args.flag("--json");
    let only = args.command();
    args.finish()?;
    if json {
        say::keep_stdout_for_data();
    }
    if let Some(name) = &only
        && !BENCHES.iter().any(|bench| bench.name == name)
    {
        let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        bail!("there is no benchmark `{name}`; there are: {}", names.join(", "));
    }
    let machine = calibrate::Machine::look()?;
    say::note(&machine.line());
    if json {
        say::data(&machine.json());
    }
    let mut short = 0;
    for bench in BENCHES.iter().filter(|bench| only.as_deref().map_or(bench.always, |name| name == bench.name)) {
        let measures = (bench.run)().with_context(|| format!("benchmark {}", bench.name))?;
        for measure in measures {
            let judged = measure.judge(machine.slowness);
            short += u32::from(judged.ok == Some(false));
            if json { say::data(&judged.json()) } else { say::plain(&judged.line()) }
        }
    }
    if short > 0 { bail!("{short} measures fall short") } else { Ok(()) }
}

/// The measures that another program prints, one JSON object a line; other lines are its talk.
fn lines(output: &str) -> Result<Vec<Measure>> {
    let objects = output.lines().filter(|line| line.starts_with('{'));
    objects.map(|line| Measure::parse(&serde_json::from_str::<Value>(line)?)).collect()
}
