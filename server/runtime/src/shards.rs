//! What this replica knows of the shards: which it holds, with their runs in memory, and which are on the way. Ids of new runs are
//! minted here, since a run belongs to the shard of its id.

use std::sync::{Mutex, MutexGuard, PoisonError};

use holon_model::RunId;
use holon_platform::clock::Clock;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::store::{SHARDS, shard_of};

const COUNT: usize = SHARDS as usize;

/// Where a shard is, as this replica sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Not here.
    Away,
    /// It is this replica's, and its runs are being taken up.
    Coming,
    /// Its runs are in memory.
    Here,
    /// The same, but it is about to be handed on: no new ids for it.
    Resting,
    /// It is being handed on: its runs take nothing in.
    Closing,
}

struct Inner {
    places: [Place; COUNT],
    /// Those for which ids are minted, in their order.
    open: Vec<u8>,
    /// Grows with every shard that comes or goes: what was read of the store before is of no use then.
    changes: u64,
}

impl Inner {
    fn set(&mut self, shards: &[i16], from: &[Place], to: Place) -> Vec<i16> {
        let mut changed = Vec::new();
        for shard in shards {
            if let Some(place) = usize::try_from(*shard).ok().and_then(|shard| self.places.get_mut(shard))
                && from.contains(place)
            {
                *place = to;
                changed.push(*shard);
            }
        }
        // As a rule nothing has, and this is asked of every shard twice a second.
        if !changed.is_empty() {
            let open = self.places.iter().enumerate().filter(|(_, place)| **place == Place::Here);
            self.open = open.filter_map(|(shard, _)| u8::try_from(shard).ok()).collect();
        }
        changed
    }

    fn get(&self, shard: i16) -> Place {
        usize::try_from(shard).ok().and_then(|shard| self.places.get(shard)).copied().unwrap_or(Place::Away)
    }
}

/// See the module.
pub(crate) struct Shards {
    inner: Mutex<Inner>,
    changed: Notify,
}

impl Default for Shards {
    fn default() -> Self {
        let inner = Inner { places: [Place::Away; COUNT], open: Vec::new(), changes: 0 };
        Self { inner: Mutex::new(inner), changed: Notify::new() }
    }
}

impl Shards {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of these shards, which were this replica's after so many changes, those that were not known yet: their runs are to be taken up.
    /// None, if shards have come or gone since.
    pub fn coming(&self, shards: &[i16], changes: u64) -> Vec<i16> {
        let mut inner = self.lock();
        if inner.changes != changes {
            return Vec::new();
        }
        let new = inner.set(shards, &[Place::Away], Place::Coming);
        inner.changes += u64::from(!new.is_empty());
        new
    }

    /// The runs of these are in memory.
    pub fn arrived(&self, shards: &[i16]) {
        self.lock().set(shards, &[Place::Coming], Place::Here);
        self.changed.notify_waiters();
    }

    /// These are about to be handed on, those of them that are here; answers which.
    pub fn rest(&self, shards: &[i16]) -> Vec<i16> {
        self.lock().set(shards, &[Place::Here], Place::Resting)
    }

    /// They are not handed on after all.
    pub fn wake(&self, shards: &[i16]) {
        self.lock().set(shards, &[Place::Resting], Place::Here);
    }

    /// Those of them that rest are being handed on now.
    pub fn closing(&self, shards: &[i16]) {
        self.lock().set(shards, &[Place::Resting], Place::Closing);
    }

    /// They go on for now.
    pub fn rest_again(&self, shards: &[i16]) {
        self.lock().set(shards, &[Place::Closing], Place::Resting);
        self.changed.notify_waiters();
    }

    /// They were handed on, or nobody knows: the next look at the store tells.
    pub fn gone(&self, shards: &[i16]) {
        let mut inner = self.lock();
        inner.set(shards, &[Place::Closing], Place::Away);
        inner.changes += 1;
    }

    /// Whether runs of the shard are driven here.
    pub fn here(&self, shard: i16) -> bool {
        matches!(self.lock().get(shard), Place::Here | Place::Resting)
    }

    /// Waits until runs of the shard are driven here.
    pub async fn until_here(&self, shard: i16) {
        loop {
            // Made before the look: a change in between wakes it.
            let changed = self.changed.notified();
            if self.here(shard) {
                return;
            }
            changed.await;
        }
    }

    /// The shards that are here.
    pub fn all_here(&self) -> Vec<i16> {
        let inner = self.lock();
        let here = |shard: &i16| matches!(inner.get(*shard), Place::Here | Place::Resting);
        (0..SHARDS).filter(here).collect()
    }

    /// Those that this replica takes for its own, with their runs in memory or not yet.
    pub fn held(&self) -> Vec<i16> {
        let inner = self.lock();
        (0..SHARDS).filter(|shard| inner.get(*shard) != Place::Away).collect()
    }

    /// Those that nobody else can hold. Of one that is being handed on, the store may know that it is gone before it is known here.
    pub fn certain(&self) -> Vec<i16> {
        let inner = self.lock();
        let certain = |shard: &i16| !matches!(inner.get(*shard), Place::Away | Place::Closing);
        (0..SHARDS).filter(certain).collect()
    }

    /// Whether nobody else can hold the run's shard.
    pub fn keeps(&self, run: RunId) -> bool {
        !matches!(self.lock().get(shard_of(run)), Place::Away | Place::Closing)
    }

    /// Whether there is one here and none is on the way.
    pub fn settled(&self) -> bool {
        let inner = self.lock();
        !inner.open.is_empty() && !inner.places.contains(&Place::Coming)
    }

    /// How often shards came and went.
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// An id for a new run, in a shard that is here; any id while none is.
    pub fn mint(&self, clock: &dyn Clock) -> RunId {
        let mut bytes = *clock.uuid_v7().as_bytes();
        let inner = self.lock();
        // The last byte is random: so is the shard it chooses. With all of them here it stays as it is.
        if let Some(shard) = inner.open.get(usize::from(bytes[15]) % inner.open.len().max(1)) {
            bytes[15] = *shard;
        }
        RunId(Uuid::from_bytes(bytes))
    }

    /// Whether the run's shard is this replica's, though its runs may be on the way in or out.
    pub fn holds(&self, run: RunId) -> bool {
        self.lock().get(shard_of(run)) != Place::Away
    }

    /// Whether the run's shard is here.
    pub fn drives(&self, run: RunId) -> bool {
        self.here(shard_of(run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_platform::clock::SystemClock;

    #[test]
    fn ids_are_minted_in_shards_that_are_here_and_stay_and_in_all_of_them() {
        let (shards, clock) = (Shards::default(), SystemClock::shared());
        assert_eq!(shards.coming(&[3, 7, 200], 0), [3, 7, 200]);
        assert!(shards.coming(&[7], shards.changes()).is_empty(), "it is known");
        shards.arrived(&[3, 7, 200]);
        assert_eq!(shards.rest(&[7, 8]), [7]);
        let minted: std::collections::BTreeSet<i16> = (0..200).map(|_| shard_of(shards.mint(&*clock))).collect();
        assert_eq!(minted.into_iter().collect::<Vec<_>>(), [3, 200]);
        assert!(shards.here(7), "what was minted before is still begun");
        let before = shards.changes();
        shards.closing(&[7, 200]);
        assert_eq!((shards.held(), shards.certain()), (vec![3, 7, 200], vec![3, 200]), "7 may be another's by now");
        shards.gone(&[7]);
        assert!(!shards.here(7) && shards.changes() > before);
        assert_eq!(shards.all_here(), [3, 200]);
    }

    #[test]
    fn with_all_shards_here_an_id_is_as_the_clock_gave_it() {
        let (shards, clock) = (Shards::default(), SystemClock::shared());
        let all: Vec<i16> = (0..SHARDS).collect();
        shards.coming(&all, 0);
        assert!(!shards.settled());
        shards.arrived(&all);
        assert!(shards.settled());
        let minted: std::collections::BTreeSet<i16> = (0..4_000).map(|_| shard_of(shards.mint(&*clock))).collect();
        assert!(minted.len() > 200, "{}", minted.len());
    }
}
