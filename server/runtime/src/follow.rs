//! Following a run: what happened from the journal, then what happens as it becomes durable, without a gap or a double.

use std::sync::Arc;
use std::time::Duration;

use holon_engine::{EventId, Machine, Outcome};
use holon_model::wire::runs::RunEvent;
use holon_model::{RunId, TenantId};
use tokio::sync::{mpsc, oneshot};

use crate::api::{Answer, FollowError};
use crate::children;
use crate::definitions::LoadedFlow;
use crate::driver::Msg;
use crate::live::{Live, Told};
use crate::recover::{self, replay};
use crate::runtime::Shared;
use crate::store::{Entry, HistoryRow};

/// How soon the journal of a run that is driven elsewhere is read again, at first and at last when nothing comes.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LAST_LOOK: Duration = Duration::from_secs(1);
/// Events that a reader may lag behind.
const READER_LAG: usize = 256;

/// What becomes true in a live run from now on.
pub(crate) struct Feed {
    events: mpsc::Receiver<Arc<[Told]>>,
}

impl Feed {
    pub fn of(live: &mut Live, lag: usize) -> Self {
        let (sender, events) = mpsc::channel(lag);
        live.watchers.push(sender);
        Self { events }
    }
}

impl Shared {
    /// The feed of a run if it lives here.
    async fn feed(&self, tenant: TenantId, run: RunId) -> Option<Feed> {
        let (reply, answer) = oneshot::channel();
        self.driver(run).send(Msg::Watch { tenant, run, reply }).ok()?;
        answer.await.ok()?
    }

    async fn known(&self, tenant: TenantId, run: RunId) -> Result<(HistoryRow, Arc<LoadedFlow>), FollowError> {
        let row = self.store.history(tenant, run).await?.ok_or(FollowError::NotFound)?;
        let flow = self.definitions.load(tenant, row.facts.flow, row.facts.version).await;
        Ok((row, flow.map_err(|error| FollowError::Unavailable(error.to_string()))?))
    }

    /// See `RuntimeHandle::subscribe`.
    pub(crate) async fn follow(
        self: Arc<Self>,
        tenant: TenantId,
        run: RunId,
        after: Option<EventId>,
    ) -> Result<mpsc::Receiver<RunEvent>, FollowError> {
        // First the feed, then the journal: what becomes durable in between is in both, and told once.
        let feed = self.feed(tenant, run).await;
        let (_, flow) = self.known(tenant, run).await?;
        // Whoever comes again after an event is told what follows it: the state before is not computed again where it is kept.
        let known = |seq: i64| after.is_some_and(|after| u64::try_from(seq).is_ok_and(|seq| seq <= after.seq + 1));
        let snapshot = self.store.snapshot(tenant, run).await?.filter(|snapshot| known(snapshot.seq));
        let (machine, from) = recover::machine(&flow.compiled, snapshot.as_ref());
        let entries = self.store.journal(tenant, run, from).await?;
        let (sender, receiver) = mpsc::channel(READER_LAG);
        let teller = Teller { sender, after, machine };
        tokio::spawn(self.go_on_telling(tenant, run, teller, feed, entries));
        Ok(receiver)
    }

    /// Tells what the journal says and then what comes: from the loop that drives the run where that is here, else from the journal as
    /// it grows. A run may go from here to another replica and come back meanwhile.
    async fn go_on_telling(
        self: Arc<Self>,
        tenant: TenantId,
        run: RunId,
        mut teller: Teller,
        mut feed: Option<Feed>,
        mut entries: Vec<Entry>,
    ) {
        let mut wait = FIRST_LOOK;
        loop {
            if !entries.is_empty() {
                wait = FIRST_LOOK;
                // A whole history may be computed again: not on the threads that answer requests.
                let telling = tokio::task::spawn_blocking(move || teller.past(&entries).map(|()| teller)).await;
                let Ok(Some(told)) = telling else { return };
                teller = told;
            }
            let fed = feed.is_some();
            if let Some(mut feed) = feed.take() {
                while let Some(events) = feed.events.recv().await {
                    if teller.tell(&events).await.is_none() {
                        return;
                    }
                }
            }
            let over = teller.machine.status().is_terminal();
            if over || self.is_over() || teller.sender.is_closed() {
                return;
            }
            feed = self.feed(tenant, run).await;
            if feed.is_none() && !fed {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    () = teller.sender.closed() => return,
                    () = tokio::time::sleep(wait) => wait = (wait * 2).min(LAST_LOOK),
                }
            }
            let from = i64::try_from(teller.machine.seq()).unwrap_or(i64::MAX);
            let ended = match self.store.history(tenant, run).await {
                Ok(row) => row.is_none_or(|row| row.ended.is_some()),
                Err(_) => false,
            };
            // After the end was looked for: what is read now is all there is, if it was there. When the store is away for a moment the
            // next look says more.
            let read = self.store.journal(tenant, run, from).await;
            if ended && read.as_ref().is_ok_and(Vec::is_empty) {
                return;
            }
            entries = read.unwrap_or_default();
        }
    }

    /// Whoever waits here for the answer of a run that goes to another replica is told all the same.
    pub(crate) fn await_elsewhere(self: &Arc<Self>, tenant: TenantId, run: RunId) {
        if self.answers.awaited(tenant, run) {
            tokio::spawn(self.clone().tell_from_afar(tenant, run));
        }
    }

    /// Looks for the answer of a run that is driven elsewhere for as long as somebody waits for it.
    async fn tell_from_afar(self: Arc<Self>, tenant: TenantId, run: RunId) {
        let mut wait = FIRST_LOOK;
        while self.answers.awaited(tenant, run) && !self.is_over() {
            if let Ok(Some(answer)) = self.answered(tenant, run).await {
                return self.answers.tell(tenant, run, || answer);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_LOOK);
        }
    }

    /// See `RuntimeHandle::answer_of`.
    pub(crate) async fn answer_of(
        self: &Arc<Self>,
        tenant: TenantId,
        run: RunId,
    ) -> Result<Option<Answer>, FollowError> {
        let mut run = run;
        loop {
            let found = self.answer_of_one(tenant, run).await?;
            let Some(Answer::Ended(Outcome::Continued { .. })) = &found else { return Ok(found) };
            // The run that goes on answers for this one. Not there yet, whoever asks may ask again.
            match children::next(self, tenant, run).await {
                Ok(Some(next)) => run = next,
                Ok(None) | Err(_) => return Ok(found),
            }
        }
    }

    async fn answer_of_one(self: &Arc<Self>, tenant: TenantId, run: RunId) -> Result<Option<Answer>, FollowError> {
        let wait = self.answers.expect(tenant, run);
        if let Some(answer) = self.answered(tenant, run).await? {
            return Ok(Some(answer));
        }
        if !self.shards.drives(run) {
            self.await_elsewhere(tenant, run);
        }
        Ok(wait.answer().await)
    }

    /// The answer that a run has given, by its journal.
    async fn answered(&self, tenant: TenantId, run: RunId) -> Result<Option<Answer>, FollowError> {
        let (row, flow) = self.known(tenant, run).await?;
        let entries = self.store.journal(tenant, run, 0).await?;
        let mut machine = Machine::new(flow.compiled.clone());
        let replaying = move || {
            let replayed = replay(&mut machine, 0, &entries, drop);
            (machine, replayed)
        };
        let stopped = || FollowError::Unavailable("the server is stopping".into());
        // Even where the history does not come out the same, the answer that was given then is the best there is.
        let (machine, replayed) = self.driving.compute(replaying).await.ok_or_else(stopped)?;
        if let Some(response) = machine.response() {
            return Ok(Some(Answer::Responded(response.clone())));
        }
        match (row.ended, machine.outcome()) {
            (Some(_), Some(outcome)) => Ok(Some(Answer::Ended(outcome.clone()))),
            (Some(ended), None) => {
                Ok(Some(Answer::Ended(Outcome::Cancelled { reason: ended.error.unwrap_or(ended.status) })))
            }
            (None, _) => {
                replayed.map_err(|error| FollowError::Unavailable(error.to_string()))?;
                Ok(None)
            }
        }
    }
}

/// Tells a reader each event after a given one, once.
struct Teller {
    sender: mpsc::Sender<RunEvent>,
    after: Option<EventId>,
    /// As far as the journal was read.
    machine: Machine,
}

impl Teller {
    /// What the journal says; nothing when the reader is gone or the journal does not replay.
    /// For a thread that may wait.
    fn past(&mut self, entries: &[Entry]) -> Option<()> {
        let from = i64::try_from(self.machine.seq()).unwrap_or(i64::MAX);
        for (seq, entry) in (from..).zip(entries) {
            let mut events: Vec<Told> = Vec::new();
            let one = std::slice::from_ref(entry);
            if let Err(error) = replay(&mut self.machine, seq, one, |decision| {
                events = decision.events.into_iter().map(|event| (decision.status, event)).collect();
            }) {
                tracing::warn!(%error, "a journal that is followed does not replay");
                return None;
            }
            for event in self.untold(&events) {
                self.sender.blocking_send(event).ok()?;
            }
        }
        Some(())
    }

    /// Those that were not told.
    fn untold(&mut self, events: &[Told]) -> Vec<RunEvent> {
        let after = self.after;
        let new = events.iter().filter(|(_, event)| after.is_none_or(|after| event.id > after));
        let new: Vec<_> = new.map(|(status, event)| (event.id, event.to_wire(*status))).collect();
        self.after = new.last().map(|(id, _)| *id).or(after);
        new.into_iter().map(|(_, event)| event).collect()
    }

    async fn tell(&mut self, events: &[Told]) -> Option<()> {
        for event in self.untold(events) {
            self.sender.send(event).await.ok()?;
        }
        Some(())
    }
}
