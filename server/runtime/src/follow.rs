//! Following a run: what happened from the journal, then what happens as it becomes durable, without a gap or a double.

use std::sync::Arc;

use holon_engine::{EventId, Machine, Outcome};
use holon_model::wire::runs::RunEvent;
use holon_model::{RunId, TenantId};
use tokio::sync::{mpsc, oneshot};

use crate::api::{Answer, FollowError};
use crate::children;
use crate::definitions::LoadedFlow;
use crate::driver::Msg;
use crate::live::{Live, Told};
use crate::recover::replay;
use crate::runtime::Shared;
use crate::store::{Entry, HistoryRow};

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
        let entries = self.store.journal(tenant, run, 0).await?;
        let (sender, receiver) = mpsc::channel(READER_LAG);
        tokio::spawn(async move {
            let mut teller = Teller { sender, after };
            // A whole history is computed again: not on the threads that answer requests.
            let telling = tokio::task::spawn_blocking(move || teller.past(&flow, &entries).map(|()| teller)).await;
            let (Ok(Some(mut teller)), Some(mut feed)) = (telling, feed) else { return };
            while let Some(events) = feed.events.recv().await {
                if teller.tell(&events).await.is_none() {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    /// See `RuntimeHandle::answer_of`.
    pub(crate) async fn answer_of(&self, tenant: TenantId, run: RunId) -> Result<Option<Answer>, FollowError> {
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

    async fn answer_of_one(&self, tenant: TenantId, run: RunId) -> Result<Option<Answer>, FollowError> {
        let wait = self.answers.expect(tenant, run);
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
                Ok(wait.answer().await)
            }
        }
    }
}

/// Tells a reader each event after a given one, once.
struct Teller {
    sender: mpsc::Sender<RunEvent>,
    after: Option<EventId>,
}

impl Teller {
    /// What the journal says; nothing when the reader is gone or the journal does not replay.
    /// For a thread that may wait.
    fn past(&mut self, flow: &LoadedFlow, entries: &[Entry]) -> Option<()> {
        let mut machine = Machine::new(flow.compiled.clone());
        for (seq, entry) in (0..).zip(entries) {
            let mut events: Vec<Told> = Vec::new();
            let one = std::slice::from_ref(entry);
            if let Err(error) = replay(&mut machine, seq, one, |decision| {
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
