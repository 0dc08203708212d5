//! Commands of the project: `cargo xtask up | test | build | bench | sim | kills | tidy | sqlx | setup`.
//!
//! It depends on almost nothing so that it starts in seconds on a machine where nothing is built yet.

#![expect(clippy::disallowed_methods, reason = "it tells people how long a step took, and waits for processes")]

mod args;
mod bench;
mod build;
mod exec;
mod far;
mod kills;
mod parity;
mod paths;
mod say;
mod server;
mod setup;
mod sim;
mod sqlx;
mod temp_postgres;
mod tests;
mod tidy;
mod up;

use anyhow::{Result, bail};
use args::Args;

const HELP: &str = "\
cargo xtask <command>

  up     [--release] [--port N] [--data-dir DIR]  get what is missing, build, and run Holon in the foreground
  build  [--release]                              build the browser side, the assets and the server
  test   [--only PHASE [--file NAME]]             everything that must be green; installs what it needs itself
  bench  [NAME] [--json]                          what Holon promises in numbers, measured on a release build
  tidy                                            only the house rules that no compiler checks
  sim    [--count N] [--from N] [--seed N]        the runtime simulated for longer, on and on; or one seed with its trace
  kills  [--count N]                              a server killed under load and started again, on and on
  setup                                           only get what building needs
  sqlx   [--check]                                make `.sqlx` afresh from the migrations, or only compare
";

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            say::failed(&format!("{error:#}"));
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = Args::from_env();
    let command = args.command();
    match command.as_deref() {
        Some("up") => up::run(args),
        Some("build") => build::command(args),
        Some("test") => tests::command(args),
        Some("bench") => bench::command(args),
        Some("tidy") => tidy::command(args),
        Some("setup") => setup::command(args),
        Some("sim") => sim::command(args),
        Some("kills") => kills::command(args),
        Some("sqlx") => sqlx::command(args),
        None | Some("help") => {
            say::plain(HELP);
            Ok(())
        }
        Some(other) => bail!("there is no command `{other}`\n\n{HELP}"),
    }
}
