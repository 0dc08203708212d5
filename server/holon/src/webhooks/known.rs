//! Addresses of webhooks with the version in force there, kept for a moment, so that a busy webhook does not ask the
//! database the same question for every delivery.
//!
//! **In this process** what is kept is right: whoever changes what an address means (publish, delete) holds a
//! [`Changing`] while doing so, and when it is dropped everything kept of that flow is forgotten; what was read before
//! that and arrives after it is not kept. **Of other processes** nothing is heard: for what they change, an answer is at
//! most [`KEPT_FOR`] old, no older than a delivery that was under way when they did. Addresses that are unknown are never
//! kept: a webhook works from the moment in which its flow is published.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use holon_model::context::Actor;
use holon_model::{Context, FlowId, Millis, Timestamp};
use holon_platform::clock::SharedClock;
use holon_platform::db::{Pools, TenantTx, TxError};

use super::is_token;
use super::store::{self, Address};
use crate::flows;
use crate::http::ApiError;
use crate::single_flight::SingleFlight;

/// How old an answer may be.
pub const KEPT_FOR: Millis = Millis(1_000);
/// Addresses kept at most; when there are more, those that were read longest ago go first.
const MOST: usize = 4_096;

/// What is found at an address, and when that was asked.
type Found = Result<(Option<Arc<Listening>>, Timestamp), ApiError>;

/// An address and what is in force there.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Whose it is.
    pub address: Address,
    /// The version in force.
    pub version: i32,
}

impl Listening {
    /// What is known of a caller that is known by its address only.
    pub fn context(&self) -> Context {
        context(&self.address)
    }
}

fn context(address: &Address) -> Context {
    Context::of(address.tenant, address.environment, Actor::Webhook)
}

#[derive(Default)]
struct Kept {
    /// By token.
    known: BTreeMap<String, (Arc<Listening>, Timestamp)>,
    /// Counts changes: what was read before one is not kept after it.
    changes: u64,
}

/// See the module.
pub struct KnownAddresses {
    pools: Pools,
    clock: SharedClock,
    kept: Mutex<Kept>,
    /// By token and the changes before: who asks after a change gets no answer from before it.
    reading: SingleFlight<(String, u64), Found>,
}

impl KnownAddresses {
    /// Nothing is known yet.
    pub fn new(pools: Pools, clock: SharedClock) -> Self {
        Self { pools, clock, kept: Mutex::default(), reading: SingleFlight::default() }
    }

    /// What listens at the address of this token.
    ///
    /// # Errors
    /// When it is not known and the database does not say.
    pub async fn find(&self, token: &str) -> Result<Option<Arc<Listening>>, ApiError> {
        if !is_token(token) {
            return Ok(None);
        }
        let now = self.clock.now();
        let changes = {
            let kept = self.kept();
            match kept.known.get(token) {
                // A clock that was set back says nothing about age.
                Some((found, at)) if *at <= now && now.since(*at) < KEPT_FOR => return Ok(Some(Arc::clone(found))),
                _ => kept.changes,
            }
        };
        let reading = || {
            let (pools, token) = (self.pools.clone(), token.to_owned());
            async move { Ok((read(&pools, &token).await?.map(Arc::new), now)) }.boxed()
        };
        let (found, at) = loop {
            let (found, at) = self.reading.share((token.to_owned(), changes), reading).await?;
            // Whoever joins late is not told what was so too long ago.
            if now.since(at) < KEPT_FOR {
                break (found, at);
            }
        };
        if let Some(found) = &found {
            self.keep(token, found, at, changes);
        }
        Ok(found)
    }

    /// To be held by whoever changes where this flow listens or which version is in force, from before the transaction
    /// until after its end.
    #[must_use = "what is kept is forgotten when this is dropped"]
    pub fn changing(&self, flow: FlowId) -> Changing<'_> {
        Changing { known: self, flow }
    }

    fn keep(&self, token: &str, found: &Arc<Listening>, at: Timestamp, changes: u64) {
        let mut kept = self.kept();
        if kept.changes != changes {
            return;
        }
        if kept.known.len() >= MOST && !kept.known.contains_key(token) {
            // Half at once, so that a crowd of addresses does not look for the oldest on every delivery.
            let mut ages: Vec<Timestamp> = kept.known.values().map(|(_, at)| *at).collect();
            ages.sort_unstable();
            let middle = ages[ages.len() / 2];
            kept.known.retain(|_, (_, at)| *at > middle);
        }
        kept.known.insert(token.to_owned(), (Arc::clone(found), at));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(pools: &Pools, token: &str) -> Result<Option<Listening>, TxError> {
    let Some(address) = store::address(pools, token).await? else { return Ok(None) };
    let context = context(&address);
    let mut tx = TenantTx::begin(pools, &context).await?;
    let version = flows::store::deployed_version(&mut tx, address.environment, address.flow).await?;
    tx.commit().await?;
    Ok(version.map(|version| Listening { address, version }))
}

/// See [`KnownAddresses::changing`]. Forgets also when the change is given up half-way: then nobody knows if it was made.
pub struct Changing<'a> {
    known: &'a KnownAddresses,
    flow: FlowId,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let mut kept = self.known.kept();
        kept.changes += 1;
        kept.known.retain(|_, (found, _)| found.address.flow != self.flow);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::{EnvironmentId, TenantId, WebhookId};
    use holon_platform::clock::{Clock as _, TestClock};
    use holon_platform::db::test_db::TestDb;
    use uuid::Uuid;

    #[tokio::test]
    async fn what_cannot_be_a_token_is_unknown_without_asking_the_database() {
        let db = TestDb::new().await;
        let known = KnownAddresses::new(db.pools.clone(), TestClock::at(Timestamp(1_000_000)));
        db.pools.auth.close().await;
        for guess in ["", "admin", &"A".repeat(32), &"g".repeat(32), &"a".repeat(33), "\0"] {
            assert!(known.find(guess).await.unwrap().is_none(), "{guess}");
        }
        known.find(&"a".repeat(32)).await.unwrap_err();
    }

    fn listening(flow: u128) -> Arc<Listening> {
        let id = Uuid::from_u128;
        let address = Address {
            tenant: TenantId(id(1)),
            environment: EnvironmentId(id(2)),
            environment_name: "prod".into(),
            webhook: WebhookId(id(3)),
            flow: FlowId(id(flow)),
            node: "hook".into(),
        };
        Arc::new(Listening { address, version: 1 })
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_kept_after_it_and_the_number_kept_is_bounded() {
        let db = TestDb::new().await;
        let clock = TestClock::at(Timestamp(1_000_000));
        let known = KnownAddresses::new(db.pools.clone(), clock.clone());
        let read_before = known.kept().changes;
        drop(known.changing(FlowId(Uuid::from_u128(7))));
        let (late, right) = ("a".repeat(32), "b".repeat(32));
        known.keep(&late, &listening(7), clock.now(), read_before);
        assert!(known.find(&late).await.unwrap().is_none());
        let changes = known.kept().changes;
        known.keep(&right, &listening(7), clock.now(), changes);
        assert!(known.find(&right).await.unwrap().is_some());
        for number in 0..2 * MOST {
            let at = Timestamp(1_000_000 + number as i64);
            known.keep(&format!("{number}"), &listening(8), at, changes);
            assert!(known.kept().known.len() <= MOST);
        }
        drop(known.changing(FlowId(Uuid::from_u128(8))));
        assert_eq!(known.kept().known.len(), 0);
    }
}
