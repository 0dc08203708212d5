//! The browser's modules: cargo for wasm32, the splitter, `wasm-bindgen`, and for a release `wasm-opt`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::files::Folder;
use super::split;
use crate::setup::{Tools, node};
use crate::{exec, paths, say};

/// One entry point under `frontend/`.
pub struct Module {
    /// The package.
    pub package: &'static str,
    /// The name under `/pkg/`.
    pub name: &'static str,
    /// The profile while developing, and in the browser's tests.
    working: &'static str,
    /// The profile of a release build.
    release: &'static str,
    /// What `wasm-opt` aims at.
    optimise: &'static str,
    /// Whether parts of it are loaded later.
    split: bool,
}

/// All entry points: the pages are small first, the engine's worker is fast first, and what tests ask is what users load.
pub const MODULES: &[Module] = &[
    Module {
        package: "holon-hydrate",
        name: "holon",
        working: "wasm-dev",
        release: "wasm-release",
        optimise: "-Oz",
        split: true,
    },
    // More than `-O1` inlines what LLVM left apart: 22 KB more in brotli, and the browser takes longer to make it fast.
    Module {
        package: "holon-preview",
        name: "preview",
        working: "engine-release",
        release: "engine-release",
        optimise: "-O1",
        split: false,
    },
];

/// What compilers for the wasm target switch on by default, for a `wasm-opt` that does not yet.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Builds one module into `pkg/<name>.js` and `pkg/<name>_bg.wasm`.
pub fn build(module: &Module, release: bool, tools: &Tools, out: &mut Folder) -> Result<()> {
    let timer = say::Timer::start(&format!("building {} for the browser", module.package));
    let profile = if release { module.release } else { module.working };
    let mut cargo = tools.wasm.cargo()?;
    cargo.args([
        "rustc",
        "--target",
        "wasm32-unknown-unknown",
        "--package",
        module.package,
        "--lib",
        "--profile",
        profile,
    ]);
    if module.split {
        // The splitter follows them to see what each part needs.
        cargo.args(["--", "-Clink-arg=--emit-relocs"]);
    }
    exec::run(&mut cargo)?;
    let compiled = tools.wasm.module(module.package, profile)?;
    let (script, wasm) = (format!("pkg/{}.js", module.name), format!("pkg/{}_bg.wasm", module.name));
    let stamp = stamp_file(module, release)?;
    let inputs = inputs(module, &compiled, tools)?;
    let fresh = std::fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == inputs);
    if !fresh || !out.path(&script).is_file() || !out.path(&wasm).is_file() {
        bind(module, release, tools, &compiled, out)?;
        std::fs::write(&stamp, inputs)?;
    }
    out.keep(script);
    out.keep(wasm);
    if module.split {
        split::keep(out)?;
    }
    timer.done();
    Ok(())
}

fn bind(module: &Module, release: bool, tools: &Tools, compiled: &Path, out: &Folder) -> Result<()> {
    let pkg = out.path("pkg");
    exec::make_dir(&pkg)?;
    let mut bindgen = Command::new(&tools.bindgen);
    bindgen.args(["--target", "web", "--no-typescript", "--out-name", module.name, "--out-dir"]).arg(&pkg);
    if release {
        bindgen.args(["--remove-name-section", "--remove-producers-section"]);
    }
    let mut made = vec![pkg.join(format!("{}_bg.wasm", module.name))];
    if module.split {
        let split = split::cut(&tools.splitter, compiled, module.name)?;
        // The parts name what they take from the main module as the linker did.
        exec::run(bindgen.arg("--keep-lld-exports").arg(&split.main))?;
        made.extend(split.place(&pkg)?);
    } else {
        exec::run(bindgen.arg(compiled))?;
    }
    if release {
        for file in made {
            exec::run(optimiser()?.arg(module.optimise).args(FEATURES).arg(&file).arg("-o").arg(&file))?;
        }
    }
    Ok(())
}

/// What a module was made from: as long as it is the same, nothing has to be done again.
fn inputs(module: &Module, compiled: &Path, tools: &Tools) -> Result<String> {
    let meta = std::fs::metadata(compiled).with_context(|| format!("cargo left no {}", compiled.display()))?;
    let time = meta.modified()?.duration_since(std::time::UNIX_EPOCH)?.as_nanos();
    let (bindgen, splitter) = (tools.bindgen.display(), tools.splitter.display());
    Ok(format!("{} {} {time} {bindgen} {splitter} {NPM_OPTIMISER} {}", compiled.display(), meta.len(), module.optimise))
}

fn stamp_file(module: &Module, release: bool) -> Result<PathBuf> {
    let dir = paths::target()?.join("site").join("stamps");
    exec::make_dir(&dir)?;
    Ok(dir.join(format!("{}-{}", module.name, paths::profile_dir(release))))
}

/// The oldest `wasm-opt` that is used. Version 108, which Debian 12 has, mixes up the two tables of a module with reference
/// types: what it writes does not start ("Table.set(): Argument 1 is invalid").
const OLDEST_OPTIMISER: u32 = 116;
/// npm's, where the system has none or an older one.
const NPM_OPTIMISER: &str = "132.0.0";

/// `wasm-opt`: the system's where it is new enough, else npm's.
fn optimiser() -> Result<Command> {
    if let Some(program) = paths::program("wasm-opt")
        && version(&program).is_some_and(|version| version >= OLDEST_OPTIMISER)
    {
        return Ok(Command::new(program));
    }
    let package = node::tool("binaryen", NPM_OPTIMISER).context("wasm-opt is missing: install binaryen by hand")?;
    let mut command = node::command()?;
    command.arg(package.join("bin/wasm-opt"));
    Ok(command)
}

/// The number in `wasm-opt version 108`.
fn version(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    String::from_utf8_lossy(&output.stdout).split_whitespace().find_map(|word| word.parse().ok())
}
