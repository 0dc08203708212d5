//! Chromium, for the browser tests only.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::apt;
use crate::paths;

/// Names under which a browser of this family is found.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const MACOS: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// The program: `HOLON_CHROMIUM`, one that is installed, or Debian's package.
pub fn ensure() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("HOLON_CHROMIUM").filter(|value| !value.is_empty()) {
        let path = PathBuf::from(named);
        if path.is_file() {
            return Ok(path);
        }
        bail!("HOLON_CHROMIUM names {}, which is not there", path.display());
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    apt::install(&["chromium"], "a browser for the end-to-end tests")?;
    installed().context("no Chromium after installing it: set HOLON_CHROMIUM to its program")
}

fn installed() -> Option<PathBuf> {
    let in_path = NAMES.iter().find_map(|name| paths::program(name));
    in_path.or_else(|| Some(PathBuf::from(MACOS)).filter(|path| path.is_file()))
}
