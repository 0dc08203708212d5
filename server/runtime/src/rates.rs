//! Token buckets in memory, by the generic cell rate algorithm: of each key only when its bucket will be full again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use holon_model::{Millis, Timestamp};

/// Keys that are kept; when there are more, those whose buckets are full are forgotten, then any, which forgives and never punishes.
const MOST: usize = 100_000;

/// Buckets by key.
pub struct Buckets<K> {
    /// When the bucket is full again, in microseconds.
    full_at: Mutex<BTreeMap<K, i64>>,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self { full_at: Mutex::new(BTreeMap::new()) }
    }
}

impl<K: Ord> Buckets<K> {
    /// Takes one of `burst`, to which one is added `every` so many microseconds; answers how many are left.
    ///
    /// # Errors
    /// How long until there is one, when there is none.
    pub fn take(&self, key: K, now: Timestamp, burst: u64, every: u64) -> Result<u64, Millis> {
        let now = now.0.saturating_mul(1_000);
        let (burst, every) =
            (i64::try_from(burst).unwrap_or(i64::MAX), i64::try_from(every).unwrap_or(i64::MAX).max(1));
        let room = every.saturating_mul(burst);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let was = full_at.get(&key).copied().unwrap_or(now).max(now);
        let new = was.saturating_add(every);
        let wait = new.saturating_sub(now).saturating_sub(room);
        if wait > 0 {
            return Err(Millis(wait.unsigned_abs().div_ceil(1_000)));
        }
        full_at.insert(key, new);
        if full_at.len() > MOST {
            full_at.retain(|_, at| *at > now);
            while full_at.len() > MOST {
                full_at.pop_first();
            }
        }
        Ok(((room - (new - now)) / every).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_one_for_each_interval_and_what_is_refused_costs_nothing() {
        let buckets = Buckets::default();
        let take = |key: &'static str, at: i64| buckets.take(key, Timestamp(at), 3, 1_000_000);
        assert_eq!([take("a", 0), take("a", 0), take("a", 0)], [Ok(2), Ok(1), Ok(0)]);
        assert_eq!(take("a", 0), Err(Millis(1_000)));
        assert_eq!(take("a", 400), Err(Millis(600)));
        assert_eq!(take("b", 400), Ok(2));
        assert_eq!(take("a", 1_000), Ok(0));
        assert_eq!(take("a", 1_000), Err(Millis(1_000)));
        assert_eq!(take("a", 9_000), Ok(2), "it is full again, and no fuller");
    }
}
