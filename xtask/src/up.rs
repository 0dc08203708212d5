//! `cargo xtask up`: from a fresh clone to a running Holon.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::args::Args;
use crate::{build, paths, say, setup};

/// Gets what is missing, builds, and becomes the server: Ctrl-C goes to it, and it stops cleanly.
pub fn run(mut args: Args) -> Result<()> {
    let release = args.flag("--release");
    let port = args.option("--port")?;
    let data_dir = args.option("--data-dir")?;
    args.finish()?;
    let built = build::all(release)?;
    let mut server = Command::new(&built.server);
    server.arg("serve").env("HOLON_SITE_DIR", &built.site);
    // Ours, not the server's.
    server.env_remove("HOLON_TARGET_DIR").env_remove("HOLON_CACHE_DIR");
    // With a database of one's own there is none to bring.
    let given = |key: &str| std::env::var_os(key).is_some_and(|url| !url.is_empty());
    if !given("HOLON_DATABASE_URL") && !given("HOLON_DATABASE_APP_URL") {
        let binaries = setup::postgres::binaries()?;
        // Among those of the system the server chooses itself, by the version of its data directory.
        if binaries.starts_with(paths::tools()?) {
            server.env("HOLON_POSTGRES_BIN", binaries);
        }
    }
    if let Some(port) = &port {
        server.env("HOLON_PORT", port);
    }
    if let Some(dir) = data_dir {
        let dir = std::path::absolute(&dir).with_context(|| format!("--data-dir {dir}"))?;
        server.env("HOLON_DATA_DIR", dir);
    } else if !given("HOLON_DATA_DIR") {
        let named = std::env::var_os("HOLON_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from);
        let (key, place) = place(&paths::root(), named, |file| std::fs::read_to_string(file).ok());
        server.env(key, place);
    }
    // Where it answers depends on its own configuration: it says so itself when it does.
    say::step("the server");
    Err(server.exec()).with_context(|| format!("cannot start {}", built.server.display()))
}

/// Which variable tells a server that is told nothing else where its data is: relative to the clone, not to where the command was
/// called from, so that it is the same database every time. Where the configuration file says it, that file counts: the variable
/// would win over it.
fn place(root: &Path, named: Option<PathBuf>, read: impl Fn(&Path) -> Option<String>) -> (&'static str, PathBuf) {
    let dir = root.join(".holon");
    let file = named.unwrap_or_else(|| dir.join("holon.toml"));
    let is_it = |line: &str| line.split_once('=').is_some_and(|(key, _)| key.trim().trim_matches('"') == "data_dir");
    match read(&file) {
        Some(text) if text.lines().any(is_it) => ("HOLON_CONFIG", file),
        _ => ("HOLON_DATA_DIR", dir),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_where_the_file_says_and_else_in_the_clone() {
        let root = Path::new("/clone");
        let with = |named: Option<&str>, at: &'static str, text: &'static str| {
            place(root, named.map(PathBuf::from), move |file| (file == Path::new(at)).then(|| text.to_owned()))
        };
        let own = "/clone/.holon/holon.toml";
        let (ours, theirs) = (("HOLON_DATA_DIR", "/clone/.holon".into()), ("HOLON_CONFIG", PathBuf::from(own)));
        assert_eq!(with(None, "/elsewhere", ""), ours);
        assert_eq!(with(None, own, "port = 9000\n# data_dir = \"/x\"\n"), ours);
        assert_eq!(with(None, own, "port = 9000\ndata_dir = \"/x\"\n"), theirs);
        assert_eq!(with(Some("/etc/holon.toml"), own, "data_dir = \"/x\""), ours);
        assert_eq!(
            with(Some("/etc/holon.toml"), "/etc/holon.toml", "  \"data_dir\"=\"/x\""),
            ("HOLON_CONFIG", "/etc/holon.toml".into())
        );
    }
}
