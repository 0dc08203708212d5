//! The lease by which a replica drives runs, renewed every two seconds, and what it may do when it cannot renew it.
//!
//! Local rule, by the monotonic clock: nothing is done to the outside from three seconds before the lease may have run
//! out until it is renewed. What is written to the store is fenced by the store itself.

use std::sync::Arc;
use std::time::Duration;

use holon_model::ReplicaId;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};
use crate::watched::Watched;

/// Length of a lease in milliseconds.
pub(crate) const LEASE_MS: i64 = 10_000;
const RENEW_EVERY: Duration = Duration::from_secs(2);
const RENEW_AGAIN: Duration = Duration::from_millis(250);
const STOP_BEFORE: Duration = Duration::from_secs(3);

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
        Self::Until(asked + Duration::from_millis(LEASE_MS.unsigned_abs()) - STOP_BEFORE)
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

/// Renews until it is told to stop or the lease is lost; tells of the shards held after each renewal.
pub(crate) async fn keep(
    store: Arc<dyn Store>,
    replica: ReplicaId,
    standing: Watched<Standing>,
    shards: mpsc::UnboundedSender<Vec<i16>>,
    stop: CancellationToken,
) {
    let mut wait = RENEW_EVERY;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        let asked = Instant::now();
        wait = match store.renew(replica, LEASE_MS).await {
            Ok(held) => {
                // Lost is lost: a commit may have been fenced while this answer was on its way.
                standing.change(|now| if now == Standing::Lost { now } else { Standing::renewed(asked) });
                if shards.send(held).is_err() {
                    return;
                }
                RENEW_EVERY
            }
            Err(StoreError::Fenced) => {
                tracing::error!(%replica, "another replica has taken over; this one stops");
                standing.set(Standing::Lost);
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "the lease could not be renewed; trying again");
                RENEW_AGAIN
            }
        };
    }
}
