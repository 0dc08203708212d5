//! Effects whose node says for how long their answer is good (`policies.cache`, docs/caching.md). What is kept stands for the answer,
//! and is journaled like one; only where nothing is, the effect is done, and what it gives is kept.

use std::sync::Arc;

use holon_engine::{Cached, EffectId, Input, Outcome};
use holon_model::{Payload, RunId, Timestamp, Value};
use tokio::sync::mpsc;

use crate::driver::{Driver, Msg};
use crate::effects::EffectJob;
use crate::live::Queued;
use crate::runtime::Shared;
use crate::store::{AnswerKey, KeptAnswer, Room, Store};

/// Bytes of an answer that is kept; what is larger is asked for each time.
pub const MOST_KEPT: usize = 256 << 10;
/// What is kept of one tenant.
pub const ROOM: Room = Room { answers: 5_000, bytes: 64 << 20 };
/// Answers that are forgotten at once.
const FORGET: i64 = 5_000;

/// An effect that may have an answer already, and whom to tell.
pub(crate) struct MaybeKept {
    pub cached: Cached,
    pub run: RunId,
    pub id: EffectId,
    pub attempt: u32,
    pub job: EffectJob,
    pub me: mpsc::UnboundedSender<Msg>,
}

impl MaybeKept {
    /// Answers with what is kept, or has the effect done and keeps what it gives.
    pub async fn answer(self, shared: Arc<Shared>) {
        let Self { cached, run, id, attempt, mut job, me } = self;
        let key = AnswerKey { tenant: job.tenant, environment: job.environment, key: cached.answer };
        let (cancel, stop) = (job.cancel.clone(), shared.stop.clone());
        let found = tokio::select! {
            biased;
            // Not wanted any more, or not by this process: nobody is told.
            () = cancel.cancelled() => return,
            () = stop.cancelled() => return,
            found = shared.store.answer(&key, shared.clock.now()) => found,
        };
        match found {
            Ok(Some(answer)) => {
                // One that another build wrote in another way is not there.
                if let Ok(value) = postcard::from_bytes(&answer.value) {
                    // The loop may be gone; then the run is recovered, and looks again.
                    let _ = me.send(Msg::Kept { run, id, attempt, value, since: answer.given_at });
                    return;
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "what is kept of answers could not be read; the effect is done"),
        }
        // Not all of the runtime: an effect that waits for its turn is in it.
        let (pool, store, clock) = (shared.pool.clone(), shared.store.clone(), shared.clock.clone());
        let done = std::mem::replace(&mut job.done, Box::new(|_, _| {}));
        job.done = Box::new(move |result, proposal| {
            if let Ok(value) = &result
                && crate::driver::size(value) <= MOST_KEPT
            {
                tokio::spawn(keep(store, clock.now(), key, cached, value.clone()));
            }
            done(result, proposal);
        });
        pool.submit(job);
    }
}

async fn keep(store: Arc<dyn Store>, given_at: Timestamp, key: AnswerKey, cached: Cached, value: Value) {
    let Ok(value) = postcard::to_allocvec(&value) else { return };
    let answer = KeptAnswer { value, given_at, expires_at: given_at.plus(cached.ttl) };
    if let Err(error) = store.keep_answer(&key, &answer, ROOM).await {
        tracing::warn!(%error, "an answer could not be kept; the next effect is done again");
    }
}

/// Forgets answers that are not good any more.
pub(crate) async fn forget(shared: &Shared) {
    loop {
        match shared.store.forget_answers(shared.clock.now(), FORGET).await {
            Ok(gone) if gone.cast_signed() == FORGET => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "answers that are not good any more could not be forgotten; trying again in an hour");
                return;
            }
        }
    }
}

impl Driver {
    /// An effect has an answer without being done.
    pub(crate) fn kept(&mut self, run: RunId, (id, attempt): (EffectId, u32), value: Value, since: Timestamp) {
        let at = self.shared.clock.now();
        let Some(live) = self.runs.get_mut(&run) else { return };
        // One that is not wanted any more has no token left, and its answer is no input.
        if live.effects.remove(&id).is_none() {
            return;
        }
        let outcome = Outcome::Kept { value: Payload::Inline(value), since };
        live.waiting.push_back(Queued::of(at, Input::EffectCompleted { id, attempt, outcome }));
        self.shared.counters.answered_before();
        self.touch(run);
    }
}
