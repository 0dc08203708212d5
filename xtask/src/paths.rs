//! Where things are: the clone, the cache of tools, the target directory, the site that a build makes.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The root of the clone.
pub fn root() -> PathBuf {
    // Cargo says it to what it runs. What is compiled in is that of the clone in which it was compiled, which may have been another one.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let manifest = PathBuf::from(manifest);
    manifest.parent().unwrap_or(&manifest).to_owned()
}

/// Tools and compiled output that survive between checkouts: `HOLON_CACHE_DIR`, else the user's cache directory.
pub fn cache() -> Result<PathBuf> {
    if let Some(dir) = env_dir("HOLON_CACHE_DIR") {
        return Ok(dir);
    }
    if let Some(dir) = env_dir("XDG_CACHE_HOME") {
        return Ok(dir.join("holon"));
    }
    let home = env_dir("HOME").context("neither HOLON_CACHE_DIR nor HOME is set: set one of them to a directory")?;
    Ok(home.join(".cache/holon"))
}

/// Tools that a step of `setup` puts beside the cache instead of into the system.
pub fn tools() -> Result<PathBuf> {
    Ok(cache()?.join("tools"))
}

/// The target directory of every cargo call that a command makes.
pub fn target() -> Result<PathBuf> {
    match env_dir("HOLON_TARGET_DIR").or_else(|| env_dir("CARGO_TARGET_DIR")) {
        Some(dir) => Ok(dir),
        None => Ok(cache()?.join("target")),
    }
}

/// The folder of what a browser is served: scripts, modules, styles, fonts, and `build.json`.
pub fn site(release: bool) -> Result<PathBuf> {
    Ok(target()?.join("site").join(profile_dir(release)))
}

/// The built server.
pub fn server(release: bool) -> Result<PathBuf> {
    Ok(target()?.join(profile_dir(release)).join("holon"))
}

/// The folder cargo uses for a native profile.
pub fn profile_dir(release: bool) -> &'static str {
    if release { "release" } else { "debug" }
}

/// A directory named by the environment, made absolute; an empty value counts as not set.
fn env_dir(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
    let path = PathBuf::from(value);
    Some(if path.is_absolute() { path } else { root().join(path) })
}

/// The first program of that name in `PATH`.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}
