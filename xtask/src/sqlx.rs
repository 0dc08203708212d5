//! `cargo xtask sqlx [--check]`: what the compiler knows about our SQL (`.sqlx`), made afresh from the migrations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::args::Args;
use crate::build::files::Fnv;
use crate::temp_postgres::TempPostgres;
use crate::{exec, paths, say};

const DATABASE: &str = "holon_sqlx";
/// The crates with SQL in them.
const PACKAGES: &[&str] = &["holon-platform", "holon-runtime", "holon"];

/// Refreshes `.sqlx`, or with `--check` only compares.
pub fn command(mut args: Args) -> Result<()> {
    let check = args.flag("--check");
    args.finish()?;
    if check { self::check() } else { refresh() }
}

/// Compares the committed metadata with a fresh one. Done once for each state of the sources.
pub fn check() -> Result<()> {
    let state = state()?;
    let stamp = folder()?.join("checked");
    if std::fs::read_to_string(&stamp).is_ok_and(|checked| checked == state) {
        say::note(".sqlx was checked with these very sources before");
        return Ok(());
    }
    let committed = queries(&paths::root().join(".sqlx"))?;
    let fresh = prepare(&state)?;
    let missing = fresh.keys().filter(|name| !committed.contains_key(*name)).count();
    let stale = committed.keys().filter(|name| !fresh.contains_key(*name)).count();
    let other = fresh.iter().filter(|(name, text)| committed.get(*name).is_some_and(|old| old != *text)).count();
    if missing + stale + other > 0 {
        bail!(
            ".sqlx is not fresh ({missing} missing, {stale} stale, {other} different): run `cargo xtask sqlx` and commit it"
        );
    }
    say::note(&format!("{} queries", fresh.len()));
    std::fs::write(stamp, state)?;
    Ok(())
}

fn refresh() -> Result<()> {
    let fresh = prepare(&state()?)?;
    let dir = paths::root().join(".sqlx");
    exec::make_dir(&dir)?;
    for name in queries(&dir)?.keys() {
        if !fresh.contains_key(name) {
            std::fs::remove_file(dir.join(name))?;
        }
    }
    for (name, text) in &fresh {
        std::fs::write(dir.join(name), text)?;
    }
    say::plain(&format!(".sqlx: {} queries", fresh.len()));
    // What was just made needs no check, but the state has changed: the folder is part of it.
    std::fs::write(folder()?.join("checked"), state()?)?;
    Ok(())
}

/// Compiles the crates with SQL against a database made of the migrations; the macros write what they learn.
fn prepare(state: &str) -> Result<BTreeMap<String, String>> {
    let timer = say::Timer::start("checking SQL against a fresh database");
    let postgres = TempPostgres::start()?;
    postgres.migrated(DATABASE)?;
    let dir = folder()?;
    let out = dir.join("queries");
    if out.exists() {
        std::fs::remove_dir_all(&out)?;
    }
    exec::make_dir(&out)?;
    let mut cargo = exec::cargo()?;
    cargo
        .env("DATABASE_URL", postgres.url("holon_owner", DATABASE))
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &out)
        .env("RUSTC_WORKSPACE_WRAPPER", wrapper(&dir, state)?)
        .args(["check", "--quiet", "--all-targets"]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    exec::run(&mut cargo)?;
    drop(postgres);
    timer.done();
    queries(&out)
}

/// Cargo keeps what one wrapper compiled apart from what another one did. A wrapper named after the sources' state
/// so compiles our crates anew (the macros must run), and leaves both our normal builds and all dependencies alone.
fn wrapper(dir: &Path, state: &str) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join(format!("rustc-{state}-{}", std::process::id()));
    for entry in std::fs::read_dir(dir)? {
        let old = entry?.path();
        if old.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rustc-")) {
            std::fs::remove_file(old)?;
        }
    }
    std::fs::write(&path, "#!/bin/sh\nexec \"$@\"\n")?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

fn folder() -> Result<PathBuf> {
    let dir = paths::target()?.join("sqlx");
    exec::make_dir(&dir)?;
    Ok(dir)
}

/// A hash of everything that the metadata comes from, and of the committed metadata itself.
fn state() -> Result<String> {
    let root = paths::root();
    let mut files = Vec::new();
    for dir in ["migrations", "server", "shared/model", ".sqlx"] {
        collect(&root.join(dir), &mut files)?;
    }
    files.push(root.join("Cargo.lock"));
    files.sort();
    let mut hash = Fnv::new();
    for file in files {
        hash.add(file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().as_bytes());
        hash.add(&std::fs::read(&file)?);
    }
    Ok(hash.hex())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn queries(dir: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("query-") && name.ends_with(".json") {
            let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            found.insert(name, text);
        }
    }
    Ok(found)
}
