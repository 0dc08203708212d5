//! How many deliveries are being started at once. What comes beyond that is told at once to come again: a server that takes in
//! more than it can start answers nobody in time, and whoever gives up waiting and sends again makes it worse.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use holon_model::{Code, Problem, TenantId};

use crate::http::ApiError;

/// Deliveries of all workspaces.
const MOST: usize = 512;
/// Deliveries of one, so that none takes the places of all the others.
const MOST_OF_ONE: usize = 256;
/// After how many seconds to come again.
const AGAIN_AFTER: u64 = 1;

/// See the module.
#[derive(Default)]
pub struct Crowd {
    of: Mutex<HashMap<TenantId, usize>>,
}

/// A place in it, until it is dropped.
pub struct Place<'a> {
    crowd: &'a Crowd,
    tenant: TenantId,
}

impl Crowd {
    /// Takes a place.
    ///
    /// # Errors
    /// When there is none: 429 when it is the workspace's own deliveries that take them, 503 when it is everybody's.
    pub fn enter(&self, tenant: TenantId) -> Result<Place<'_>, ApiError> {
        let mut of = self.of();
        let own = of.get(&tenant).copied().unwrap_or_default();
        if own >= MOST_OF_ONE {
            let detail = format!(
                "{MOST_OF_ONE} deliveries to webhooks of this workspace are being started. No run was started; send it again."
            );
            return Err(ApiError::from(Problem::new(Code::TooManyRequests, detail)).after(AGAIN_AFTER));
        }
        if of.values().sum::<usize>() >= MOST {
            let detail =
                "So many deliveries come that they cannot be started in time. No run was started; send it again.";
            return Err(ApiError::unavailable(detail).after(AGAIN_AFTER));
        }
        of.insert(tenant, own + 1);
        Ok(Place { crowd: self, tenant })
    }

    fn of(&self) -> MutexGuard<'_, HashMap<TenantId, usize>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut of = self.crowd.of();
        match of.get_mut(&self.tenant) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(of.remove(&self.tenant)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn no_workspace_takes_the_places_of_all_and_a_place_that_is_left_is_free() {
        let (crowd, tenant) = (Crowd::default(), |number| TenantId(Uuid::from_u128(number)));
        let mut first: Vec<_> = (0..MOST_OF_ONE).map(|_| crowd.enter(tenant(1)).unwrap()).collect();
        let refused = crowd.enter(tenant(1)).map(drop).unwrap_err();
        assert_eq!((refused.code(), refused.retry_after()), (Code::TooManyRequests, Some(AGAIN_AFTER)));
        let second: Vec<_> = (0..MOST - MOST_OF_ONE).map(|_| crowd.enter(tenant(2)).unwrap()).collect();
        let refused = crowd.enter(tenant(3)).map(drop).unwrap_err();
        assert_eq!((refused.code(), refused.retry_after()), (Code::Unavailable, Some(AGAIN_AFTER)));
        first.pop();
        drop(crowd.enter(tenant(3)).unwrap());
        drop((first, second));
        assert!(crowd.of().is_empty());
    }
}
