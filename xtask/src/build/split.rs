//! Cuts the page's module at the marks of `wasm_split` (`app/src/lazy.rs`): what the first page needs stays, each part that
//! is loaded later becomes a module of its own, and so does what several parts share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::files::Folder;
use crate::exec;

/// The script that fetches the parts; the page's script imports it under this name.
pub const LOADER: &str = "__wasm_split.js";

/// What came out: the module that `wasm-bindgen` takes, and the parts beside it.
pub struct Split {
    /// The main module.
    pub main: PathBuf,
    /// The parts, and the script that loads them.
    parts: Vec<PathBuf>,
}

/// Cuts a module that was linked with its relocations. `name` is the page's script without its ending.
pub fn cut(splitter: &Path, compiled: &Path, name: &str) -> Result<Split> {
    let dir = compiled.with_extension("split");
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    exec::make_dir(&dir)?;
    exec::run(Command::new(splitter).args(["--target", "web", "--out-name", name]).arg(compiled).arg(&dir))?;
    let main = dir.join(format!("{name}.wasm"));
    let mut parts = Vec::new();
    for entry in std::fs::read_dir(&dir)? {
        let path = entry?.path();
        if path != main {
            parts.push(path);
        }
    }
    parts.sort();
    Ok(Split { main, parts })
}

impl Split {
    /// Puts the parts beside the page's script, in place of those of an earlier build; gives those that are modules.
    pub fn place(&self, pkg: &Path) -> Result<Vec<PathBuf>> {
        for old in placed(pkg)? {
            std::fs::remove_file(old)?;
        }
        let mut modules = Vec::new();
        for part in &self.parts {
            let to = pkg.join(part.file_name().context("a part without a name")?);
            std::fs::copy(part, &to).with_context(|| format!("cannot write {}", to.display()))?;
            if to.extension().is_some_and(|extension| extension == "wasm") {
                modules.push(to);
            }
        }
        Ok(modules)
    }
}

/// Declares the parts that stand beside the page's script.
pub fn keep(out: &mut Folder) -> Result<()> {
    for path in placed(&out.path("pkg"))? {
        let name = path.file_name().context("a part without a name")?;
        out.keep(Path::new("pkg").join(name));
    }
    Ok(())
}

/// The parts in a folder, by the splitter's names, with the loader.
fn placed(pkg: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(pkg)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let part = (name.starts_with("split_") || name.starts_with("chunk_")) && name.ends_with(".wasm");
        if part || name == LOADER {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The files that each part needs, without their ending, as the loader has them.
pub fn parts(loader: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let script = std::fs::read_to_string(loader).with_context(|| format!("cannot read {}", loader.display()))?;
    Ok(needs(&script))
}

/// `export const __wasm_split_load_NAME = …makeLoad(… "./split_NAME.wasm" …, [__chunk_0, __chunk_3]));`
fn needs(script: &str) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for part in script.split("export const __wasm_split_load_").skip(1) {
        let Some((name, rest)) = part.split_once(" = ") else { continue };
        let rest = rest.split_once("]));").map_or(rest, |(loader, _)| loader);
        let shared = rest.rsplit_once('[').map_or("", |(_, shared)| shared);
        let mut files: Vec<String> =
            shared.split(',').filter_map(|chunk| Some(chunk.trim().strip_prefix("__")?.to_owned())).collect();
        if rest.contains(".wasm\"") {
            files.push(format!("split_{name}"));
        }
        all.insert(name.to_owned(), files);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::needs;

    #[test]
    fn a_part_needs_what_its_loader_names() {
        let script = "const __chunk_2 = makeLoad(() => {\n fetch(new URL(\"./chunk_2.wasm\", import.meta.url));\n}, []);\n\
            export const __wasm_split_load_run = wrapAsyncCb(makeLoad(() => {\n const src = fetch(new URL(\"./split_run.wasm\", import.meta.url));\n}\n, [__chunk_2, __chunk_11]));\n\
            export const __wasm_split_load_empty = wrapAsyncCb(makeLoad(() => async (_imp) => ({}), []));\n";
        let needs = needs(script);
        assert_eq!(needs["run"], ["chunk_2", "chunk_11", "split_run"]);
        assert!(needs["empty"].is_empty());
    }
}
