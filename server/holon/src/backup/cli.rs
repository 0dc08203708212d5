//! `holon backup`, `holon restore` and `holon check-backup`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use holon_platform::clock::{Clock as _, SystemClock};
use holon_platform::config::Config;
use holon_platform::crypto::{Keyring, Secret};
use holon_platform::db::OwnerDatabase;
use tokio::time::Instant;

use super::check::{Checked, check};
use super::{Error, Lock, Manifest, Step, Wishes, restore, save};

/// What the commands are, for `holon help`.
pub const HELP: &str = "       holon backup FILE         save everything to a file, also while the server runs
             [--replace]              overwrite the file
             [--passphrase-file PATH] seal it, with the root key in it
       holon restore FILE        make the database of such a file; the server must not run
             [--replace]              delete what is in the database
             [--passphrase-file PATH] what it was sealed with
             [--end-sessions]         sign everybody out
       holon check-backup FILE   read a file through and say what it holds
             [--passphrase-file PATH]";

/// How often it is said how far a large table is.
const SAY_EVERY: Duration = Duration::from_secs(2);
/// Bytes of a passphrase at least.
const SHORTEST: usize = 12;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    verb: Verb,
    file: PathBuf,
    replace: bool,
    end_sessions: bool,
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Backup,
    Restore,
    Check,
}

impl Command {
    /// Reads the arguments; `None` when they are not a command of this feature.
    ///
    /// # Errors
    /// When they are, but not well formed.
    pub fn parse(arguments: &[&str]) -> Option<Result<Self, String>> {
        let (verb, rest) = arguments.split_first()?;
        let verb = match *verb {
            "backup" => Verb::Backup,
            "restore" => Verb::Restore,
            "check-backup" => Verb::Check,
            _ => return None,
        };
        Some(Self::parse_rest(verb, rest))
    }

    fn parse_rest(verb: Verb, arguments: &[&str]) -> Result<Self, String> {
        let (mut file, mut replace, mut end_sessions, mut passphrase_file) = (None, false, false, None);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match (*argument, verb) {
                ("--replace", Verb::Backup | Verb::Restore) => replace = true,
                ("--end-sessions", Verb::Restore) => end_sessions = true,
                ("--passphrase-file", _) => {
                    let path = rest.next().ok_or("--passphrase-file needs the path of a file")?;
                    passphrase_file = Some(PathBuf::from(path));
                }
                (name, _) if name.starts_with('-') => return Err(format!("`{name}` means nothing here")),
                (name, _) if file.is_none() => file = Some(PathBuf::from(name)),
                (name, _) => return Err(format!("one file only, and `{name}` is a second one")),
            }
        }
        let file = file.ok_or("which file?")?;
        Ok(Self { verb, file, replace, end_sessions, passphrase_file })
    }

    fn lock(&self) -> Result<Lock, Error> {
        let Some(path) = &self.passphrase_file else { return Ok(Lock::default()) };
        let text = std::fs::read(path).map_err(Error::file("read", path))?;
        let text = text.trim_ascii();
        if text.len() < SHORTEST && self.verb == Verb::Backup {
            let path = path.display();
            return Err(Error::Passphrase(format!("{path}: a passphrase needs at least {SHORTEST} characters")));
        }
        Ok(Lock { passphrase: Some(Secret::new(text)) })
    }
}

/// Does what was asked for.
///
/// # Errors
/// When it cannot be done; the text says what became of what was there.
pub async fn run(config: &Config, command: &Command) -> Result<(), Error> {
    let lock = command.lock()?;
    let mut teller = Teller::default();
    match command.verb {
        Verb::Backup => backup(config, command, &lock, &mut teller).await,
        Verb::Restore => bring_back(config, command, &lock, &mut teller).await,
        Verb::Check => {
            let checked = check(&command.file, &lock)?;
            let header = &checked.header;
            say(&format!("made by Holon {} on Postgres {}", header.holon, header.postgres));
            for table in checked.manifest.tables.iter().filter(|table| table.rows > 0) {
                say(&format!("{}: {} rows", table.name, table.rows));
            }
            say(&format!("{} is whole: {}", command.file.display(), told(&checked.manifest)));
            Ok(())
        }
    }
}

async fn backup(config: &Config, command: &Command, lock: &Lock, teller: &mut Teller) -> Result<(), Error> {
    let path = &config.root_key_file;
    let keyring = Keyring::open(path)?.ok_or_else(|| {
        Error::RootKey(format!("there is no root key at {}; is HOLON_DATA_DIR the server's?", path.display()))
    })?;
    let database = OwnerDatabase::existing(config, &keyring).await?;
    let saved = async {
        let mut owner = database.connect().await?;
        let now = SystemClock::default().now();
        save(&mut owner, &keyring, now, (&command.file, command.replace), lock, &mut |step| teller.hear(step)).await
    }
    .await;
    database.close().await;
    let saved = saved?;
    say(&format!("{}: {}, {} in the file", command.file.display(), told(&saved.manifest), size(saved.bytes)));
    if lock.passphrase.is_none() {
        say(&format!(
            "The file is not sealed, and the root key is not in it: keep the file private, and {} in another safe place. \
             Without that key no connection's secret can be opened.",
            path.display()
        ));
    }
    Ok(())
}

async fn bring_back(config: &Config, command: &Command, lock: &Lock, teller: &mut Teller) -> Result<(), Error> {
    say("reading the file through");
    let checked = check(&command.file, lock)?;
    let keyring = root_key(&config.root_key_file, &checked)?;
    let database = OwnerDatabase::to_fill(config, &keyring).await?;
    let restored = async {
        let mut owner = database.connect().await?;
        let clock = SystemClock::default();
        let wishes = Wishes { replace: command.replace, end_sessions: command.end_sessions };
        let place = (command.file.as_path(), lock, &checked);
        restore(&mut owner, place, wishes, (clock.now(), clock.uuid_v7()), &mut |step| teller.hear(step)).await
    }
    .await;
    database.close().await;
    let restored = restored?;
    say(&format!(
        "restored: {}. {} runs go on when the server starts. This is life {} of the data.",
        told(&restored.manifest),
        restored.live_runs,
        restored.incarnation.number
    ));
    say(
        "What happened after the backup was made is not known any more: runs do it again, with the same keys. See docs/operating.md.",
    );
    Ok(())
}

/// The root key that the backup belongs to, put in its place where it is in the backup.
fn root_key(path: &Path, checked: &Checked) -> Result<Keyring, Error> {
    let shown = path.display();
    match (Keyring::open(path)?, &checked.root_key) {
        (Some(own), _) if own.id() == checked.header.root_key => Ok(own),
        (Some(_), _) => Err(Error::RootKey(format!(
            "the root key at {shown} is not the one of the backup, whose secrets it could not open; put the one of the \
             server that was backed up there, or move this one away if the backup holds its own"
        ))),
        (None, Some(theirs)) => {
            theirs.write_new(path)?;
            Ok(Keyring::from_text(&theirs.to_text()).expect("a key reads back as it was written"))
        }
        (None, None) => Err(Error::RootKey(format!(
            "the backup does not hold its root key, and there is none at {shown}; put the root.key of the server that was \
             backed up there (HOLON_ROOT_KEY_FILE names another place)"
        ))),
    }
}

/// Says how far it is, not too often.
#[derive(Default)]
struct Teller {
    said: Option<Instant>,
}

impl Teller {
    fn hear(&mut self, step: Step<'_>) {
        let due = self.said.is_none_or(|said| said.elapsed() >= SAY_EVERY);
        if due || (step.done && step.rows > 0) {
            self.said = Some(Instant::now());
            let state = if step.done { "" } else { ", under way" };
            say(&format!("{}: {} rows{state} ({} so far)", step.table, step.rows, size(step.bytes)));
        }
    }
}

fn told(manifest: &Manifest) -> String {
    let rows: u64 = manifest.tables.iter().map(|table| table.rows).sum();
    format!("{rows} rows of {} tables", manifest.tables.len())
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

#[expect(clippy::print_stderr, reason = "a person at a terminal waits for it")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Command, String> {
        Command::parse(arguments).expect("it is a command of this feature")
    }

    #[test]
    fn arguments_may_stand_in_any_order() {
        let command =
            parsed(&["restore", "--end-sessions", "a.backup", "--passphrase-file", "p", "--replace"]).unwrap();
        assert_eq!((command.verb, command.replace, command.end_sessions), (Verb::Restore, true, true));
        assert_eq!((command.file, command.passphrase_file), ("a.backup".into(), Some("p".into())));
    }

    #[test]
    fn what_means_nothing_is_refused_by_name() {
        for (arguments, said) in [
            (&["backup"][..], "which file"),
            (&["backup", "a", "b"], "`b`"),
            (&["backup", "a", "--end-sessions"], "`--end-sessions`"),
            (&["check-backup", "a", "--replace"], "`--replace`"),
            (&["restore", "a", "--passphrase-file"], "needs the path"),
        ] {
            let error = parsed(arguments).unwrap_err();
            assert!(error.contains(said), "{arguments:?}: {error}");
        }
        assert!(Command::parse(&["serve"]).is_none());
    }
}
