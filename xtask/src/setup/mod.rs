//! Getting what building needs. Each step first looks whether there is anything to do, and says what it does;
//! a step that cannot be done says what to install by hand.

pub mod apt;
pub mod bindgen;
pub mod browser;
pub mod node;
pub mod postgres;
pub mod python;
pub mod splitter;
pub mod wasm_target;

use std::path::PathBuf;

use anyhow::Result;

use crate::args::Args;
use crate::say;

/// What the steps found, for those who build with it.
pub struct Tools {
    /// How to compile for wasm32.
    pub wasm: wasm_target::Toolchain,
    /// The `wasm-bindgen` program of the locked version.
    pub bindgen: PathBuf,
    /// The program that cuts the page's module into parts.
    pub splitter: PathBuf,
}

/// `cargo xtask setup`.
pub fn command(args: Args) -> Result<()> {
    args.finish()?;
    build_tools()?;
    python::ensure()?;
    let postgres = postgres::binaries()?;
    say::note(&format!("Postgres: {}", postgres.display()));
    say::plain("everything that building needs is there");
    Ok(())
}

/// What every build needs.
pub fn build_tools() -> Result<Tools> {
    node::packages()?;
    let wasm = wasm_target::ensure()?;
    let bindgen = bindgen::ensure()?;
    let splitter = splitter::ensure()?;
    Ok(Tools { wasm, bindgen, splitter })
}
