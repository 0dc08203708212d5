//! Words by `LISTEN` and `NOTIFY` of Postgres, on two connections of their own: never inside a transaction that writes, since a
//! `NOTIFY` takes a lock of the whole database until its transaction is committed. What is said within ten milliseconds to one
//! replica is said at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use holon_model::ReplicaId;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::sync::{Mutex, mpsc};

use crate::wake::{Wake, Word};

/// How often something is said at most.
const EVERY: Duration = Duration::from_millis(10);
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Bytes in one `NOTIFY`; Postgres takes fewer than 8000.
const MOST_BYTES: usize = 7_000;
/// Words that are taken together at most.
const MOST_AT_ONCE: usize = 4_096;

type Said = (ReplicaId, Word);

/// See the module.
pub struct PgWake {
    options: PgConnectOptions,
    say: mpsc::UnboundedSender<Said>,
    said: Mutex<mpsc::UnboundedReceiver<Said>>,
}

impl PgWake {
    /// Over the database of this pool, as its role.
    pub fn new(pool: &PgPool) -> Self {
        let (say, said) = mpsc::unbounded_channel();
        Self { options: (*pool.connect_options()).clone(), say, said: Mutex::new(said) }
    }

    async fn listen(&self, me: ReplicaId, heard: &mpsc::UnboundedSender<Word>) -> Result<(), sqlx::Error> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(self.options.clone())
            .await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(&channel(me)).await?;
        loop {
            let words = listener.recv().await?;
            for word in words.payload().lines().filter_map(Word::from_line) {
                if heard.send(word).is_err() {
                    return Ok(());
                }
            }
        }
    }

    async fn notify(&self) {
        // One replica has one voice: this lock is free.
        let mut said = self.said.lock().await;
        let mut connection: Option<PgConnection> = None;
        let mut words = Vec::new();
        while said.recv_many(&mut words, MOST_AT_ONCE).await > 0 {
            let (channels, payloads) = payloads(words.drain(..));
            if let Err(error) = send(&mut connection, &self.options, &channels, &payloads).await {
                // Who was not told looks by itself a moment later.
                connection = None;
                tracing::debug!(%error, "other replicas were not told");
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

async fn send(
    connection: &mut Option<PgConnection>,
    options: &PgConnectOptions,
    channels: &[String],
    payloads: &[String],
) -> Result<(), sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(PgConnection::connect_with(options).await?),
    };
    sqlx::query("select pg_notify(x.channel, x.words) from unnest($1::text[], $2::text[]) as x(channel, words)")
        .bind(channels)
        .bind(payloads)
        .execute(connection)
        .await?;
    Ok(())
}

/// The channel of a replica.
fn channel(replica: ReplicaId) -> String {
    format!("holon_{}", replica.0.simple())
}

/// What is said to whom, each word once, in as few payloads as it fits into.
fn payloads(words: impl Iterator<Item = Said>) -> (Vec<String>, Vec<String>) {
    let mut by_replica: BTreeMap<ReplicaId, BTreeSet<Word>> = BTreeMap::new();
    for (to, word) in words {
        by_replica.entry(to).or_default().insert(word);
    }
    let (mut channels, mut payloads) = (Vec::new(), Vec::new());
    for (to, words) in by_replica {
        let mut payload = String::new();
        for line in words.iter().map(Word::to_line) {
            if !payload.is_empty() && payload.len() + line.len() >= MOST_BYTES {
                channels.push(channel(to));
                payloads.push(std::mem::take(&mut payload));
            }
            payload.push_str(&line);
            payload.push('\n');
        }
        channels.push(channel(to));
        payloads.push(payload);
    }
    (channels, payloads)
}

#[async_trait]
impl Wake for PgWake {
    async fn carry(&self, me: ReplicaId, heard: mpsc::UnboundedSender<Word>) {
        let listening = async {
            while let Err(error) = self.listen(me, &heard).await {
                tracing::debug!(%error, "nothing can be heard from other replicas; trying again");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        };
        tokio::join!(listening, self.notify());
    }

    fn say(&self, to: ReplicaId, word: Word) {
        // The receiver lives as long as this.
        let _ = self.say.send((to, word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_is_said_at_once_is_one_payload_a_replica_each_word_once_and_none_too_large() {
        let id = |number| ReplicaId(Uuid::from_u128(number));
        let taken = |letter| Word::Taken { letter, refused: None };
        let few = [(id(1), Word::Inbox), (id(2), Word::Shards), (id(1), Word::Inbox), (id(1), taken(3))];
        let (channels, words) = payloads(few.into_iter());
        assert_eq!(channels, [channel(id(1)), channel(id(2))]);
        assert_eq!(words, ["inbox\ntaken 3\n", "shards\n"]);
        let (channels, words) = payloads((0..2_000).map(|letter| (id(1), taken(letter))));
        assert!(channels.len() > 1 && words.iter().all(|words| words.len() < 8_000));
        assert_eq!(words.iter().flat_map(|words| words.lines()).count(), 2_000);
    }
}
