//! Documents that must stay true: a page for every error code, and paths that exist.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result};

use super::Findings;
use crate::{exec, paths};

/// Documents whose every path in backticks must exist.
const MAPS: &[&str] = &["README.md", "docs/ARCHITECTURE.md", "docs/development.md", "docs/benchmarks.md"];

/// Checks all of them.
pub fn check(findings: &mut Findings) -> Result<()> {
    errors(findings)?;
    for map in MAPS {
        match std::fs::read_to_string(paths::root().join(map)) {
            Ok(text) => {
                for path in named(&text) {
                    if !paths::root().join(&path).exists() && !is_ignored(&path) {
                        findings.add(map, &format!("names `{path}`, which does not exist"));
                    }
                }
            }
            Err(_) => findings.add(map, "is missing"),
        }
    }
    Ok(())
}

/// Every code of the registry has a page, and every page a code.
fn errors(findings: &mut Findings) -> Result<()> {
    let registry = "shared/model/src/error.rs";
    let text =
        std::fs::read_to_string(paths::root().join(registry)).with_context(|| format!("cannot read {registry}"))?;
    let codes = codes(&text);
    if codes.is_empty() {
        findings.add(registry, "holds no codes in the form `Name = \"code\", status, \"title\";`");
    }
    let mut pages = BTreeSet::new();
    for entry in std::fs::read_dir(paths::root().join("docs/errors"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(code) = name.strip_suffix(".md").filter(|code| *code != "README") {
            pages.insert(code.to_owned());
        }
    }
    for code in codes.difference(&pages) {
        findings.add(&format!("docs/errors/{code}.md"), "is missing: every error code has a page");
    }
    for page in pages.difference(&codes) {
        findings.add(&format!("docs/errors/{page}.md"), "explains a code that does not exist");
    }
    Ok(())
}

/// `Name = "code", 400, "Title";` gives `code`.
fn codes(registry: &str) -> BTreeSet<String> {
    let code = |line: &str| {
        let (name, rest) = line.trim().split_once(" = \"")?;
        let (code, rest) = rest.split_once("\", ")?;
        let status = rest.split(',').next()?;
        let is_code = name.chars().all(char::is_alphanumeric) && status.len() == 3 && status.parse::<u16>().is_ok();
        is_code.then(|| code.to_owned())
    };
    registry.lines().filter_map(code).collect()
}

/// The words in backticks that are paths from the root: with a slash, and nothing that stands for something else.
fn named(text: &str) -> BTreeSet<String> {
    let prose: String = text.split("```").step_by(2).collect();
    let quoted = prose.split('`').skip(1).step_by(2);
    let is_path = |word: &&str| {
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'));
        let first = word.split('/').next().unwrap_or("");
        plain
            && word.contains('/')
            && !first.is_empty()
            && !first.starts_with('~')
            && first != ".."
            && first != "target"
            && (paths::root().join(first).exists() || has_extension(word))
    };
    quoted.filter(is_path).map(|word| word.trim_end_matches('/').to_owned()).collect()
}

/// What only a command makes is not there on a fresh clone.
fn is_ignored(path: &str) -> bool {
    exec::succeeds(Command::new("git").current_dir(paths::root()).args(["check-ignore", "--quiet", path]))
}

fn has_extension(word: &str) -> bool {
    [".rs", ".md", ".sql"].iter().any(|extension| word.ends_with(extension))
}

#[cfg(test)]
mod tests {
    use super::{codes, named};

    #[test]
    fn codes_are_read_from_the_registry_and_not_from_its_tests() {
        let text = "    NotFound = \"not_found\", 404, \"There is nothing here\";\n    let x = \"y\", 404;\n";
        assert_eq!(codes(text).into_iter().collect::<Vec<_>>(), ["not_found"]);
    }

    #[test]
    fn paths_are_told_from_addresses_commands_and_patterns() {
        let text = "`xtask/src/main.rs` `/api/v1` `cargo xtask up` `docs/errors/<code>.md` `nowhere/at_all.rs`\n```\n`xtask/none`\n```\n";
        assert_eq!(named(text).into_iter().collect::<Vec<_>>(), ["nowhere/at_all.rs", "xtask/src/main.rs"]);
    }
}
