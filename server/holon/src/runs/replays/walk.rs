//! A journal, read page by page and given to whoever replays it: of a run of any length a page is in memory at a time, and no
//! connection is held while it is replayed.

use holon_model::canon::hex;
use holon_model::{Context, RunId, TenantId};
use holon_platform::db::TenantTx;
use holon_replay::Recorded;
use holon_runtime::store::Entry;

use super::turns::Turns;
use crate::runs::store::{JournalError, journal_page};
use crate::runs::streams::Seat;
use crate::runs::{Error, Streams};
use crate::state::AppState;

/// Inputs of a page.
const PAGE: usize = 500;
/// Bytes of a page; a larger input is a page of its own.
const PAGE_BYTES: u64 = 4 << 20;
/// Replays that one workspace has under way at once.
const MOST_OF_ONE: u32 = 4;
/// Threads that replay: what drives runs goes before. No workspace has both.
const THREADS: usize = 2;

/// Who replays now.
pub struct Replays {
    seats: Streams,
    threads: Turns,
}

impl Default for Replays {
    fn default() -> Self {
        Self { seats: Streams::seats(MOST_OF_ONE), threads: Turns::of(THREADS) }
    }
}

impl Replays {
    /// A place for one more of the workspace.
    pub(super) fn enter(&self, tenant: TenantId) -> Result<Seat, Error> {
        self.seats.enter(tenant).ok_or(Error::TooManyReplays)
    }

    /// Computes for a workspace on a thread of its own, when it is its turn.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        (tenant, run): (TenantId, RunId),
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.threads.take(tenant).await;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|error| Error::Inconsistent(run, error.to_string()))
    }
}

/// What became of a journal that was read to where its reader wanted.
pub(super) struct Walked<T> {
    /// Who read it.
    pub reader: T,
    /// Why the next row could not be had, where what is stored does not read.
    pub broken: Option<String>,
}

/// Gives the rows of a run's journal to `take`, in order, until it answers no.
pub(super) async fn walk<T: Send + 'static>(
    state: &AppState,
    context: &Context,
    run: RunId,
    mut reader: T,
    take: fn(&mut T, Recorded) -> bool,
) -> Result<Walked<T>, Error> {
    let (mut from, mut limit) = (0, PAGE);
    loop {
        let (entries, more) = match page(state, context, run, from, limit).await? {
            Ok(page) => page,
            // What reads before it is taken first, one by one.
            Err(_) if limit > 1 => {
                limit = 1;
                continue;
            }
            Err(why) => return Ok(Walked { reader, broken: Some(why) }),
        };
        let next = from + entries.len() as i64;
        let (back, goes_on) = state
            .replays
            .compute((context.tenant, run), move || {
                let mut rows = (from..).zip(&entries).map(|(seq, entry)| recorded(seq, entry));
                let goes_on = rows.all(|row| take(&mut reader, row));
                (reader, goes_on)
            })
            .await?;
        reader = back;
        if !goes_on || !more || next == from {
            return Ok(Walked { reader, broken: None });
        }
        from = next;
    }
}

/// A row as it is replayed.
pub(super) fn recorded(seq: i64, entry: &Entry) -> Recorded {
    Recorded::new(seq, entry.at, &entry.input, hex(&entry.log_hash))
}

type Read = Result<(Vec<Entry>, bool), String>;

/// A page, or why what is stored does not read.
async fn page(state: &AppState, context: &Context, run: RunId, from: i64, limit: usize) -> Result<Read, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    match journal_page(&mut tx, run, from, limit, PAGE_BYTES).await {
        Ok(page) => {
            tx.commit().await?;
            Ok(Ok(page))
        }
        Err(JournalError::Database(error)) => Err(error.into()),
        Err(JournalError::Stored(error)) => Ok(Err(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use uuid::Uuid;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn however_long_the_replays_of_a_workspace_take_another_one_is_answered_meanwhile() {
        let replays = std::sync::Arc::new(Replays::default());
        let (much, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let run = RunId(Uuid::from_u128(7));
        let (mut ends, mut going) = (Vec::new(), Vec::new());
        for _ in 0..MOST_OF_ONE {
            let (end, ended) = mpsc::channel::<()>();
            ends.push(end);
            let replays = replays.clone();
            going.push(tokio::spawn(async move { replays.compute((much, run), move || ended.recv()).await.is_ok() }));
        }
        // All of them were asked for before; none of them ends.
        while replays.threads.waiting(much) + 1 < MOST_OF_ONE as usize {
            tokio::task::yield_now().await;
        }
        assert_eq!(replays.compute((other, run), || 1).await.ok(), Some(1));
        assert!(going.iter().all(|one| !one.is_finished()));
        drop(ends);
        for one in going {
            assert!(one.await.unwrap());
        }
    }
}
