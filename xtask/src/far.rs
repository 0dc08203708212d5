//! How far the proofs came that go on for longer than one call: a number in a file of each, in the cache of this user and in no repository.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{exec, paths};

/// The file of a proof, in a folder that is there.
pub fn file(name: &str) -> Result<PathBuf> {
    let file = paths::cache()?.join("sim").join(name);
    exec::make_dir(file.parent().context("the state has a folder")?)?;
    Ok(file)
}

/// How far it came; 0 before it began.
pub fn come(name: &str) -> Result<u64> {
    Ok(std::fs::read_to_string(file(name)?).unwrap_or_default().trim().parse().unwrap_or(0))
}
