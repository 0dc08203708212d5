//! `cargo xtask tidy`: the rules of the house that a compiler does not check, each in a few lines.

mod docs;
mod features;
mod manifests;
mod sources;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::args::Args;
use crate::{exec, paths, say};

/// What the rules found; empty when all is well.
#[derive(Default)]
pub struct Findings(Vec<String>);

impl Findings {
    /// Notes one breach: where, and which rule.
    pub fn add(&mut self, place: &str, rule: &str) {
        self.0.push(format!("{place}: {rule}"));
    }
}

/// `cargo xtask tidy`.
pub fn command(args: Args) -> Result<()> {
    args.finish()?;
    check()
}

/// Every rule.
pub fn check() -> Result<()> {
    let files = files()?;
    let mut findings = Findings::default();
    manifests::check(&mut findings)?;
    features::check(&mut findings)?;
    sources::check(&files, &mut findings)?;
    docs::check(&mut findings)?;
    findings.0.sort();
    for finding in &findings.0 {
        say::note(finding);
    }
    if !findings.0.is_empty() {
        bail!("{} breaches of the house rules", findings.0.len());
    }
    say::note(&format!("{} files follow the house rules", files.len()));
    Ok(())
}

/// Every file that belongs to the project, as paths from its root: what git tracks or would track.
fn files() -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(paths::root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed = exec::output(&mut git)?;
    let mut files: Vec<PathBuf> = listed.lines().map(PathBuf::from).collect();
    files.retain(|path| paths::root().join(path).is_file());
    Ok(files)
}
