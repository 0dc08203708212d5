//! A compiler for wasm32: the toolchain in use with its target added by rustup, or, where rustup's server cannot
//! be reached, Debian's compiler with a standard library built from Debian's sources.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::apt;
use crate::{exec, paths, say};

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LIB: &str = "/usr/lib/rustlib/wasm32-unknown-unknown/lib";

/// How to compile for wasm32.
pub struct Toolchain {
    /// The name of the rustup toolchain, when it is not the one in use.
    plus: Option<&'static str>,
    /// The linker, when the toolchain does not bring its own.
    linker: Option<PathBuf>,
}

impl Toolchain {
    /// Cargo for wasm32, with a target directory of its own where another compiler is used.
    pub fn cargo(&self) -> Result<Command> {
        let mut command = exec::cargo()?;
        if let Some(name) = self.plus {
            command.arg(format!("+{name}"));
        }
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command.env("CARGO_TARGET_DIR", self.target_dir()?);
        Ok(command)
    }

    /// Whether its clippy is there: Debian's compiler comes without.
    pub fn has_clippy(&self) -> bool {
        self.plus.is_none() && paths::program("rustup").is_some()
    }

    /// Where this compiler's output goes.
    pub fn target_dir(&self) -> Result<PathBuf> {
        let target = paths::target()?;
        Ok(if self.plus.is_some() { target.join("wasm") } else { target })
    }

    /// The module that cargo made of a package.
    pub fn module(&self, package: &str, profile: &str) -> Result<PathBuf> {
        let file = format!("{}.wasm", package.replace('-', "_"));
        Ok(self.target_dir()?.join(TARGET).join(profile).join(file))
    }
}

/// Finds the target, or gets it.
pub fn ensure() -> Result<Toolchain> {
    if has_std(&target_libdir()?) {
        return Ok(Toolchain { plus: None, linker: None });
    }
    // A Debian toolchain that was made earlier is good; asking rustup's server again would only cost time.
    if has_std(Path::new(DEBIAN_LIB)) && fits_debian() {
        return debian();
    }
    if paths::program("rustup").is_some() {
        say::step("rustup target add wasm32-unknown-unknown");
        let mut rustup = Command::new("rustup");
        exec::clean_env(&mut rustup);
        let added = exec::run(rustup.args(["target", "add", TARGET]));
        if added.is_ok() && has_std(&target_libdir()?) {
            return Ok(Toolchain { plus: None, linker: None });
        }
        say::note("rustup's server cannot be reached; building the target from Debian's sources instead");
    }
    build_debian_std().context(
        "no compiler for wasm32: run `rustup target add wasm32-unknown-unknown` where rustup's server can be reached, \
         or install Debian's rustc-web, cargo-web and rust-web-src",
    )?;
    debian()
}

fn target_libdir() -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    exec::clean_env(&mut rustc);
    let dir = exec::output(rustc.args(["--print", "target-libdir", "--target", TARGET]))?;
    Ok(PathBuf::from(dir.trim()))
}

fn has_std(dir: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// Debian's compiler as a toolchain of rustup; without rustup it is the only compiler, and needs no name.
fn debian() -> Result<Toolchain> {
    if paths::program("rustup").is_none() {
        return Ok(Toolchain { plus: None, linker: Some(linker()?) });
    }
    let mut list = Command::new("rustup");
    exec::clean_env(&mut list);
    let known = exec::output(list.args(["toolchain", "list"]))?;
    if !known.lines().any(|line| line.split_whitespace().next() == Some("debian")) {
        let mut link = Command::new("rustup");
        exec::clean_env(&mut link);
        exec::run(link.args(["toolchain", "link", "debian", "/usr"]))?;
    }
    Ok(Toolchain { plus: Some("debian"), linker: Some(linker()?) })
}

/// Debian's compiler comes without a linker for wasm: rustup's own, else the one of LLVM.
fn linker() -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    exec::clean_env(&mut rustc);
    let sysroot = exec::output(rustc.args(["--print", "sysroot"]))?;
    let mut verbose = Command::new("rustc");
    exec::clean_env(&mut verbose);
    let version = exec::output(verbose.arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
    let of_rustup = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin/rust-lld");
    if of_rustup.is_file() {
        return Ok(of_rustup);
    }
    for name in ["rust-lld", "wasm-ld", "wasm-ld-22", "wasm-ld-19"] {
        if let Some(found) = paths::program(name) {
            return Ok(found);
        }
    }
    apt::install(&["lld"], "a linker for WebAssembly")?;
    paths::program("wasm-ld").context("the package lld brought no wasm-ld: install LLVM's lld by hand")
}

/// The compiler that the standard library was built by; another one refuses it.
fn stamp() -> PathBuf {
    Path::new(DEBIAN_LIB).join("holon-rustc-version")
}

fn fits_debian() -> bool {
    let Ok(version) = exec::output(Command::new(DEBIAN_RUSTC).arg("-vV")) else { return false };
    match std::fs::read_to_string(stamp()) {
        Ok(built_by) => built_by == version,
        // Put there by hand: trusted.
        Err(_) => true,
    }
}

fn build_debian_std() -> Result<()> {
    apt::install(&["rustc-web", "cargo-web", "rust-web-src"], "a compiler for wasm32 with its sources")?;
    say::step("building the standard library for wasm32 (about a minute, once)");
    let dir = paths::tools()?.join("wasm-std");
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    exec::make_dir(&dir.join("src"))?;
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n[workspace]\n";
    std::fs::write(dir.join("Cargo.toml"), manifest)?;
    std::fs::write(dir.join("src/lib.rs"), "")?;
    let mut cargo = Command::new("/usr/bin/cargo");
    exec::clean_env(&mut cargo);
    cargo
        .current_dir(&dir)
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        // Without the bitcode a later build with link-time optimisation cannot use it.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("CARGO_TARGET_DIR", dir.join("target"))
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?)
        .args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"]);
    exec::run(&mut cargo)?;
    install_std(&dir.join("target").join(TARGET).join("release/deps"), &dir)?;
    // Whatever was compiled against an older standard library no longer fits the new one.
    let stale = paths::target()?.join("wasm");
    if stale.exists() {
        std::fs::remove_dir_all(stale)?;
    }
    std::fs::remove_dir_all(&dir).context("cannot remove the folder the standard library was built in")
}

fn install_std(built: &Path, scratch: &Path) -> Result<()> {
    let version = scratch.join("holon-rustc-version");
    std::fs::write(&version, exec::output(Command::new(DEBIAN_RUSTC).arg("-vV"))?)?;
    let mut files = vec![version];
    for entry in std::fs::read_dir(built)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let library = name.starts_with("lib") && (name.ends_with(".rlib") || name.ends_with(".rmeta"));
        if library && !name.starts_with("libempty") {
            files.push(path);
        }
    }
    if files.len() < 3 {
        bail!("the build of the standard library left nothing in {}", built.display());
    }
    exec::run(apt::privileged("rm").arg("-rf").arg(DEBIAN_LIB))?;
    exec::run(apt::privileged("mkdir").arg("-p").arg(DEBIAN_LIB))?;
    exec::run(apt::privileged("cp").args(&files).arg(DEBIAN_LIB))
}
