//! Token buckets in memory for what can be guessed: sign-in, sign-up, invitations. Three count at once (the account,
//! the address, both together), so that neither one account nor one address can be tried without end, and an outsider
//! cannot lock a person out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use holon_model::{Code, Problem, Timestamp};

use crate::http::ApiError;

/// More keys than this are not kept: the fullest ones are forgotten, which forgives and never punishes.
const MOST_KEYS: usize = 100_000;

/// How many at once, and how fast more come.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// What is counted, such as `sign_in_account`.
    pub name: &'static str,
    /// At once.
    pub burst: u32,
    /// Milliseconds until one more.
    pub refill: u64,
}

/// Who has tried how often.
#[derive(Clone, Debug, Default)]
pub struct Throttle {
    /// When the bucket will be full again, by bucket and key (generic cell rate algorithm).
    full_at: Arc<Mutex<BTreeMap<(&'static str, String), i64>>>,
}

impl Throttle {
    /// Takes one from each bucket, or from none.
    ///
    /// # Errors
    /// `too_many_requests`, with the seconds to wait, when one of them is empty.
    pub fn take(&self, now: Timestamp, buckets: &[(Bucket, String)]) -> Result<(), ApiError> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let mut after = Vec::with_capacity(buckets.len());
        let mut wait = 0;
        for (bucket, key) in buckets {
            let refill = i64::try_from(bucket.refill).unwrap_or(i64::MAX / 4);
            let spent = full_at.get(&(bucket.name, key.clone())).copied().unwrap_or(now.0).max(now.0);
            let new = spent.saturating_add(refill);
            wait = wait.max(new - now.0 - refill.saturating_mul(i64::from(bucket.burst)));
            after.push(((bucket.name, key.clone()), new));
        }
        if wait > 0 {
            let seconds = u64::try_from(wait).unwrap_or(1).div_ceil(1000);
            let detail = format!("Too many tries. Try again in {seconds} s.");
            return Err(ApiError::from(Problem::new(Code::TooManyRequests, detail)).after(seconds));
        }
        full_at.extend(after);
        if full_at.len() > MOST_KEYS {
            full_at.retain(|_, at| *at > now.0);
            while full_at.len() > MOST_KEYS {
                full_at.pop_first();
            }
        }
        Ok(())
    }

    /// Gives back what a successful try took: only failures count.
    pub fn give_back(&self, buckets: &[(Bucket, String)]) {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        for (bucket, key) in buckets {
            if let Some(at) = full_at.get_mut(&(bucket.name, key.clone())) {
                *at = at.saturating_sub(i64::try_from(bucket.refill).unwrap_or(0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Bucket = Bucket { name: "two", burst: 2, refill: 1_000 };
    const MANY: Bucket = Bucket { name: "many", burst: 100, refill: 1_000 };

    fn take(throttle: &Throttle, at: i64, key: &str) -> bool {
        throttle.take(Timestamp(at), &[(TWO, key.to_owned()), (MANY, "all".to_owned())]).is_ok()
    }

    #[test]
    fn a_burst_passes_then_one_for_each_interval_and_keys_do_not_mix() {
        let throttle = Throttle::default();
        assert!(take(&throttle, 0, "a") && take(&throttle, 0, "a"));
        assert!(!take(&throttle, 0, "a"));
        assert!(take(&throttle, 0, "b"));
        assert!(!take(&throttle, 999, "a"));
        assert!(take(&throttle, 1_000, "a"));
        assert!(!take(&throttle, 1_000, "a"));
    }

    #[test]
    fn a_refused_try_costs_nothing_and_a_good_one_can_be_given_back() {
        let throttle = Throttle::default();
        let both = [(TWO, "a".to_owned())];
        for _ in 0..50 {
            throttle.take(Timestamp(0), &both).ok();
        }
        assert!(throttle.take(Timestamp(1_000), &both).is_ok());
        throttle.give_back(&both);
        assert!(throttle.take(Timestamp(1_000), &both).is_ok());
        assert!(throttle.take(Timestamp(1_000), &both).is_err());
    }
}
