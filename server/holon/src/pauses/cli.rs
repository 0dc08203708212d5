//! `holon pause`, `holon drain` and `holon resume`: the operator's words on the machine itself, also while nobody can sign in. They stand in
//! the audit log of each workspace of an operator, as what operators do to the instance on its page does.

use std::time::Duration;

use holon_model::intent::{IntentPayload, Source};
use holon_model::wire::pauses::{Intake, Pause, PauseMode, PutPause};
use holon_model::{Intent, Value};
use holon_platform::clock::{Clock as _, SystemClock, mint};
use holon_platform::config::Config;
use holon_platform::crypto::Keyring;
use holon_platform::db::OwnerDatabase;
use holon_runtime::store::AuditRow;
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

use super::lift::Lift;
use super::set::{self, Set};
use super::store;
use crate::audit;

/// What the commands are, for `holon help`.
pub const HELP: &str = "       holon pause               let no run begin in any workspace; what has begun goes on
       holon drain               the same, and what waits for its place goes on too
             [--reason TEXT]          for those who are refused
             [--wait SECONDS]         until nothing runs and nothing waits for its place
       holon resume              let runs begin again";

/// How often it is looked whether everything has ended.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Who pauses, as pages show it.
const OPERATOR: &str = "the operator";

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// How; nothing: not any more.
    mode: Option<PauseMode>,
    reason: String,
    wait: Option<Duration>,
}

impl Command {
    /// Reads the arguments; `None` when they are not a command of this feature.
    ///
    /// # Errors
    /// When they are, but not well formed.
    pub fn parse(arguments: &[&str]) -> Option<Result<Self, String>> {
        let (verb, rest) = arguments.split_first()?;
        let mode = match *verb {
            "pause" => Some(PauseMode::Pause),
            "drain" => Some(PauseMode::Drain),
            "resume" => None,
            _ => return None,
        };
        Some(Self::parse_rest(mode, rest))
    }

    fn parse_rest(mode: Option<PauseMode>, arguments: &[&str]) -> Result<Self, String> {
        let mut command = Self { mode, reason: String::new(), wait: None };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match (*argument, mode) {
                ("--reason", Some(_)) => {
                    let reason = rest.next().ok_or("--reason needs a text")?;
                    if reason.chars().count() > 500 {
                        return Err("a reason has at most 500 characters".into());
                    }
                    command.reason = (*reason).to_owned();
                }
                ("--wait", Some(_)) => {
                    let seconds = rest.next().and_then(|text| text.parse().ok());
                    command.wait = Some(Duration::from_secs(seconds.ok_or("--wait needs a number of seconds")?));
                }
                (other, _) => return Err(format!("`{other}` means nothing here")),
            }
        }
        Ok(command)
    }
}

/// Does what was asked for.
///
/// # Errors
/// When the database cannot be reached, or not everything has ended in time.
pub async fn run(config: &Config, command: &Command) -> anyhow::Result<()> {
    let path = &config.root_key_file;
    let keyring = Keyring::open(path)?.ok_or_else(|| {
        anyhow::anyhow!("there is no root key at {}; is HOLON_DATA_DIR the server's?", path.display())
    })?;
    let database = OwnerDatabase::existing(config, &keyring).await?;
    let done = async {
        let mut owner = database.connect().await?;
        obey(&mut owner, command).await
    }
    .await;
    database.close().await;
    done
}

/// The same on a connection as `holon_owner`.
///
/// # Errors
/// When the database refuses, or not everything has ended in time.
pub async fn obey(owner: &mut PgConnection, command: &Command) -> anyhow::Result<()> {
    let Some(mode) = command.mode else {
        let mut tx = owner.begin().await?;
        let was = store::delete_instance(&mut tx).await?;
        if was {
            record(&mut tx, Lift(None), &Value::Null).await?;
        }
        tx.commit().await?;
        say(if was { "Runs begin again within a second." } else { "Nothing was paused." });
        return Ok(());
    };
    let since = SystemClock::default().now();
    let pause = Pause { mode, reason: command.reason.clone(), by: OPERATOR.to_owned(), since };
    let mut tx = owner.begin().await?;
    store::put_instance(&mut tx, &pause).await?;
    let (reason, by) = (pause.reason.clone(), pause.by.clone());
    let set = Set { flow: None, body: PutPause { mode, reason }, by };
    record(&mut tx, set, &set::detail(&pause)).await?;
    tx.commit().await?;
    say("Within a second no run begins any more. `holon resume` lets them begin again.");
    let Some(wait) = command.wait else {
        say(&told(&store::of_instance(owner).await?));
        return Ok(());
    };
    let (began, mut last) = (Instant::now(), String::new());
    loop {
        // What was accepted while the replicas had not looked yet is in the second look.
        tokio::time::sleep(LOOK_EVERY * 2).await;
        let intake = store::of_instance(owner).await?;
        let now = told(&intake);
        if now != last {
            say(&now);
            last = now;
        }
        let waits = if mode == PauseMode::Drain { intake.queued } else { 0 };
        if intake.running + waits == 0 {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < wait, "not everything has ended within {} s", wait.as_secs());
    }
}

/// Writes down what was done to the instance, in the transaction that does it.
async fn record<P: IntentPayload + Clone>(owner: &mut PgConnection, payload: P, detail: &Value) -> anyhow::Result<()> {
    let clock = SystemClock::default();
    for (tenant, environment) in store::of_operators(owner).await? {
        let intent = Intent::of_system(mint(&clock), tenant, environment, payload.clone());
        let intent = Intent { source: Source::Cli, ..intent };
        let row = audit::row(&clock, &intent, "instance", detail);
        // Nobody is signed in here: it is whoever operates the machine.
        audit::write(owner, tenant, AuditRow { actor: "operator".to_owned(), ..row }).await?;
    }
    Ok(())
}

fn told(intake: &Intake) -> String {
    let Intake { running, waiting, queued, .. } = intake;
    format!(
        "{running} running, {queued} waiting for their place, {waiting} waiting for time, an event or a person (they go on after \
         a restart)"
    )
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_read_and_what_means_nothing_is_refused() {
        let parse = |words: &[&str]| Command::parse(words);
        assert_eq!(parse(&["serve"]), None);
        let drain = parse(&["drain", "--reason", "deploy", "--wait", "60"]).unwrap().unwrap();
        assert_eq!((drain.mode, drain.wait), (Some(PauseMode::Drain), Some(Duration::from_secs(60))));
        assert_eq!(parse(&["resume"]).unwrap().unwrap().mode, None);
        for wrong in
            [&["pause", "now"][..], &["drain", "--wait", "x"], &["resume", "--wait", "1"], &["pause", "--reason"]]
        {
            parse(wrong).unwrap().unwrap_err();
        }
    }
}
