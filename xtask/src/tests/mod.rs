//! `cargo xtask test [--only PHASE [--file NAME]]`: everything that must be green, with what it needs started and stopped around it.

mod count;
mod deny;
mod doc;
mod end2end;
mod native;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::args::Args;
use crate::temp_postgres::TempPostgres;
use crate::{exec, parity, paths, say, setup, sqlx, tidy};
use count::Count;

/// One phase: its name for `--only`, and what it does, maybe only with the files of a name.
struct Phase {
    name: &'static str,
    what: &'static str,
    run: fn(Option<&str>) -> Result<Count>,
}

/// Quick ones first, so that a small mistake is told soon.
const PHASES: &[Phase] = &[
    Phase { name: "fmt", what: "every file is formatted", run: |_| fmt() },
    Phase { name: "tidy", what: "the house rules hold", run: |_| gate(tidy::check()) },
    Phase { name: "clippy", what: "no lint speaks, natively and for the browser", run: |_| clippy() },
    Phase { name: "deny", what: "licences, bans and sources of dependencies", run: |_| gate(deny::check()) },
    Phase { name: "native", what: "unit and integration tests, as the roles the server uses", run: |_| native() },
    Phase { name: "doc", what: "examples in the documentation compile and hold", run: |_| doc::run() },
    Phase { name: "sqlx", what: "`.sqlx` is fresh", run: |_| gate(sqlx::check()) },
    Phase {
        name: "parity",
        what: "the engine gives the same hashes natively and in wasm32",
        run: |_| gate(parity::check()),
    },
    Phase { name: "end2end", what: "journeys through a real browser, server and database", run: end2end::run },
];

/// Runs all phases, or the one named, and says at the end how it went.
pub fn command(mut args: Args) -> Result<()> {
    let only = args.option("--only")?;
    let file = args.option("--file")?;
    args.finish()?;
    if let Some(name) = &only
        && !PHASES.iter().any(|phase| phase.name == name)
    {
        let names: Vec<&str> = PHASES.iter().map(|phase| phase.name).collect();
        bail!("--only takes one of: {}", names.join(", "));
    }
    if file.is_some() && only.as_deref() != Some("end2end") {
        bail!("--file names a file of `--only end2end`");
    }
    let wanted = |phase: &&Phase| only.as_deref().is_none_or(|name| name == phase.name);
    // What the last phase needs is got first: not after an hour of the others.
    if PHASES.iter().filter(wanted).any(|phase| phase.name == "native") {
        setup::node::program()?;
        setup::python::ensure()?;
    }
    if PHASES.iter().filter(wanted).any(|phase| phase.name == "end2end") {
        setup::node::program()?;
        setup::browser::ensure()?;
    }
    let begun = Instant::now();
    let mut total = Count::default();
    let mut lines = Vec::new();
    for phase in PHASES.iter().filter(wanted) {
        say::step(&format!("{}: {}", phase.name, phase.what));
        let since = Instant::now();
        let count = (phase.run)(file.as_deref()).unwrap_or_else(|error| {
            say::failed(&format!("{}: {error:#}", phase.name));
            Count { failed: 1, ..Count::default() }
        });
        lines.push(line(phase.name, count, since));
        total.add(count);
    }
    lines.push(line("in all", total, begun));
    say::plain("");
    lines.iter().for_each(|line| say::plain(line));
    say::plain(&format!("{} passed, {} failed", total.passed, total.failed));
    if total.failed > 0 { std::process::exit(1) } else { Ok(()) }
}

/// A line of the table at the end.
fn line(name: &str, Count { passed, failed }: Count, since: Instant) -> String {
    let verdict = if failed > 0 { "FAILED" } else { "ok" };
    let took = since.elapsed().as_secs_f64();
    format!("{name:<8} {verdict:<7} {passed:>5} passed {failed:>3} failed {took:>7.1} s")
}

/// A check that holds or does not.
fn gate(result: Result<()>) -> Result<Count> {
    result.map(|()| Count { passed: 1, ..Count::default() })
}

fn fmt() -> Result<Count> {
    component("rustfmt", "cargo-fmt")?;
    gate(exec::run(exec::cargo()?.args(["fmt", "--all", "--check"])))
}

/// Natively over everything; and over what runs only in the browser, where the toolchain for it has clippy.
fn clippy() -> Result<Count> {
    component("clippy", "cargo-clippy")?;
    exec::run(exec::cargo()?.args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--keep-going",
        "--",
        "-D",
        "warnings",
    ]))?;
    let tools = setup::build_tools()?;
    if tools.wasm.has_clippy() {
        let mut cargo = tools.wasm.cargo()?;
        cargo.args(["clippy", "--quiet", "--target", "wasm32-unknown-unknown"]);
        cargo.args(["--package", "holon-hydrate", "--package", "holon-preview", "--package", "holon-app"]);
        exec::run(cargo.args(["--features", "holon-app/hydrate", "--", "-D", "warnings"]))?;
        return Ok(Count { passed: 2, ..Count::default() });
    }
    say::note("the toolchain for wasm32 has no clippy: the browser's side is only compiled here");
    Ok(Count { passed: 1, ..Count::default() })
}

/// A part of the Rust toolchain that a minimal one lacks.
fn component(name: &str, program: &str) -> Result<()> {
    if paths::program(program).is_some()
        && exec::succeeds(exec::cargo()?.args([name.trim_start_matches("rust"), "--version"]))
    {
        return Ok(());
    }
    let mut rustup = std::process::Command::new("rustup");
    exec::clean_env(&mut rustup);
    exec::run(rustup.args(["component", "add", name]))
}

fn native() -> Result<Count> {
    let postgres = TempPostgres::start()?;
    native::tests(&postgres)
}
