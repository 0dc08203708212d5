//! What a browser downloads before it can do anything, compressed.

use std::path::Path;

use anyhow::{Context, Result};

use super::measure::{Measure, Must};
use crate::build::split;
use crate::{build, setup};

/// Scripts, module, styles and icons of every page; fonts come later and swap in.
const SHELL: &[&str] = &["pkg/holon.js", "pkg/__wasm_split.js", "pkg/holon_bg.wasm", "pkg/holon.css", "pkg/icons.svg"];
/// What only the editor and the run page load, into a worker.
const WORKER: &[&str] = &["pkg/preview.js", "pkg/preview_bg.wasm"];

/// Measures the files of a release build.
pub fn run() -> Result<Vec<Measure>> {
    let site = build::site(true, &setup::build_tools()?)?;
    let mut measures = vec![
        Measure::new("sizes.page_shell", kilobytes(&site, SHELL)?, "KB", Must::AtMost(350.0)),
        Measure::new("sizes.engine_worker", kilobytes(&site, WORKER)?, "KB", Must::AtMost(500.0)),
        Measure::new("sizes.page_module", kilobytes(&site, &["pkg/holon_bg.wasm"])?, "KB", Must::Report),
        Measure::new("sizes.styles", kilobytes(&site, &["pkg/holon.css", "pkg/icons.svg"])?, "KB", Must::Report),
    ];
    for (part, files) in split::parts(&site.join("pkg").join(split::LOADER))? {
        measures.push(Measure::new(&format!("sizes.part_{part}"), modules(&site, &files)?, "KB", Must::Report));
    }
    Ok(measures)
}

/// What a page of a release build loads beside the shell, shared files included.
pub fn part(site: &Path, name: &str) -> Result<f64> {
    let parts = split::parts(&site.join("pkg").join(split::LOADER))?;
    modules(site, parts.get(name).with_context(|| format!("the build has no part {name}"))?)
}

fn modules(site: &Path, files: &[String]) -> Result<f64> {
    let files: Vec<String> = files.iter().map(|file| format!("pkg/{file}.wasm")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    kilobytes(site, &files)
}

/// Thousands of bytes of the files' brotli forms.
fn kilobytes(site: &Path, files: &[&str]) -> Result<f64> {
    let mut bytes = 0;
    for file in files {
        let path = site.join(format!("{file}.br"));
        bytes += std::fs::metadata(&path).with_context(|| format!("the build left no {}", path.display()))?.len();
    }
    Ok(bytes as f64 / 1000.0)
}
