//! How many runs of each tenant are in memory, and that they are not too many: flows call flows, and a few nodes can ask for more
//! runs than a machine can hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holon_model::TenantId;

/// Runs in memory, by tenant.
#[derive(Clone)]
pub(crate) struct Living {
    of: Arc<Mutex<HashMap<TenantId, u32>>>,
    most: u32,
}

impl Living {
    pub fn new(most: u32) -> Self {
        Self { of: Arc::default(), most }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, u32>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more run; nothing when the tenant has as many as it may have.
    pub fn enter(&self, tenant: TenantId) -> Option<Place> {
        let mut of = self.lock();
        let runs = of.entry(tenant).or_default();
        if *runs >= self.most {
            return None;
        }
        *runs += 1;
        drop(of);
        Some(Place { living: self.clone(), tenant })
    }

    /// A place for a run that was accepted before, whatever the bound.
    pub fn resume(&self, tenant: TenantId) -> Place {
        *self.lock().entry(tenant).or_default() += 1;
        Place { living: self.clone(), tenant }
    }
}

/// The place of one run; dropped, it is free.
pub(crate) struct Place {
    living: Living,
    tenant: TenantId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of = self.living.lock();
        if let Some(runs) = of.get_mut(&self.tenant) {
            *runs -= 1;
            if *runs == 0 {
                of.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn each_tenant_has_its_own_bound_and_a_place_that_is_left_is_free() {
        let living = Living::new(2);
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
}
