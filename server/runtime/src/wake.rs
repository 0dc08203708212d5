//! Words between replicas that save them from waiting for their next look: there are shards for you, there is a letter for you, this
//! became of yours. A word may be lost, doubled or late; whatever it says is in the store too, and is found there.
//!
//! The trait is narrow so that something else can carry the words: `NOTIFY` of Postgres does (`wake_pg`), and, in one process,
//! [`Nearby`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use holon_model::{EnvironmentId, ReplicaId, TenantId};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::bell::WorkPool;

/// A word to a replica.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// Look who holds which shards.
    Shards,
    /// Look into the inbox.
    Inbox,
    /// Look whose turn it is.
    Turns,
    /// There is work for workers of this pool.
    Work(WorkPool),
    /// A letter that you left is kept for its run, which takes it in later.
    Kept {
        /// Its number.
        letter: i64,
    },
    /// This became of a letter that you left.
    Taken {
        /// Its number.
        letter: i64,
        /// Why the run did not take it: what programs read, and what people read.
        refused: Option<(String, String)>,
    },
}

impl Word {
    /// One line.
    pub fn to_line(&self) -> String {
        // A line has one line, whatever a message says.
        let flat =
            |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect::<String>();
        match self {
            Self::Shards => "shards".into(),
            Self::Inbox => "inbox".into(),
            Self::Turns => "turns".into(),
            Self::Work(WorkPool { tenant, environment, pool }) => {
                format!("work {} {} {}", tenant.0.simple(), environment.0.simple(), flat(pool))
            }
            Self::Kept { letter } => format!("kept {letter}"),
            Self::Taken { letter, refused: None } => format!("taken {letter}"),
            Self::Taken { letter, refused: Some((code, message)) } => {
                format!("refused {letter} {} {}", flat(code), flat(message))
            }
        }
    }

    /// Reads a line; nothing when it is none that this build knows.
    pub fn from_line(line: &str) -> Option<Self> {
        if let Some(pool) = line.strip_prefix("work ") {
            let mut parts = pool.splitn(3, ' ');
            let mut id = || Uuid::try_parse(parts.next()?).ok();
            let (tenant, environment) = (TenantId(id()?), EnvironmentId(id()?));
            return Some(Self::Work(WorkPool { tenant, environment, pool: parts.next()?.to_owned() }));
        }
        let mut parts = line.splitn(4, ' ');
        match (parts.next()?, parts.next().map(str::parse), parts.next(), parts.next()) {
            ("shards", None, None, None) => Some(Self::Shards),
            ("inbox", None, None, None) => Some(Self::Inbox),
            ("turns", None, None, None) => Some(Self::Turns),
            ("kept", Some(Ok(letter)), None, None) => Some(Self::Kept { letter }),
            ("taken", Some(Ok(letter)), None, None) => Some(Self::Taken { letter, refused: None }),
            ("refused", Some(Ok(letter)), Some(code), Some(message)) => {
                Some(Self::Taken { letter, refused: Some((code.to_owned(), message.to_owned())) })
            }
            _ => None,
        }
    }
}

/// Carries words.
#[async_trait]
pub trait Wake: Send + Sync + 'static {
    /// Carries what is said, and hands on what is said to `me`, for as long as it is awaited.
    async fn carry(&self, me: ReplicaId, heard: mpsc::UnboundedSender<Word>);

    /// Says a word to a replica. Returns at once; the word may be lost.
    fn say(&self, to: ReplicaId, word: Word);
}

/// Replicas of one process, as tests have them.
#[derive(Clone, Default)]
pub struct Nearby(Arc<Mutex<BTreeMap<ReplicaId, mpsc::UnboundedSender<Word>>>>);

#[async_trait]
impl Wake for Nearby {
    async fn carry(&self, me: ReplicaId, heard: mpsc::UnboundedSender<Word>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(me, heard);
        std::future::pending().await
    }

    fn say(&self, to: ReplicaId, word: Word) {
        if let Some(heard) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&to) {
            // Whoever is gone hears nothing.
            let _ = heard.send(word);
        }
    }
}

/// Nothing is said: everything is found by looking.
#[derive(Clone, Copy, Default)]
pub struct Silent;

#[async_trait]
impl Wake for Silent {
    async fn carry(&self, _: ReplicaId, _: mpsc::UnboundedSender<Word>) {
        std::future::pending().await
    }

    fn say(&self, _: ReplicaId, _: Word) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_line_and_reads_back_and_what_is_not_known_is_no_word() {
        let refused = |message: &str| Word::Taken { letter: 7, refused: Some(("run_over".into(), message.into())) };
        for word in [
            Word::Shards,
            Word::Inbox,
            Word::Turns,
            Word::Work(WorkPool {
                tenant: TenantId(Uuid::from_u128(7)),
                environment: EnvironmentId(Uuid::nil()),
                pool: "images".into(),
            }),
            Word::Kept { letter: 8 },
            Word::Taken { letter: -1, refused: None },
            refused("the run is over"),
            refused(""),
        ] {
            assert_eq!(Word::from_line(&word.to_line()), Some(word));
        }
        assert_eq!(refused("a\nb").to_line(), "refused 7 run_over a b");
        for line in
            ["", "shards 1", "taken", "taken x", "refused 1 code", "hello there", "work", "work 7 7 x", "work 07"]
        {
            assert_eq!(Word::from_line(line), None, "{line}");
        }
    }
}
