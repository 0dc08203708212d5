//! Rules for single files: a first line that says what the file is for, no giants, nothing left for later,
//! no address of a package registry.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Findings;
use crate::paths;

/// A file past this asks to be two.
const LONGEST: usize = 600;

/// Hosts that only a lock file may name; in two parts, so that this file is none of those it looks for.
const HOSTS: &[(&str, &str)] = &[
    ("registry.", "npmjs.org"),
    ("registry.", "yarnpkg.com"),
    ("index.", "crates.io"),
    ("static.", "crates.io"),
    ("files.", "pythonhosted.org"),
    ("deb.", "debian.org"),
];

/// Words that mean work left for later, and attributes that silence without a reason.
const MARKS: &[(&str, &str)] = &[("TO", "DO"), ("FIX", "ME"), ("#[al", "low("), ("#![al", "low(")];

/// Checks every file.
pub fn check(files: &[PathBuf], findings: &mut Findings) -> Result<()> {
    for file in files {
        let place = file.display().to_string();
        let Ok(text) = std::fs::read_to_string(paths::root().join(file)) else { continue };
        if file != Path::new("Cargo.lock") {
            for host in HOSTS.iter().map(|(first, rest)| format!("{first}{rest}")) {
                if text.contains(&host) {
                    findings.add(&place, &format!("names the registry host {host}"));
                }
            }
        }
        let kind = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        if kind == "rs" {
            rust(&place, &text, findings);
        }
        if matches!(kind.as_str(), "rs" | "ts" | "js" | "mjs" | "css" | "sql") && text.lines().count() > LONGEST {
            findings
                .add(&place, &format!("has {} lines; more than {LONGEST} ask to be two files", text.lines().count()));
        }
    }
    Ok(())
}

fn rust(place: &str, text: &str, findings: &mut Findings) {
    if !text.starts_with("//!") {
        findings.add(place, "must begin with `//!` and say what it is for");
    }
    for (number, line) in text.lines().enumerate() {
        for mark in MARKS.iter().map(|(first, rest)| format!("{first}{rest}")) {
            if line.contains(&mark) && !line.contains("reason = ") {
                findings.add(&format!("{place}:{}", number + 1), &format!("`{mark}` has no place in finished code"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Findings, rust};

    #[test]
    fn a_file_without_its_purpose_and_with_work_left_over_is_found_twice() {
        let mut findings = Findings::default();
        rust("x.rs", &format!("fn main() {{}} // {}{} later\n", "TO", "DO"), &mut findings);
        assert_eq!(findings.0.len(), 2);
        let mut none = Findings::default();
        rust("x.rs", "//! Says what it is for.\nfn main() {}\n", &mut none);
        assert!(none.0.is_empty());
    }
}
