//! How many runs of each tenant are in memory, how many sleep, and that neither are too many: flows call flows, and a few nodes can
//! ask for more runs than a machine can hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holon_model::TenantId;

/// Runs of one tenant.
#[derive(Default)]
struct Of {
    /// In memory.
    awake: u32,
    asleep: u32,
}

/// Runs that live here, by tenant.
#[derive(Clone)]
pub(crate) struct Living {
    of: Arc<Mutex<HashMap<TenantId, Of>>>,
    most: u32,
    most_asleep: u32,
}

impl Living {
    pub fn new(most: u32, most_asleep: u32) -> Self {
        Self { of: Arc::default(), most, most_asleep }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Of>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more run; nothing when the tenant has as many as it may have.
    pub fn enter(&self, tenant: TenantId) -> Option<Place> {
        let mut of = self.lock();
        let runs = of.entry(tenant).or_default();
        if runs.awake >= self.most || runs.asleep >= self.most_asleep {
            return None;
        }
        runs.awake += 1;
        drop(of);
        Some(Place { living: self.clone(), tenant })
    }

    /// A place for a run that was accepted before, whatever the bound.
    pub fn resume(&self, tenant: TenantId) -> Place {
        self.lock().entry(tenant).or_default().awake += 1;
        Place { living: self.clone(), tenant }
    }

    /// A run has left memory.
    pub fn fell_asleep(&self, tenant: TenantId) {
        self.lock().entry(tenant).or_default().asleep += 1;
    }

    /// So many of those that had are not here any more, or come back.
    pub fn woke(&self, tenant: TenantId, runs: u32) {
        self.less(tenant, |of| of.asleep = of.asleep.saturating_sub(runs));
    }

    fn less(&self, tenant: TenantId, less: impl FnOnce(&mut Of)) {
        let mut all = self.lock();
        if let Some(of) = all.get_mut(&tenant) {
            less(of);
            if (of.awake, of.asleep) == (0, 0) {
                all.remove(&tenant);
            }
        }
    }
}

/// The place of one run; dropped, it is free.
pub(crate) struct Place {
    living: Living,
    tenant: TenantId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.living.less(self.tenant, |of| of.awake -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn each_tenant_has_its_own_bound_and_a_place_that_is_left_is_free() {
        let living = Living::new(2, 3);
        let (one, two) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let first = living.enter(one).unwrap();
        let second = living.enter(one);
        assert!(second.is_some() && living.enter(one).is_none());
        assert!(living.enter(two).is_some());
        let adopted = living.resume(one);
        drop(first);
        assert!(living.enter(one).is_none(), "one that was taken up counts too");
        drop((adopted, second));
        assert!(living.enter(one).is_some());
        assert!(living.lock().is_empty());
    }

    #[test]
    fn who_sleeps_needs_no_place_in_memory_and_has_a_bound_of_its_own() {
        let living = Living::new(1, 3);
        let (one, two) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        for _ in 0..3 {
            assert!(living.enter(one).is_some());
            living.fell_asleep(one);
        }
        assert!(living.enter(one).is_none(), "three sleep");
        assert!(living.enter(two).is_some());
        living.woke(one, 1);
        assert!(living.enter(one).is_some());
        living.woke(one, 2);
        assert!(living.lock().is_empty());
    }
}
