//! `cargo xtask test [--only PHASE]`: everything that must be green, with what it needs started and stopped around it.

mod count;
mod end2end;
mod native;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::args::Args;
use crate::temp_postgres::TempPostgres;
use crate::{exec, parity, paths, say, setup, sqlx, tidy};
use count::Count;

/// One phase: its name for `--only`, and what it does.
struct Phase {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<Count>,
}

/// Quick ones first, so that a small mistake is told soon.
const PHASES: &[Phase] = &[
    Phase { name: "fmt", what: "every file is formatted", run: fmt },
    Phase { name: "tidy", what: "the house rules hold", run: || gate(tidy::check()) },
    Phase { name: "clippy", what: "no lint speaks, natively and for the browser", run: clippy },
    Phase { name: "deny", what: "licences, bans and sources of dependencies", run: deny },
    Phase { name: "native", what: "unit and integration tests, as the roles the server uses", run: native },
    Phase { name: "doc", what: "examples in the documentation compile and hold", run: native::documentation },
    Phase { name: "sqlx", what: "`.sqlx` is fresh", run: || gate(sqlx::check()) },
    Phase {
        name: "parity",
        what: "the engine gives the same hashes natively and in wasm32",
        run: || gate(parity::check()),
    },
    Phase { name: "end2end", what: "journeys through a real browser, server and database", run: end2end::run },
];

/// Runs all phases, or the one named, and says at the end how it went.
pub fn command(mut args: Args) -> Result<()> {
    let only = args.option("--only")?;
    args.finish()?;
    if let Some(name) = &only
        && !PHASES.iter().any(|phase| phase.name == name)
    {
        let names: Vec<&str> = PHASES.iter().map(|phase| phase.name).collect();
        bail!("--only takes one of: {}", names.join(", "));
    }
    let mut total = Count::default();
    let mut lines = Vec::new();
    for phase in PHASES.iter().filter(|phase| only.as_deref().is_none_or(|name| name == phase.name)) {
        say::step(&format!("{}: {}", phase.name, phase.what));
        let since = Instant::now();
        let count = (phase.run)().unwrap_or_else(|error| {
            say::failed(&format!("{}: {error:#}", phase.name));
            Count { passed: 0, failed: 1 }
        });
        let verdict = if count.failed == 0 { "ok" } else { "FAILED" };
        lines.push(format!(
            "{:<8} {verdict:<6} {:>5} passed {:>3} failed {:>7.1} s",
            phase.name,
            count.passed,
            count.failed,
            since.elapsed().as_secs_f64()
        ));
        total.add(count);
    }
    say::plain("");
    lines.iter().for_each(|line| say::plain(line));
    say::plain(&format!("{} passed, {} failed", total.passed, total.failed));
    if total.failed > 0 { std::process::exit(1) } else { Ok(()) }
}

/// A check that holds or does not.
fn gate(result: Result<()>) -> Result<Count> {
    result.map(|()| Count { passed: 1, failed: 0 })
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
        return Ok(Count { passed: 2, failed: 0 });
    }
    say::note("the toolchain for wasm32 has no clippy: the browser's side is only compiled here");
    Ok(Count { passed: 1, failed: 0 })
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

/// Advisories need a server that not every machine reaches; licences, bans and sources do not.
fn deny() -> Result<Count> {
    if paths::program("cargo-deny").is_none() {
        say::note("cargo-deny is not installed: nothing was checked (`cargo install cargo-deny`)");
        return Ok(Count::default());
    }
    gate(exec::run(exec::cargo()?.args([
        "deny",
        "--offline",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ])))
}

fn native() -> Result<Count> {
    let postgres = TempPostgres::start()?;
    native::tests(&postgres)
}
