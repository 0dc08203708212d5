//! Features that change what is hashed or stored: none may reorder maps, and server and browser must agree.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Findings;
use crate::exec;

/// Features of a crate that change its bytes, not only its interface.
const MEANINGFUL: &[(&str, &[&str])] = &[
    ("serde_json", &["preserve_order", "arbitrary_precision", "float_roundtrip", "unbounded_depth"]),
    ("rust_decimal", &["serde-float", "serde-str", "serde-arbitrary-precision", "serde-with-float"]),
    ("postcard", &["use-crc"]),
    ("time", &["large-dates"]),
];

/// Checks the features as cargo resolves them for the server and for the engine's worker.
pub fn check(findings: &mut Findings) -> Result<()> {
    let server = resolved("holon", &[])?;
    let worker = resolved("holon-preview", &["--target", "wasm32-unknown-unknown"])?;
    for (side, features) in [("server", &server), ("browser", &worker)] {
        if features.contains(&("serde_json".to_owned(), "preserve_order".to_owned())) {
            findings.add(
                "Cargo.lock",
                &format!("`serde_json/preserve_order` is on in the {side}: hashes would depend on insertion order"),
            );
        }
    }
    for (name, feature) in server.symmetric_difference(&worker) {
        findings.add(
            "Cargo.lock",
            &format!("`{name}/{feature}` is on in only one of server and browser: hashes could differ"),
        );
    }
    Ok(())
}

/// The features of `MEANINGFUL` that are on for a package.
fn resolved(package: &str, more: &[&str]) -> Result<BTreeSet<(String, String)>> {
    let mut cargo = exec::cargo()?;
    cargo
        .args(["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}|{f}", "--package", package])
        .args(more);
    let tree = exec::output(&mut cargo)?;
    let mut on = BTreeSet::new();
    for line in tree.lines() {
        let Some((crate_id, features)) = line.split_once('|') else { continue };
        let name = crate_id.split(' ').next().unwrap_or("");
        let Some((_, meaningful)) = MEANINGFUL.iter().find(|(known, _)| *known == name) else { continue };
        let features = features.trim_end_matches(" (*)");
        on.extend(features.split(',').filter(|f| meaningful.contains(f)).map(|f| (name.to_owned(), f.to_owned())));
    }
    Ok(on)
}
