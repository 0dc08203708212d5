//! The `holon` binary: reads the configuration and starts the server, or saves and restores what it keeps.

use std::process::ExitCode;

use holon::{backup, pauses};
use holon_platform::config::{Config, Sources};
use holon_platform::telemetry;

const HELP: &str = "holon — build, run and embed automations

Usage: holon [serve]             start the server
       holon config              show every configuration key
       holon version             show the version
{BACKUP}
{PAUSES}

Configuration comes from HOLON_* in the environment and from holon.toml in the data directory.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] | ["serve"] => ended(try_serve()),
        ["config"] => print(&holon_platform::config::markdown()),
        ["version" | "--version" | "-V"] => print(concat!("holon ", env!("CARGO_PKG_VERSION"))),
        ["help" | "--help" | "-h"] => print(&help()),
        other => match backup::Command::parse(other) {
            Some(Ok(command)) => ended(try_backup(&command)),
            Some(Err(problem)) => fail(&format!("{problem}\n\n{}", help())),
            None => match pauses::cli::Command::parse(other) {
                Some(Ok(command)) => ended(try_pause(&command)),
                Some(Err(problem)) => fail(&format!("{problem}\n\n{}", help())),
                None => fail(&format!("`{}` is not a command.\n\n{}", other.join(" "), help())),
            },
        },
    }
}

fn help() -> String {
    HELP.replace("{BACKUP}", backup::HELP).replace("{PAUSES}", pauses::cli::HELP)
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error:#}")),
    }
}

fn try_backup(command: &backup::Command) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    telemetry::init(&Config { log_filter: "warn,sqlx=error".to_owned(), ..config.clone() })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(backup::run(&config, command))?)
}

fn try_pause(command: &pauses::cli::Command) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    telemetry::init(&Config { log_filter: "warn,sqlx=error".to_owned(), ..config.clone() })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(pauses::cli::run(&config, command))
}

fn try_serve() -> anyhow::Result<()> {
    let sources = Sources::from_process()?;
    let config = Config::from_sources(&sources)?;
    telemetry::init(&config)?;
    holon_platform::limits::raise_file_limit();
    for name in &sources.unknown_env {
        tracing::warn!(name, "this environment variable means nothing to Holon; is it misspelt?");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(holon::serve::serve(config));
    // What still runs in the background is not worth waiting for: everything durable is in the database.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    served
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "the log may not have been started")]
fn fail(text: &str) -> ExitCode {
    eprintln!("holon: {text}");
    ExitCode::FAILURE
}
