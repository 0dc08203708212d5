//! Memory for answers from outside. Many requests wait at once, and each may bring megabytes: what is being read has a bound for the
//! whole process and a smaller one for each tenant, so that nobody's slow downloads take the memory of all others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use holon_model::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of all answers in memory.
const ALL: usize = 256 << 20;
/// Bytes of the answers of one tenant.
const OF_ONE: usize = 64 << 20;
/// What is counted as one.
const UNIT: usize = 4 << 10;
/// Tenants that are remembered before those without requests are forgotten.
const FEW: usize = 256;

pub(super) struct Room {
    all: Arc<Semaphore>,
    of_one: usize,
    of: Mutex<HashMap<TenantId, Weak<Semaphore>>>,
}

impl Default for Room {
    fn default() -> Self {
        Self::new(ALL, OF_ONE)
    }
}

impl Room {
    fn new(all: usize, of_one: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all / UNIT)), of_one: of_one / UNIT, of: Mutex::default() }
    }

    /// What requests of nobody in particular share.
    pub fn share(&self) -> Share {
        Share { all: self.all.clone(), own: Arc::new(Semaphore::new(self.of_one)), most: self.of_one }
    }

    /// What all requests of one tenant share.
    pub fn share_of(&self, tenant: TenantId) -> Share {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let known = of.get(&tenant).and_then(Weak::upgrade);
        let own = known.unwrap_or_else(|| {
            if of.len() >= FEW {
                of.retain(|_, share| share.strong_count() > 0);
            }
            let own = Arc::new(Semaphore::new(self.of_one));
            of.insert(tenant, Arc::downgrade(&own));
            own
        });
        Share { all: self.all.clone(), own, most: self.of_one }
    }
}

/// A part of the room.
#[derive(Clone)]
pub(super) struct Share {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
    most: usize,
}

/// Memory that is held; dropped, it is free.
#[derive(Debug, Default)]
pub(super) struct Held {
    units: usize,
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Held {
    pub fn bytes(&self) -> usize {
        self.units * UNIT
    }
}

impl Share {
    fn units(&self, bytes: usize) -> usize {
        bytes.div_ceil(UNIT).clamp(1, self.most)
    }

    /// Waits until there is room. Only for whoever holds none: those who hold some and wait for more could wait for each other.
    pub async fn take(&self, bytes: usize) -> Held {
        let units = self.units(bytes);
        let many = u32::try_from(units).unwrap_or(u32::MAX);
        let mut permits = Vec::with_capacity(2);
        // Its own first: who waits for that holds up nobody else. Neither is ever closed.
        for semaphore in [&self.own, &self.all] {
            permits.extend(semaphore.clone().acquire_many_owned(many).await);
        }
        Held { units, _permits: permits }
    }

    /// More room at once; false when there is none.
    pub fn grow(&self, held: &mut Held, to: usize) -> bool {
        let units = to.div_ceil(UNIT).saturating_sub(held.units);
        let many = u32::try_from(units).unwrap_or(u32::MAX);
        let Ok(own) = self.own.clone().try_acquire_many_owned(many) else { return false };
        let Ok(all) = self.all.clone().try_acquire_many_owned(many) else { return false };
        held._permits.extend([own, all]);
        held.units += units;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use uuid::Uuid;

    fn now(share: &Share, bytes: usize) -> Option<Held> {
        match pin!(share.take(bytes)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(held) => Some(held),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_tenant_never_takes_what_others_need_and_what_is_dropped_is_free() {
        let room = Room::new(8 * UNIT, 4 * UNIT);
        let (one, two) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let mut held = now(&room.share_of(one), 3 * UNIT).unwrap();
        assert!(now(&room.share_of(one), 2 * UNIT).is_none(), "its requests share one bound");
        assert!(room.share_of(one).grow(&mut held, 4 * UNIT));
        assert!(!room.share_of(one).grow(&mut held, 5 * UNIT));
        let other = now(&room.share_of(two), 4 * UNIT);
        assert!(other.is_some());
        assert!(now(&room.share(), 1).is_none(), "all of it is taken");
        drop(held);
        assert!(now(&room.share(), 1).is_some());
        assert!(now(&room.share_of(one), 100 * UNIT).is_some(), "more than there is counts as all of it");
    }
}
