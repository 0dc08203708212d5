//! Wakes those who wait for work of a pool when there is some, in this process and in others. A ring may be lost, and whoever waits
//! looks by itself now and then; what there is to do stands in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use holon_model::{EnvironmentId, ReplicaId, TenantId};
use tokio::sync::Notify;

use crate::runtime::{RuntimeHandle, Shared};
use crate::wake::Word;

/// A pool of workers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkPool {
    /// Whose.
    pub tenant: TenantId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// Its name.
    pub pool: String,
}

/// Pools that are remembered before those that nobody waits for are forgotten.
const FEW: usize = 256;

#[derive(Default)]
struct Known {
    waiting: BTreeMap<WorkPool, Weak<Notify>>,
    peers: BTreeSet<ReplicaId>,
}

/// Who waits, and which other replicas there are.
#[derive(Default)]
pub(crate) struct Bell(Mutex<Known>);

impl Bell {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What wakes those who wait for work of this pool, one for each ring. It has to be held before one looks for work.
    fn of(&self, pool: WorkPool) -> Arc<Notify> {
        let mut known = self.known();
        if known.waiting.len() >= FEW && !known.waiting.contains_key(&pool) {
            known.waiting.retain(|_, waiting| waiting.strong_count() > 0);
        }
        let waiting = known.waiting.entry(pool).or_default();
        waiting.upgrade().unwrap_or_else(|| {
            let fresh = Arc::<Notify>::default();
            *waiting = Arc::downgrade(&fresh);
            fresh
        })
    }

    /// These replicas are there too.
    pub fn meet(&self, peers: impl Iterator<Item = ReplicaId>) {
        self.known().peers = peers.collect();
    }

    /// Wakes one who waits here.
    pub fn ring(&self, pool: &WorkPool) {
        let waiting = self.known().waiting.get(pool).and_then(Weak::upgrade);
        if let Some(waiting) = waiting {
            waiting.notify_one();
        }
    }
}

impl Shared {
    /// There is work for this pool: wakes one who waits here, and one in each other replica.
    pub(crate) fn ring(&self, pool: WorkPool) {
        self.bell.ring(&pool);
        let peers = self.bell.known().peers.clone();
        for peer in peers {
            self.wake.say(peer, Word::Work(pool.clone()));
        }
    }
}

impl RuntimeHandle {
    /// What is notified when there may be work for this pool. Whoever waits gets it before looking for work, so that nothing that
    /// comes after the look is missed, and looks again now and then all the same.
    pub fn work_of(&self, pool: WorkPool) -> Arc<Notify> {
        self.shared.bell.of(pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use uuid::Uuid;

    fn pool(name: &str) -> WorkPool {
        WorkPool { tenant: TenantId(Uuid::nil()), environment: EnvironmentId(Uuid::nil()), pool: name.into() }
    }

    fn is_woken(waiting: &Notify) -> bool {
        pin!(waiting.notified()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn a_ring_wakes_one_of_its_own_pool_even_when_it_comes_between_the_look_and_the_waiting() {
        let bell = Bell::default();
        let (a, b) = (bell.of(pool("a")), bell.of(pool("b")));
        bell.ring(&pool("a"));
        assert!(is_woken(&a) && !is_woken(&a), "once");
        assert!(!is_woken(&b));
    }

    #[test]
    fn pools_that_nobody_waits_for_are_forgotten() {
        let bell = Bell::default();
        let kept = bell.of(pool("kept"));
        (0..10 * FEW).for_each(|number| drop(bell.of(pool(&number.to_string()))));
        assert!(bell.known().waiting.len() <= FEW);
        bell.ring(&pool("kept"));
        assert!(is_woken(&kept));
    }
}
