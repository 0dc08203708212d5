//! Which crate may depend on which: the planes of the design, read from the manifests.

use anyhow::Result;
use serde_json::Value;

use super::Findings;
use crate::{exec, paths};

/// A folder of crates, and the folders whose crates it may depend on.
struct Layer {
    folder: &'static str,
    may_use: &'static [&'static str],
    /// Crates from outside that have no place here.
    never: &'static [&'static str],
}

/// Whatever talks to a system: not in crates that also run in a browser.
const SYSTEM: &[&str] =
    &["tokio", "sqlx", "axum", "hyper", "tower", "tower-http", "leptos", "leptos_axum", "rand", "getrandom"];
/// Whatever can open a connection to the outside: only the one egress path holds such a crate.
const CLIENTS: &[&str] = &["reqwest", "ureq", "isahc", "surf", "hyper-rustls", "curl", "attohttpc", "awc"];

/// Looked up from the first that fits.
const LAYERS: &[Layer] = &[
    Layer { folder: "shared/model", may_use: &[], never: SYSTEM },
    Layer { folder: "shared/", may_use: &["shared/"], never: SYSTEM },
    Layer {
        folder: "capabilities/",
        may_use: &["shared/", "capabilities/", "server/platform"],
        never: &["sqlx", "axum", "leptos_axum"],
    },
    Layer {
        folder: "app",
        may_use: &["shared/", "capabilities/"],
        never: &["sqlx", "axum", "tokio", "tower", "leptos_axum"],
    },
    Layer {
        folder: "frontend/",
        may_use: &["shared/", "capabilities/", "app"],
        never: &["sqlx", "axum", "tokio", "tower", "leptos_axum"],
    },
    Layer { folder: "server/platform", may_use: &["shared/"], never: &["leptos"] },
    Layer { folder: "server/runtime", may_use: &["shared/", "server/platform"], never: &["leptos", "axum"] },
    Layer {
        folder: "server/holon",
        may_use: &["shared/", "capabilities/", "app", "server/platform", "server/runtime"],
        never: &[],
    },
    Layer { folder: "xtask", may_use: &[], never: SYSTEM },
];

/// Checks every manifest of the workspace.
pub fn check(findings: &mut Findings) -> Result<()> {
    for package in &exec::workspace_packages()? {
        let folder = folder(text(package, "manifest_path"));
        check_package(&folder, package, findings);
        let manifest = std::fs::read_to_string(paths::root().join(&folder).join("Cargo.toml"))?;
        if !manifest.contains("[lints]\nworkspace = true") {
            findings.add(&format!("{folder}/Cargo.toml"), "must have `[lints] workspace = true`");
        }
    }
    Ok(())
}

fn check_package(folder: &str, package: &Value, findings: &mut Findings) {
    let place = format!("{folder}/Cargo.toml");
    let Some(layer) = LAYERS.iter().find(|layer| fits(folder, layer.folder)) else {
        findings.add(&place, "stands in a folder that no layer of the design names (xtask/src/tidy/manifests.rs)");
        return;
    };
    for dependency in list(package, "dependencies") {
        let name = text(dependency, "name");
        let target = text(dependency, "target");
        if name == "holon-app" || name == "leptos" {
            let hydrates = list(dependency, "features").iter().any(|feature| feature.as_str() == Some("hydrate"));
            if hydrates && !target.contains("wasm32") {
                findings.add(&place, &format!("may switch on `{name}/hydrate` only for wasm32"));
            }
        }
        // One crate for both sides of a connection: its server half is welcome.
        let dials = name == "hyper-util"
            && list(dependency, "features")
                .iter()
                .filter_map(Value::as_str)
                .any(|feature| feature.starts_with("client"));
        if (dials || CLIENTS.contains(&name)) && folder != "server/platform" {
            findings.add(&place, &format!("`{name}` opens connections: only server/platform may, through its egress"));
        }
        // What only tests use may come from anywhere.
        if text(dependency, "kind") == "dev" {
            continue;
        }
        if layer.never.contains(&name) {
            findings.add(&place, &format!("`{name}` has no place in {}", layer.folder));
        }
        let path = text(dependency, "path");
        if !path.is_empty() {
            let other = crate_folder(path);
            let allowed = layer.may_use.iter().any(|allowed| fits(&other, allowed));
            if !allowed {
                findings.add(&place, &format!("{} may not depend on {other}", layer.folder));
            }
            let optional = dependency.get("optional").and_then(Value::as_bool) == Some(true);
            if folder.starts_with("capabilities/") && other.starts_with("server/") && !optional {
                findings.add(&place, &format!("{other} must be optional, behind the feature `execute`"));
            }
        }
    }
}

/// `shared/` holds every crate in it, `app` is one crate.
fn fits(folder: &str, layer: &str) -> bool {
    if layer.ends_with('/') {
        folder.starts_with(layer)
    } else {
        folder == layer || folder.starts_with(&format!("{layer}/"))
    }
}

fn folder(manifest: &str) -> String {
    crate_folder(manifest.trim_end_matches("/Cargo.toml"))
}

fn crate_folder(path: &str) -> String {
    let root = format!("{}/", paths::root().display());
    path.strip_prefix(&root).unwrap_or(path).to_owned()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::{Findings, check_package, fits};

    fn breaches(folder: &str, dependency: serde_json::Value) -> Vec<String> {
        let mut findings = Findings::default();
        check_package(folder, &serde_json::json!({ "dependencies": [dependency] }), &mut findings);
        findings.0
    }

    #[test]
    fn a_folder_that_only_begins_like_a_layer_is_not_in_it() {
        assert!(fits("app", "app"));
        assert!(!fits("application", "app"));
        assert!(fits("shared/flow", "shared/"));
    }

    #[test]
    fn a_shared_crate_with_tokio_is_refused_and_the_same_in_its_tests_is_not() {
        assert_eq!(breaches("shared/flow", serde_json::json!({ "name": "tokio" })).len(), 1);
        assert!(breaches("shared/flow", serde_json::json!({ "name": "tokio", "kind": "dev" })).is_empty());
    }

    #[test]
    fn hydration_outside_of_wasm_and_a_second_http_client_are_refused() {
        let native = serde_json::json!({ "name": "leptos", "features": ["hydrate"] });
        assert_eq!(breaches("frontend/hydrate", native).len(), 1);
        let browser =
            serde_json::json!({ "name": "leptos", "features": ["hydrate"], "target": "cfg(target_arch = \"wasm32\")" });
        assert!(breaches("frontend/hydrate", browser).is_empty());
        assert_eq!(breaches("server/holon", serde_json::json!({ "name": "reqwest" })).len(), 1);
        assert!(breaches("server/platform", serde_json::json!({ "name": "reqwest" })).is_empty());
    }
}
