//! Running other programs: a clean environment for cargo, errors that name the command line.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{paths, say};

/// Cargo as a person would call it: without what the cargo above this process has set for itself
/// (`RUSTUP_TOOLCHAIN` would pin every `+toolchain`, `LD_LIBRARY_PATH` would load the wrong compiler's libraries).
pub fn cargo() -> Result<Command> {
    let mut command = Command::new("cargo");
    clean_env(&mut command);
    command.current_dir(paths::root()).env("CARGO_TARGET_DIR", paths::target()?);
    Ok(command)
}

/// The packages of the workspace, as `cargo metadata` tells them.
pub fn workspace_packages() -> Result<Vec<Value>> {
    let json = output(cargo()?.args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let mut metadata: Value = serde_json::from_str(&json).context("cargo metadata is not JSON")?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => bail!("cargo metadata names no packages"),
    }
}

/// Removes the parent cargo's own variables.
pub fn clean_env(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let of_cargo = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if of_cargo
            || matches!(name, "CARGO" | "RUSTC" | "RUSTUP_TOOLCHAIN" | "LD_LIBRARY_PATH" | "RUST_RECURSION_COUNT")
        {
            command.env_remove(name);
        }
    }
}

/// Runs to the end, output shown as it comes.
pub fn run(command: &mut Command) -> Result<()> {
    if say::stdout_is_data() {
        command.stdout(std::io::stderr());
    }
    let status = command.status().with_context(|| format!("cannot start: {}", shown(command)))?;
    if !status.success() {
        bail!("failed ({status}): {}", shown(command));
    }
    Ok(())
}

/// Runs to the end and gives what it wrote to standard output; its error output is in the error when it fails.
pub fn output(command: &mut Command) -> Result<String> {
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start: {}", shown(command)))?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        bail!("failed ({}): {}\n{}", out.status, shown(command), said.trim_end());
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Runs to the end, output shown as it comes and kept. Whether it ended well is for the caller to judge.
pub fn tee(command: &mut Command) -> Result<(bool, String)> {
    let line = shown(command);
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().with_context(|| format!("cannot start: {line}"))?;
    let errors = child.stderr.take().map(|stream| std::thread::spawn(move || show(stream)));
    let mut kept = child.stdout.take().map(show).unwrap_or_default();
    if let Some(said) = errors.and_then(|thread| thread.join().ok()) {
        kept.push_str(&said);
    }
    Ok((child.wait()?.success(), kept))
}

/// Shows every line of a stream as it comes, and gives them all.
fn show(stream: impl std::io::Read) -> String {
    use std::io::BufRead as _;
    let mut all = String::new();
    let mut reader = std::io::BufReader::new(stream);
    let mut line = Vec::new();
    // A stream that cannot be read any more has ended.
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        say::plain(text.trim_end_matches('\n'));
        all.push_str(&text);
        line.clear();
    }
    all
}

/// Whether it runs and ends well; nothing is shown.
pub fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The command line, for people.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Whether this process is the superuser.
pub fn is_root() -> bool {
    // The owner of this process's own directory in /proc; elsewhere `id -u` answers.
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Makes a directory and those above it.
pub fn make_dir(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))
}
