//! Effects whose node says for how long their answer is good (`policies.cache`, docs/caching.md). What is kept stands for the answer,
//! and is journaled like one; only where nothing is, the effect is done, and what it gives is kept.

use std::sync::Arc;

use holon_engine::{Cached, EffectId, Input, Outcome};
use holon_flow::redact::Redaction;
use holon_model::canon::Canon;
use holon_model::{EnvironmentId, Payload, RunId, TenantId, Timestamp, Value};
use holon_platform::clock::SharedClock;
use holon_platform::execute::{ConnectionSource, EffectRequest};
use tokio::sync::mpsc;

use crate::driver::{Driver, Msg};
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
    /// Whether it is asked anew, whatever is kept: a person retries what went wrong, maybe because of that.
    pub anew: bool,
    pub me: mpsc::UnboundedSender<Msg>,
    pub store: Arc<dyn Store>,
    pub clock: SharedClock,
}

impl MaybeKept {
    /// Which answer it is. What was answered through a connection is another one once that was changed; where it cannot be said which
    /// one it is there is none, and the effect tells what is wrong.
    pub async fn key(
        &self,
        (tenant, environment): (TenantId, EnvironmentId),
        request: &EffectRequest,
        redaction: &Redaction,
        connections: &dyn ConnectionSource,
    ) -> Option<AnswerKey> {
        let mut key = self.cached.answer;
        let name = request.config.get("connection").and_then(Value::as_str).filter(|name| !name.is_empty());
        if let Some(name) = name {
            let (id, version) = connections.revision(tenant, environment, name).await.ok()?;
            let mut canon = Canon::new();
            canon.text("holon.cache.connection/1").bytes(&key).bytes(id.0.as_bytes()).text(&version.to_string());
            key = canon.hash();
        }
        // Who keeps less of it has another answer.
        if !redaction.is_empty() {
            let mut canon = Canon::new();
            canon.text("holon.cache.redaction/1").bytes(&key).value(redaction.as_value());
            key = canon.hash();
        }
        Some(AnswerKey { tenant, environment, key })
    }

    /// What is kept and good for as long as this node says.
    pub async fn found(&self, key: &AnswerKey) -> Option<(Value, Timestamp)> {
        if self.anew {
            return None;
        }
        let now = self.clock.now();
        let found = self.store.answer(key, now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is kept of answers could not be read; the effect is done");
            None
        });
        // Whoever kept it may have said that it is good for longer.
        let answer = found.filter(|answer| now.since(answer.given_at) < self.cached.ttl)?;
        // One that another build wrote in another way is not there.
        Some((postcard::from_bytes(&answer.value).ok()?, answer.given_at))
    }

    /// Tells the loop that nothing had to be done. It may be gone; then the run is recovered, and looks again.
    pub fn tell(self, value: Value, since: Timestamp) {
        let Self { run, id, attempt, .. } = self;
        let _ = self.me.send(Msg::Kept { run, id, attempt, value, since });
    }

    /// Keeps what was answered, unless it is large.
    pub async fn keep(&self, key: &AnswerKey, value: &Value) {
        if crate::driver::size(value) > MOST_KEPT {
            return;
        }
        let (given_at, Ok(value)) = (self.clock.now(), postcard::to_allocvec(value)) else { return };
        let answer = KeptAnswer { value, given_at, expires_at: given_at.plus(self.cached.ttl) };
        if let Err(error) = self.store.keep_answer(key, &answer, ROOM).await {
            tracing::warn!(%error, "an answer could not be kept; the next effect is done again");
        }
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
