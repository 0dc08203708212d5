//! The operations of the store that one replica calls, each with what befalls it on the way.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use holon_engine::{Input, decode_input};
use holon_model::{EnvironmentId, ReplicaId, RunId, TenantId, Timestamp};
use holon_runtime::store::{
    Admitted, AnswerKey, Asks, Blobs, Cache, Crowd, Found, Hash, Intake, KeptAnswer, Letter, Letters, Line, LiveRow,
    Ownership, Pauses, Posted, Replica as Claim, Roll, Room, Sleeper, Sleepers, StateOf, StateRow, States, StoreError,
    Ticket, shard_of,
};
use time::Date;

use super::Road;
use crate::seed::Planted;

#[async_trait]
impl Blobs for Road {
    async fn blobs(
        &self,
        tenant: TenantId,
        week: Date,
        hashes: &BTreeSet<Hash>,
    ) -> Result<BTreeMap<Hash, Vec<u8>>, StoreError> {
        self.read("blobs", self.store.blobs(tenant, week, hashes)).await
    }
}

#[async_trait]
impl Asks for Road {
    async fn waiting(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
        correlation: &str,
    ) -> Result<Vec<RunId>, StoreError> {
        self.read("waiting", self.store.waiting(tenant, environment, name, correlation)).await
    }

    async fn kept(&self, tenant: TenantId, run: RunId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError> {
        self.read("kept", self.store.kept(tenant, run)).await
    }

    async fn sweep_asks(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.read("sweep", self.store.sweep_asks(now)).await
    }
}

// An operation that is new in the store gets its line in one of these: `read` for what may be done again; `commit` shows the other kind.
#[async_trait]
impl Ownership for Road {
    async fn join(&self, replica: &Claim, lease_ms: i64, alone: bool) -> Result<(), StoreError> {
        self.read("join", self.store.join(replica, lease_ms, alone)).await
    }

    async fn renew(&self, replica: ReplicaId, lease_ms: i64, leaving: bool) -> Result<Roll, StoreError> {
        self.read("renew", self.store.renew(replica, lease_ms, leaving)).await
    }

    async fn fence(&self, silent: &[(ReplicaId, i64)]) -> Result<(), StoreError> {
        self.read("fence", self.store.fence(silent)).await
    }

    async fn holds(&self, replica: ReplicaId) -> Result<bool, StoreError> {
        self.read("holds", self.store.holds(replica)).await
    }

    async fn adopt(&self, replica: ReplicaId, shards: &[i16]) -> Result<Vec<i16>, StoreError> {
        self.read("adopt", self.store.adopt(replica, shards)).await
    }

    async fn hand_over(
        &self,
        replica: ReplicaId,
        to: ReplicaId,
        shards: &[(i16, i64)],
    ) -> Result<Vec<i16>, StoreError> {
        self.read("hand over", self.store.hand_over(replica, to, shards)).await
    }

    async fn leave(&self, replica: ReplicaId) -> Result<(), StoreError> {
        self.read("leave", self.store.leave(replica)).await
    }
}

#[async_trait]
impl States for Road {
    async fn state(&self, of: StateOf, key: &str) -> Result<Option<StateRow>, StoreError> {
        self.read("state", self.store.state(of, key)).await
    }

    async fn state_full(&self, of: StateOf) -> Result<bool, StoreError> {
        self.read("state full", self.store.state_full(of)).await
    }
}

impl Road {
    /// Who brings an item, or wants it back, asks for as long as its batch does not answer, and leaves one letter.
    async fn no_two_say_the_same(&self, run: RunId, body: &[u8]) {
        if !matches!(decode_input(body), Ok(Input::Joined { .. } | Input::Left { .. })) {
            return;
        }
        let letters = self.store.letters(&[shard_of(run)], &[], i64::MAX).await.unwrap_or_default();
        let same = letters.iter().filter(|letter| letter.run == run && letter.body == body).count();
        if same > 1 {
            self.problems.add("letters", || format!("{same} letters say the same to {run}"));
        }
    }
}

#[async_trait]
impl Letters for Road {
    async fn post(
        &self,
        tenant: TenantId,
        run: RunId,
        sender: ReplicaId,
        body: &[u8],
    ) -> Result<Option<Posted>, StoreError> {
        let posting = async {
            let posted = self.store.post(tenant, run, sender, body).await?;
            posted.iter().for_each(|posted| self.weather.posted(posted.id, body));
            self.no_two_say_the_same(run, body).await;
            Ok(posted)
        };
        self.read("post", posting).await
    }

    async fn post_once(
        &self,
        tenant: TenantId,
        run: RunId,
        sender: ReplicaId,
        body: &[u8],
    ) -> Result<Option<Posted>, StoreError> {
        let posting = async {
            let posted = match self.weather.plants(Planted::SaidAgain) {
                true => self.store.post(tenant, run, sender, body).await?,
                false => self.store.post_once(tenant, run, sender, body).await?,
            };
            posted.iter().for_each(|posted| self.weather.posted(posted.id, body));
            self.no_two_say_the_same(run, body).await;
            Ok(posted)
        };
        self.read("post", posting).await
    }

    async fn letters(&self, shards: &[i16], without: &[i64], most: i64) -> Result<Vec<Letter>, StoreError> {
        self.read("letters", self.store.letters(shards, without, most)).await
    }

    async fn discard(&self, replica: ReplicaId, letters: &[Letter]) -> Result<(), StoreError> {
        self.read("discard", self.store.discard(replica, letters)).await
    }
}

#[async_trait]
impl Cache for Road {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        let found = self.read("answer", self.store.answer(&self.answer_key(key), now)).await?;
        Ok(found.map(|answer| self.answer_as(answer, now)))
    }

    async fn keep_answer(&self, key: &AnswerKey, answer: &KeptAnswer, room: Room) -> Result<(), StoreError> {
        let (key, answer) = (self.answer_key(key), self.answer_as(answer.clone(), answer.given_at));
        self.read("keep answer", self.store.keep_answer(&key, &answer, room)).await
    }

    async fn forget_answers(&self, now: Timestamp, most: i64) -> Result<u64, StoreError> {
        self.read("forget answers", self.store.forget_answers(now, most)).await
    }
}

#[async_trait]
impl Intake for Road {
    async fn pauses(&self) -> Result<Pauses, StoreError> {
        self.read("pauses", self.store.pauses()).await
    }

    async fn crowd(&self, line: &Line) -> Result<Crowd, StoreError> {
        let crowd = self.read("crowd", self.store.crowd(line)).await?;
        let full = self.weather.plants_often(Planted::FullForNothing, 50);
        Ok(if full { Crowd { going: 1_000_000, ..crowd } } else { crowd })
    }

    async fn admit(&self, tenant: TenantId, lines: &[Line]) -> Result<Admitted, StoreError> {
        let admitting = async {
            let admitted = self.store.admit(tenant, lines).await?;
            // They are cancelled: whoever paused one has it let go on to its end.
            let mut said = self.promises.said();
            for run in &admitted.replaced {
                said.pauses.entry(*run).or_default().letting_go();
            }
            drop(said);
            Ok(admitted)
        };
        self.read("admit", admitting).await
    }

    async fn lines(&self) -> Result<Vec<Line>, StoreError> {
        self.read("lines", self.store.lines()).await
    }

    async fn admitted(&self, shards: &[i16]) -> Result<Vec<(TenantId, RunId)>, StoreError> {
        self.read("admitted", self.store.admitted(shards)).await
    }

    async fn ticket(&self, tenant: TenantId, run: RunId) -> Result<Option<Ticket>, StoreError> {
        self.read("ticket", self.store.ticket(tenant, run)).await
    }
}

#[async_trait]
impl Sleepers for Road {
    async fn vouch(&self, replica: ReplicaId, shards: &[i16]) -> Result<(), StoreError> {
        self.read("vouch", self.store.vouch(replica, shards)).await
    }

    async fn awake(&self, shards: &[i16]) -> Result<Vec<LiveRow>, StoreError> {
        self.read("awake", self.store.awake(shards)).await
    }

    async fn asleep(&self, shards: &[i16]) -> Result<Vec<Sleeper>, StoreError> {
        self.read("asleep", self.store.asleep(shards)).await
    }

    async fn found(&self, runs: &[(TenantId, RunId)]) -> Result<Vec<Found>, StoreError> {
        if self.weather.plants_often(Planted::SleeperForgotten, 20) {
            return Ok(Vec::new());
        }
        self.read("found", self.store.found(runs)).await
    }
}
