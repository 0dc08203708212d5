//! The parity gate: the same flows give the same log hashes, byte for byte, natively and in wasm32 under Node; and so does the module
//! that the page loads, with every kind that computes.

mod worker;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build::files::Fnv;
use crate::{exec, paths, say, setup};

/// The crate that runs the corpus and the generated flows on either side.
const PACKAGE: &str = "holon-parity";
/// Generated flows besides the corpus.
const GENERATED: u32 = 10_000;
/// Cases in one call, so that neither side holds all lines at once.
const STEP: u32 = 1_000;

/// Prints the lines of `from..to`, or the number of cases in the corpus.
const SCRIPT: &str = "\
const parity = require(process.argv[1]);
const [from, to] = process.argv.slice(2).map(Number);
process.stdout.write(from === undefined ? String(parity.count_corpus()) : parity.lines(from, to));
";

/// Runs both sides over everything and compares.
pub fn check() -> Result<()> {
    engine()?;
    worker::check()
}

/// Both sides have neither clock nor chance: the same programs say the same, and are asked once.
fn engine() -> Result<()> {
    let native = native()?;
    let module = module()?;
    let state = state(&native, &module)?;
    let stamp = module.with_file_name("checked");
    if std::fs::read_to_string(&stamp).is_ok_and(|checked| checked == state) {
        say::note("these very programs gave the same hashes before");
        return Ok(());
    }
    let corpus: u32 = in_node(&module, &[])?.trim().parse().context("the number of cases is not a number")?;
    let all = corpus + GENERATED;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let ranges: Vec<Range<u32>> = (0..all).step_by(STEP as usize).map(|from| from..(from + STEP).min(all)).collect();
    let (native, module) = (&native, &module);
    let compared: u32 = std::thread::scope(|scope| {
        let shares = ranges.chunks(ranges.len().div_ceil(processors));
        let threads: Vec<_> = shares.map(|share| scope.spawn(|| both(native, module, share))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a comparison does not panic")).sum::<Result<u32>>()
    })?;
    if compared != all {
        bail!("{compared} cases were compared, there are {all}");
    }
    say::note(&format!("{corpus} cases of the corpus and {GENERATED} generated flows: the same hashes"));
    std::fs::write(stamp, state)?;
    Ok(())
}

/// How many cases of these ranges give the same on both sides.
fn both(native: &Path, module: &Path, ranges: &[Range<u32>]) -> Result<u32> {
    let mut compared = 0;
    for range in ranges {
        let ends = [range.start.to_string(), range.end.to_string()];
        let ours = exec::output(Command::new(native).args(&ends))?;
        compared += compare(&ours, &in_node(module, &ends)?)?;
    }
    Ok(compared)
}

/// A hash of all that the lines depend on.
fn state(native: &Path, module: &Path) -> Result<String> {
    let mut hash = Fnv::new();
    for file in [native, module, &module.with_file_name("parity_bg.wasm")] {
        hash.add(&std::fs::read(file)?);
    }
    hash.add(exec::output(setup::node::command()?.arg("--version"))?.as_bytes());
    hash.add(&GENERATED.to_le_bytes());
    Ok(hash.hex())
}

/// The number of equal lines, or the first two that differ.
fn compare(native: &str, wasm: &str) -> Result<u32> {
    if let Some((ours, theirs)) = native.lines().zip(wasm.lines()).find(|(ours, theirs)| ours != theirs) {
        bail!("not the same\n  native: {ours}\n  wasm32: {theirs}");
    }
    if native.lines().count() != wasm.lines().count() {
        bail!("{} lines natively, {} in wasm32", native.lines().count(), wasm.lines().count());
    }
    Ok(u32::try_from(native.lines().count())?)
}

/// The native side's program. Optimised, as the worker is: both sides run ten thousand flows.
pub fn native() -> Result<PathBuf> {
    exec::run(exec::cargo()?.args([
        "build",
        "--quiet",
        "--profile",
        "engine-release",
        "--package",
        PACKAGE,
        "--bin",
        "parity",
    ]))?;
    Ok(paths::target()?.join("engine-release/parity"))
}

/// The wasm32 side, as a script that Node can load.
pub fn module() -> Result<PathBuf> {
    let tools = setup::build_tools()?;
    let mut cargo = tools.wasm.cargo()?;
    cargo.args([
        "build",
        "--quiet",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        "engine-release",
        "--package",
        PACKAGE,
        "--lib",
    ]);
    exec::run(&mut cargo)?;
    let compiled = tools.wasm.module(PACKAGE, "engine-release")?;
    let out = paths::target()?.join("parity");
    let mut bindgen = Command::new(&tools.bindgen);
    bindgen
        .args(["--target", "nodejs", "--no-typescript", "--out-name", "parity", "--out-dir"])
        .arg(&out)
        .arg(compiled);
    exec::run(&mut bindgen)?;
    Ok(out.join("parity.js"))
}

fn in_node(module: &Path, range: &[String]) -> Result<String> {
    exec::output(setup::node::command()?.args(["-e", SCRIPT]).arg(module).args(range))
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn one_different_hash_and_one_missing_line_are_both_found() {
        assert_eq!(compare("a 1\nb 2\n", "a 1\nb 2\n").unwrap(), 2);
        assert!(compare("a 1\nb 2\n", "a 1\nb 3\n").unwrap_err().to_string().contains("b 3"));
        assert!(compare("a 1\nb 2\n", "a 1\n").is_err());
    }
}
