//! The lease by which a replica drives runs, renewed twice a second, and what it may do when it cannot renew it.
//!
//! Local rule, by the monotonic clock: nothing is done to the outside from half a second before the lease may have run out until
//! it is renewed. What is written to the store is fenced by the store itself.
//!
//! A replica is taken for dead when it was seen not to renew for the length of a lease, by the monotonic clock of the one who
//! looks and only while that one could look all the time: no clock that is set makes a living replica look dead, and after a
//! pause of the store everybody has a whole lease to come back. So a crash is noticed after the lease and at most two renewals:
//! four seconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use holon_model::ReplicaId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::runtime::Shared;
use crate::store::{Roll, StoreError};
use crate::watched::Watched;

/// Length of a lease in milliseconds.
pub(crate) const LEASE_MS: i64 = 3_000;
const LEASE: Duration = Duration::from_millis(LEASE_MS.unsigned_abs());
const RENEW_EVERY: Duration = Duration::from_millis(500);
const RENEW_AGAIN: Duration = Duration::from_millis(100);
const STOP_BEFORE: Duration = Duration::from_millis(500);
/// Who has not looked for longer than this begins to look anew.
const LOOKED_AWAY: Duration = Duration::from_millis(1_500);

/// Whether this replica may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Until then.
    Until(Instant),
    /// Never again: another replica has taken over.
    Lost,
}

impl Standing {
    /// Until the moment up to which a lease renewed by a call made at `asked` is safe.
    pub(crate) fn renewed(asked: Instant) -> Self {
        Self::Until(asked + LEASE - STOP_BEFORE)
    }

    /// Waits until the lease is held; false when it is lost for good.
    pub(crate) async fn held(standing: &Watched<Self>) -> bool {
        let known = |standing| match standing {
            Self::Until(until) => Instant::now() < until,
            Self::Lost => true,
        };
        standing.wait_for(known).await != Self::Lost
    }
}

/// What a look at the store told.
pub(crate) struct Seen {
    /// Who is there and who holds what.
    pub roll: Roll,
    /// Replicas that have not renewed for the length of a lease, with their beat.
    pub silent: Vec<(ReplicaId, i64)>,
    /// How often shards had gone from here before the look.
    pub changes: u64,
}

/// When each of the others was first seen with its present beat.
#[derive(Default)]
pub(crate) struct Watching {
    since: BTreeMap<ReplicaId, (i64, Instant)>,
    last: Option<Instant>,
}

impl Watching {
    /// Notes what is seen `now`, after the answer came; answers those that were silent for a whole lease.
    pub fn note(&mut self, me: ReplicaId, roll: &Roll, now: Instant) -> Vec<(ReplicaId, i64)> {
        if self.last.is_none_or(|last| now - last > LOOKED_AWAY) {
            self.since.clear();
        }
        self.last = Some(now);
        self.since.retain(|replica, _| roll.peers.iter().any(|peer| peer.id == *replica));
        let mut silent = Vec::new();
        for peer in roll.peers.iter().filter(|peer| peer.id != me) {
            let seen = self.since.entry(peer.id).or_insert((peer.beat, now));
            if seen.0 != peer.beat {
                *seen = (peer.beat, now);
            } else if now - seen.1 >= LEASE {
                silent.push((peer.id, peer.beat));
            }
        }
        silent
    }
}

/// Renews until it is told to stop or the lease is lost; tells what it saw after each renewal.
pub(crate) async fn keep(shared: Arc<Shared>, seen: mpsc::UnboundedSender<Seen>) {
    let mut wait = RENEW_EVERY;
    let mut watching = Watching::default();
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = shared.look.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
        let (asked, changes) = (Instant::now(), shared.shards.changes());
        wait = match shared.store.renew(shared.replica, LEASE_MS, shared.leaving.load(Relaxed)).await {
            Ok(roll) => {
                // What is lost stays lost, however late this answer is.
                let renewed = |now| if now == Standing::Lost { now } else { Standing::renewed(asked) };
                shared.standing.change(renewed);
                let silent = watching.note(shared.replica, &roll, Instant::now());
                if seen.send(Seen { roll, silent, changes }).is_err() {
                    return;
                }
                RENEW_EVERY
            }
            Err(StoreError::Fenced) => {
                tracing::error!(replica = %shared.replica, "another replica has taken over; this one stops");
                shared.standing.set(Standing::Lost);
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "the lease could not be renewed; trying again");
                RENEW_AGAIN
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Peer;
    use uuid::Uuid;

    fn id(number: u128) -> ReplicaId {
        ReplicaId(Uuid::from_u128(number))
    }

    fn roll(beats: &[(u128, i64)]) -> Roll {
        let peer = |(number, beat): &(u128, i64)| Peer { id: id(*number), semantics: 1, beat: *beat, leaving: false };
        Roll { peers: beats.iter().map(peer).collect(), shards: Vec::new() }
    }

    /// Looks at these moments (milliseconds) at a replica with this beat; whether it was taken for dead at the last one.
    fn dead(looks: &[(u64, i64)]) -> bool {
        let (began, mut watching) = (Instant::now(), Watching::default());
        let look = |(at, beat): &(u64, i64)| {
            watching.note(id(1), &roll(&[(1, 0), (2, *beat)]), began + Duration::from_millis(*at))
        };
        looks.iter().map(look).last().is_some_and(|silent| silent.iter().any(|(replica, _)| *replica == id(2)))
    }

    #[test]
    fn who_did_not_renew_for_a_lease_while_it_was_watched_is_dead_and_nobody_else() {
        let every_second = |beats: &[i64]| (0..).zip(beats).map(|(n, beat)| (n * 1_000, *beat)).collect::<Vec<_>>();
        assert!(dead(&every_second(&[4, 4, 4, 4])));
        assert!(!dead(&every_second(&[4, 4, 4])), "not yet");
        assert!(!dead(&every_second(&[4, 4, 5, 5, 5])), "it came back in between");
        // The store was away: nobody could renew, and nobody is to blame for it.
        assert!(!dead(&[(0, 4), (1_000, 4), (9_000, 4), (10_000, 4)]));
        assert!(dead(&[(0, 4), (1_000, 4), (9_000, 4), (10_000, 4), (11_000, 4), (12_000, 4)]));
    }

    #[test]
    fn a_replica_never_takes_itself_for_dead() {
        let (now, mut watching) = (Instant::now(), Watching::default());
        for second in 0..10 {
            assert!(watching.note(id(1), &roll(&[(1, 7)]), now + Duration::from_secs(second)).is_empty());
        }
    }
}
