//! The reference of functions as Markdown, from the registry: what `docs/expressions.md` ends with.

use super::functions::groups;
use std::fmt::Write as _;

/// Chapters of functions and macros with signatures, sentences and examples.
pub fn reference() -> String {
    let mut out = String::new();
    for (group, functions) in groups() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n### {group}\n");
        let _ = writeln!(out, "| call | what it does | examples |\n| --- | --- | --- |");
        for function in *functions {
            let calls: Vec<String> = function.signatures.iter().map(|signature| code(signature)).collect();
            let examples: Vec<String> = function
                .examples
                .iter()
                .map(|(source, result)| format!("{} → {}", code(source), code(result)))
                .collect();
            let _ = writeln!(out, "| {} | {} | {} |", calls.join("<br>"), cell(function.doc), examples.join("<br>"));
        }
    }
    out
}

/// Text of a cell: a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// Code of a cell, between as many backticks as it needs.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
