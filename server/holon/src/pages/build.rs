//! Which build of the static files this server sends, read once from `build.json`.

use std::collections::HashMap;
use std::path::Path;

use leptos::WasmSplitManifest;
use leptos::prelude::ArcStoredValue;
use serde::Deserialize;

/// The script that loads the parts of the page's module.
const LOADER: &str = "__wasm_split.js";

/// One build.
#[derive(Debug, Clone, Deserialize)]
pub struct Build {
    /// Names it: the files stand under `/pkg/<id>/` and never change there.
    pub id: String,
    /// The files that each part of the page's module needs, without their ending.
    #[serde(default)]
    parts: HashMap<String, Vec<String>>,
}

impl Build {
    /// The build in a folder; without one, the server's version with no parts.
    #[must_use]
    pub fn of(site: &Path) -> Self {
        let read = std::fs::read(site.join("build.json"));
        read.ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_else(|| Self { id: env!("CARGO_PKG_VERSION").to_owned(), parts: HashMap::new() })
    }

    /// What the renderer needs to announce the parts of a page in its head, so that they come together with the script.
    #[must_use]
    pub fn manifest(&self) -> WasmSplitManifest {
        WasmSplitManifest(ArcStoredValue::new((format!("/pkg/{}", self.id), self.parts.clone(), LOADER.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::Build;

    #[test]
    fn a_folder_without_a_build_has_the_servers_version_and_no_parts() {
        let build = Build::of(std::path::Path::new("/nonexistent"));
        assert_eq!(build.id, env!("CARGO_PKG_VERSION"));
        assert!(build.parts.is_empty());
    }

    #[test]
    fn a_build_from_before_there_were_parts_is_read() {
        let build: Build = serde_json::from_str(r#"{"id":"0123456789ab"}"#).unwrap();
        assert!(build.parts.is_empty());
        let build: Build =
            serde_json::from_str(r#"{"id":"0123456789ab","parts":{"run":["chunk_2","split_run"]}}"#).unwrap();
        assert_eq!(build.parts["run"], ["chunk_2", "split_run"]);
    }
}
