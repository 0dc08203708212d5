//! The worker's module, whole, as the page loads it: it answers under Node what the same code answers natively.

use std::path::Path;

use anyhow::{Context, Result};

use super::compare;
use crate::{build, exec, paths, say, setup};

/// The native side, a program of `holon-preview`, and a test of that package.
const PROGRAM: &str = "answers";
const TEST: &str = "handle";
/// What differs from call to call.
const TOOK: &str = "\"micros\":";

/// Asks both and compares.
pub fn check() -> Result<()> {
    let native = build::of_workspace(PROGRAM, TEST)?;
    let site = build::site(false, &setup::build_tools()?)?;
    let messages = paths::target()?.join("parity").join("messages.jsonl");
    exec::make_dir(messages.parent().context("the file has a folder")?)?;
    std::fs::write(&messages, exec::output(&mut std::process::Command::new(&native))?)?;
    let ours = exec::output(std::process::Command::new(&native).arg(&messages))?;
    let theirs = in_node(&site.join("pkg"), &messages)?;
    let compared = compare(&timeless(&ours), &timeless(&theirs))?;
    say::note(&format!("{compared} previews of examples and of every kind that computes: the same answers"));
    Ok(())
}

fn in_node(module: &Path, messages: &Path) -> Result<String> {
    let script = paths::root().join("frontend/preview/answers.mjs");
    exec::output(setup::node::command()?.arg(script).arg(module).arg(messages))
}

/// Without how long each answer took.
fn timeless(answers: &str) -> String {
    let mut parts = answers.split(TOOK);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |so_far, part| so_far + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::timeless;

    #[test]
    fn how_long_it_took_is_all_that_is_left_out() {
        assert_eq!(timeless("{\"a\":1,\"micros\":12}\n{\"micros\":0,\"b\":34}\n"), "{\"a\":1,}\n{,\"b\":34}\n");
    }
}
