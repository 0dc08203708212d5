//! `cargo xtask build`: the browser's modules, the site's assets, the server.

pub mod assets;
pub mod compress;
pub mod files;
pub mod modules;
pub mod split;

use std::path::PathBuf;

use anyhow::Result;

use crate::args::Args;
use crate::{exec, paths, say, setup};

/// What a build made.
pub struct Built {
    /// The folder that the server serves to browsers.
    pub site: PathBuf,
    /// The server's program.
    pub server: PathBuf,
}

/// `cargo xtask build [--release]`.
pub fn command(mut args: Args) -> Result<()> {
    let release = args.flag("--release");
    args.finish()?;
    let built = all(release)?;
    say::plain(&format!("server: {}\nsite:   {}", built.server.display(), built.site.display()));
    Ok(())
}

/// Everything, in the profile asked for. What is up to date is left alone.
pub fn all(release: bool) -> Result<Built> {
    let tools = setup::build_tools()?;
    let site = site(release, &tools)?;
    let server = server(release)?;
    Ok(Built { site, server })
}

/// The browser's side: modules, styles, fonts, icons, static files and their build id.
pub fn site(release: bool, tools: &setup::Tools) -> Result<PathBuf> {
    let site = paths::site(release)?;
    let mut out = files::Folder::open(&site)?;
    for module in modules::MODULES {
        modules::build(module, release, tools, &mut out)?;
    }
    assets::build(&mut out)?;
    let described =
        serde_json::json!({ "id": out.id()?, "parts": split::parts(&out.path("pkg").join(split::LOADER))? });
    out.write("build.json", format!("{described}\n").as_bytes())?;
    if release {
        compress::all(&mut out)?;
    }
    out.close()?;
    Ok(site)
}

/// The server's program as the native tests have built it.
pub fn server_of_workspace() -> Result<PathBuf> {
    of_workspace("holon", "server")
}

/// A program with the features that the whole workspace switches on. A test of its package is named besides, because what only tests
/// switch on counts only where one is compiled.
pub fn of_workspace(program: &str, test: &str) -> Result<PathBuf> {
    exec::run(exec::cargo()?.args(["build", "--quiet", "--workspace", "--bin", program, "--test", test]))?;
    Ok(paths::target()?.join(paths::profile_dir(false)).join(program))
}

/// The server's program.
pub fn server(release: bool) -> Result<PathBuf> {
    let timer = say::Timer::start("building the server");
    let mut cargo = exec::cargo()?;
    cargo.args(["build", "--package", "holon"]);
    if release {
        cargo.arg("--release");
    }
    exec::run(&mut cargo)?;
    timer.done();
    paths::server(release)
}
