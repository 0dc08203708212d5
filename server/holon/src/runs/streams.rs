//! How many live streams each workspace reads, and how many of its requests wait long: each costs a connection and a place, and there
//! is an end to those.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holon_model::TenantId;

/// Streams of one workspace at once: many people with many pages, and far fewer than a server can serve.
const MOST: u32 = 200;

/// Open streams by workspace.
#[derive(Debug, Clone)]
pub struct Streams {
    open: Arc<Mutex<BTreeMap<TenantId, u32>>>,
    most: u32,
}

impl Default for Streams {
    fn default() -> Self {
        Self::seats(MOST)
    }
}

impl Streams {
    /// So many seats for each workspace.
    pub fn seats(most: u32) -> Self {
        Self { open: Arc::default(), most }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantId, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for one more; nothing when all are taken.
    pub fn enter(&self, tenant: TenantId) -> Option<Seat> {
        let mut of = self.lock();
        let open = of.entry(tenant).or_default();
        if *open >= self.most {
            return None;
        }
        *open += 1;
        drop(of);
        Some(Seat { streams: self.clone(), tenant })
    }
}

/// The seat of one stream; dropped, it is free.
#[derive(Debug)]
pub struct Seat {
    streams: Streams,
    tenant: TenantId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut of = self.streams.lock();
        if let Some(open) = of.get_mut(&self.tenant) {
            *open -= 1;
            if *open == 0 {
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
    fn each_workspace_has_its_own_seats_and_one_that_is_left_is_free() {
        let streams = Streams::default();
        let (one, two) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let mut seats: Vec<_> = (0..MOST).map(|_| streams.enter(one).unwrap()).collect();
        assert!(streams.enter(one).is_none() && streams.enter(two).is_some());
        seats.pop();
        assert!(streams.enter(one).is_some());
        seats.clear();
        assert!(streams.lock().is_empty());
    }
}
