//! Carries out who should hold which shards: takes up the runs of shards that come, fences the dead, adopts what is free, and hands
//! on what others should have.
//!
//! Handing on: no new ids for the shards; a moment later, when starts that have one are begun, their loops close them, what was
//! handed to the committer is settled, and the store gives them to the heir, who is told at once. What stands still meanwhile is
//! the shard alone, and for a few milliseconds. A roll that was read before a shard went says nothing about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use holon_model::ReplicaId;
use holon_platform::kill_points::{self, Point};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::closing::Closes;
use crate::driver::Msg;
use crate::lease::Seen;
use crate::runtime::Shared;
use crate::share::plan;
use crate::store::{Roll, StoreError};
use crate::wake::Word;

/// A start has its id for no longer than this before it is begun, as a rule.
const STARTS_WITHIN: Duration = Duration::from_millis(250);
/// For how long shards are closed only when nothing is being done for their runs.
const GENTLY_FOR: Duration = Duration::from_secs(2);
/// When shards are not closed by then it is tried again later.
const GIVE_UP_AFTER: Duration = Duration::from_secs(10);
const AGAIN_AFTER: Duration = Duration::from_millis(50);
const SETTLED_POLL: Duration = Duration::from_millis(1);
/// Shards that stand still at once.
const AT_ONCE: usize = 32;

/// Shards with their epochs: a statement that comes late finds another one.
type Dated = (i16, i64);

/// Does what each look at the store asks for.
pub(crate) async fn balance(shared: Arc<Shared>, mut seen: mpsc::UnboundedReceiver<Seen>) {
    let mut giving = None::<tokio::task::JoinHandle<()>>;
    while let Some(mut look) = seen.recv().await {
        while let Ok(newer) = seen.try_recv() {
            look = newer;
        }
        if look.changes != shared.shards.changes() {
            continue;
        }
        let Seen { roll, silent, .. } = look;
        let me = shared.replica;
        let held = roll.held_by(me);
        // Both are in the order of their numbers.
        if shared.shards.certain().iter().any(|shard| held.binary_search(shard).is_err()) {
            tracing::error!(replica = %me, "the store gave shards of this replica to another one");
            return shared.lose();
        }
        shared.company.store(roll.peers.iter().any(|peer| peer.id != me && !peer.leaving), Relaxed);
        shared.door.meet(roll.peers.len());
        shared.bell.meet(roll.peers.iter().map(|peer| peer.id).filter(|peer| *peer != me));
        take_up(&shared, &held, look.changes);
        if !silent.is_empty() {
            fence(&shared, &silent).await;
            continue;
        }
        let plan = plan(me, &roll);
        if !plan.adopt.is_empty() {
            match shared.store.adopt(me, &plan.adopt).await {
                // They were nobody's: only this loop takes shards, and none that it has is among them.
                Ok(shards) => {
                    kill_points::reach(Point::Adopted);
                    take_up(&shared, &shards, shared.shards.changes());
                }
                Err(error) => tracing::warn!(%error, "free shards could not be taken; trying again"),
            }
        }
        if !plan.give.is_empty() && giving.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
            let gifts = dated(&roll, plan.give);
            giving = Some(tokio::spawn(give(shared.clone(), gifts)));
        }
    }
}

/// Takes up the runs of those of these shards that were not known to be this replica's.
fn take_up(shared: &Arc<Shared>, shards: &[i16], changes: u64) {
    let new = shared.shards.coming(shards, changes);
    if !new.is_empty() {
        tokio::spawn(shared.clone().recover(new));
    }
}

async fn fence(shared: &Arc<Shared>, silent: &[(ReplicaId, i64)]) {
    for (replica, _) in silent {
        tracing::warn!(%replica, "a replica has not renewed its lease; its shards are taken over");
    }
    match shared.store.fence(silent).await {
        Ok(()) => {
            kill_points::reach(Point::Fenced);
            shared.look.notify_one();
        }
        Err(error) => tracing::warn!(%error, "a replica that is gone could not be fenced; trying again"),
    }
}

fn dated(roll: &Roll, gifts: BTreeMap<ReplicaId, Vec<i16>>) -> BTreeMap<ReplicaId, Vec<Dated>> {
    let epochs: BTreeMap<i16, i64> = roll.shards.iter().map(|row| (row.shard, row.epoch)).collect();
    let date = |shard: i16| Some((shard, *epochs.get(&shard)?));
    gifts.into_iter().map(|(to, shards)| (to, shards.into_iter().filter_map(date).collect())).collect()
}

fn numbers(shards: &[Dated]) -> Vec<i16> {
    shards.iter().map(|(shard, _)| *shard).collect()
}

/// Hands shards on, those first for which nothing is being done.
async fn give(shared: Arc<Shared>, mut gifts: BTreeMap<ReplicaId, Vec<Dated>>) {
    for shards in gifts.values_mut() {
        let resting = shared.shards.rest(&numbers(shards));
        shards.retain(|(shard, _)| resting.contains(shard));
    }
    let began = Instant::now();
    // Who leaves starts nothing any more.
    if !shared.leaving.load(Relaxed) {
        tokio::time::sleep(STARTS_WITHIN).await;
    }
    let mut given = 0;
    while began.elapsed() < GIVE_UP_AFTER && !shared.is_over() {
        let how = if began.elapsed() < GENTLY_FOR { Closes::Gently } else { Closes::Firmly };
        for (to, shards) in &mut gifts {
            for some in std::mem::take(shards).chunks(AT_ONCE) {
                let closed = shared.close(&numbers(some), how).await;
                let (some, open): (Vec<_>, Vec<_>) = some.iter().partition(|(shard, _)| closed.contains(shard));
                shards.extend(open);
                given += some.len();
                if !some.is_empty() {
                    hand(&shared, *to, &some).await;
                }
            }
        }
        if gifts.values().all(Vec::is_empty) {
            break;
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
    gifts.values().for_each(|shards| shared.shards.wake(&numbers(shards)));
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(shards = given, took_ms = took, "shards were handed on to other replicas");
    shared.look.notify_one();
}

/// Gives closed shards to another replica.
async fn hand(shared: &Arc<Shared>, to: ReplicaId, shards: &[Dated]) {
    while shared.committer.busy(&numbers(shards)) {
        tokio::time::sleep(SETTLED_POLL).await;
    }
    kill_points::reach(Point::ShardsClosed);
    let me = shared.replica;
    match shared.store.hand_over(me, to, shards).await {
        Ok(_) => kill_points::reach(Point::ShardsGiven),
        Err(error) => {
            tracing::warn!(%error, "nobody knows whether shards were handed on; asking");
            // Once this is answered the first statement has been done or never will be: the epoch is another one.
            while let Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) =
                shared.store.hand_over(me, me, shards).await
            {
                if shared.is_over() {
                    return;
                }
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }
    // Only now: until then nothing that is read of the store says whose they are. What was not given comes back with the next look.
    shared.shards.gone(&numbers(shards));
    shared.wake.say(to, Word::Shards);
    shared.look.notify_one();
}

impl Shared {
    /// Closes those of these shards that can be closed; answers which. The others go on.
    async fn close(&self, shards: &[i16], how: Closes) -> Vec<i16> {
        self.shards.closing(shards);
        let mut by_driver: BTreeMap<usize, Vec<i16>> = BTreeMap::new();
        for shard in shards {
            by_driver.entry(self.driver_of(*shard)).or_default().push(*shard);
        }
        let mut answers = Vec::new();
        for (number, shards) in by_driver {
            let (reply, answer) = oneshot::channel();
            if self.drivers[number].send(Msg::Close { shards, how, reply }).is_ok() {
                answers.push(answer);
            }
        }
        let mut closed = Vec::new();
        for answer in answers {
            // A loop that is gone closes nothing: everything ends then.
            closed.extend(answer.await.unwrap_or_default());
        }
        let open: Vec<i16> = shards.iter().filter(|shard| !closed.contains(shard)).copied().collect();
        self.shards.rest_again(&open);
        closed
    }

    /// Hands everything on, for as long as there is somebody to hand it to, until `deadline`.
    pub(crate) async fn hand_on_all(&self, deadline: Instant) {
        self.leaving.store(true, Relaxed);
        self.look.notify_one();
        while self.company.load(Relaxed) && !self.shards.held().is_empty() && Instant::now() < deadline {
            if self.is_over() {
                return;
            }
            tokio::time::sleep(SETTLED_POLL).await;
        }
    }
}
