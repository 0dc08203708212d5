//! The examples in documentation comments compile and hold.

use std::path::Path;

use anyhow::Result;

use super::count::Count;
use super::native::honest;
use crate::{exec, say};

/// Asks the packages that have one: asking a package that has none takes a second, too.
pub fn run() -> Result<Count> {
    let workspace = exec::workspace_packages()?;
    let mut packages = Vec::new();
    for package in &workspace {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let sources = manifest.with_file_name("src");
        if sources.join("lib.rs").is_file() && any_example(&sources)? {
            packages.push(package["name"].as_str().unwrap_or_default());
        }
    }
    if packages.is_empty() {
        say::note("no documentation comment has an example");
        return Ok(Count::default());
    }
    let mut cargo = exec::cargo()?;
    cargo.args(["test", "--quiet", "--doc", "--no-fail-fast"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    let (ok, output) = exec::tee(&mut cargo)?;
    honest(ok, Count::of_cargo_test(&output))
}

/// Whether a file in this folder has one.
fn any_example(folder: &Path) -> Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let has = if path.is_dir() {
            any_example(&path)?
        } else {
            path.extension().is_some_and(|extension| extension == "rs") && example(&std::fs::read_to_string(&path)?)
        };
        if has {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether there may be one: a fence, a line that is indented as code is, or documentation from another file.
fn example(source: &str) -> bool {
    source.lines().map(str::trim_start).any(|line| {
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let code =
            comment.is_some_and(|text| text.contains("```") || text.contains("~~~") || text.starts_with("     "));
        code || line.contains("doc = ") || line.starts_with("/**") || line.starts_with("/*!")
    })
}

#[cfg(test)]
mod tests {
    use super::example;

    #[test]
    fn each_way_to_write_an_example_is_seen_and_prose_is_none() {
        for source in [
            "    /// ```\n    /// add(1)\n",
            "//! ~~~\n",
            "///     add(1)",
            "#![doc = include_str!(\"a.md\")]",
            "/** ``` */",
        ] {
            assert!(example(source), "{source}");
        }
        assert!(!example("//! Adds.\n/// A list\n///   goes on\n// ```\nfn add() {}"));
    }
}
