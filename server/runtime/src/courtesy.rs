//! Who gives way to whom. A tenant that has lately written far more than another one lets that one go first, and leaves a part of the
//! machine idle for it, for as long as it has something to do. Alone, nobody gives way to anybody.
//!
//! Whoever gives way writes less for it, and is not let off for that: not while far more of it waits to be written than of others.
//!
//! Turns are not enough: whoever's turn it is still waits until a core is free, and beside somebody with ten thousand runs none ever is
//! (ADR 0027). Who is who says what was handed in lately, so nobody has to be told apart by settings.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use holon_model::TenantId;
use tokio::time::Instant;

/// For so long after it handed something in a tenant has something to do.
const LATELY: Duration = Duration::from_millis(500);
/// After so long what was handed in counts half.
const HALF: Duration = Duration::from_millis(128);
/// It is looked so often who gives way, and at once when somebody comes who was not there.
const REVIEW: Duration = Duration::from_millis(16);
/// So few writes are in nobody's way.
const FEW: u64 = 64;
/// So few that wait to be written are in nobody's way.
const FEW_WAITING: u64 = 8;
/// So many batches, looks or readings of others in a row may come before one of those who give way.
pub(crate) const MOST_PASSED: u32 = 4;
/// So many times as much as another one is far more.
const FAR_MORE: u64 = 2;

/// What a tenant has handed in lately.
struct Lately {
    writes: u64,
    /// How much of it waited at once.
    waited: u64,
    halved: Instant,
    last: Instant,
}

/// What tenants have handed in lately, and who of them gives way.
#[derive(Default)]
pub(crate) struct Courtesy {
    of: HashMap<TenantId, Lately>,
    giving_way: BTreeSet<TenantId>,
    /// Nothing when somebody has come since.
    reviewed: Option<Instant>,
}

impl Courtesy {
    /// A tenant hands a write in, and so many of its wait now.
    pub fn note(&mut self, tenant: TenantId, waiting: usize, now: Instant) {
        let lately = self.of.entry(tenant).or_insert_with(|| {
            self.reviewed = None;
            Lately { writes: 0, waited: 0, halved: now, last: now }
        });
        lately.writes += 1;
        lately.waited = lately.waited.max(waiting as u64);
        lately.last = now;
    }

    /// Looks who gives way from now on.
    pub fn review(&mut self, now: Instant) {
        if self.reviewed.is_some_and(|at| now.saturating_duration_since(at) < REVIEW) {
            return;
        }
        self.reviewed = Some(now);
        self.of.retain(|_, lately| now.saturating_duration_since(lately.last) < LATELY);
        for lately in self.of.values_mut() {
            let halves = now.saturating_duration_since(lately.halved).as_millis() / HALF.as_millis();
            let halves = u32::try_from(halves).unwrap_or(u32::MAX);
            lately.writes = lately.writes.checked_shr(halves).unwrap_or(0);
            lately.waited = lately.waited.checked_shr(halves).unwrap_or(0);
            lately.halved += HALF.saturating_mul(halves);
        }
        let least = |what: fn(&Lately) -> u64| self.of.values().map(what).min().unwrap_or(0);
        let much = FEW + FAR_MORE * least(|lately| lately.writes);
        let long = FEW_WAITING + FAR_MORE * least(|lately| lately.waited);
        let gives_way = |(tenant, lately): &(&TenantId, &Lately)| {
            lately.writes > much || (lately.waited > long && self.giving_way.contains(tenant))
        };
        let giving_way: BTreeSet<TenantId> = self.of.iter().filter(gives_way).map(|(tenant, _)| *tenant).collect();
        // There is always somebody to give way to.
        self.giving_way = if giving_way.len() < self.of.len() { giving_way } else { BTreeSet::new() };
    }

    /// Whether a tenant gives way, as of the last look.
    pub fn gives_way(&self, tenant: TenantId) -> bool {
        self.giving_way.contains(&tenant)
    }
}

/// Who comes next where something is done for tenants that is not one of their writes: who gives way comes after the others, one at a
/// time, and is not passed for ever.
#[derive(Default)]
pub(crate) struct Precedence {
    /// Whether something is done for one that gives way.
    busy: bool,
    /// How many others came before one of those.
    passed: u32,
}

impl Precedence {
    /// What is taken next from where it waits, which is asked for what is there of the tenants that may; and whether those give way:
    /// then [`Self::done`] is to be said when it is done.
    pub fn next<T>(
        &mut self,
        gives_way: impl Fn(TenantId) -> bool,
        mut take: impl FnMut(&dyn Fn(TenantId) -> bool) -> Option<T>,
    ) -> Option<(T, bool)> {
        if self.busy || self.passed < MOST_PASSED {
            self.passed += 1;
            if let Some(taken) = take(&|tenant| !gives_way(tenant)) {
                return Some((taken, false));
            }
        }
        if self.busy {
            return None;
        }
        self.passed = 0;
        if let Some(taken) = take(&gives_way) {
            self.busy = true;
            return Some((taken, true));
        }
        // Nobody gives way, or not any more.
        take(&|_| true).map(|taken| (taken, false))
    }

    /// What was done for one that gives way is done.
    pub fn done(&mut self) {
        self.busy = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const MUCH: usize = 1_000;

    fn tenant(number: u128) -> TenantId {
        TenantId(Uuid::from_u128(number))
    }

    fn hand_in(courtesy: &mut Courtesy, of: u128, writes: usize, now: Instant) {
        (0..writes).for_each(|_| courtesy.note(tenant(of), 1, now));
    }

    /// Who of the first four tenants gives way.
    fn who(courtesy: &mut Courtesy, now: Instant) -> Vec<u128> {
        courtesy.review(now);
        (1..=4).filter(|number| courtesy.gives_way(tenant(*number))).collect()
    }

    #[test]
    fn who_has_much_gives_way_as_soon_as_another_one_comes_and_until_that_one_has_been_gone_for_a_moment() {
        let (mut courtesy, began) = (Courtesy::default(), Instant::now());
        hand_in(&mut courtesy, 1, MUCH, began);
        assert!(who(&mut courtesy, began).is_empty(), "it is alone");
        hand_in(&mut courtesy, 2, 1, began);
        assert_eq!(who(&mut courtesy, began), [1], "seen at once");
        let later = began + LATELY - Duration::from_millis(1);
        hand_in(&mut courtesy, 1, MUCH, later);
        assert_eq!(who(&mut courtesy, later), [1]);
        let gone = began + LATELY + REVIEW;
        hand_in(&mut courtesy, 1, MUCH, gone);
        assert!(who(&mut courtesy, gone).is_empty(), "the other one has nothing to do any more");
    }

    #[test]
    fn who_writes_about_as_much_as_the_others_gives_way_to_nobody() {
        let (mut courtesy, now) = (Courtesy::default(), Instant::now());
        for number in 1..=4 {
            hand_in(&mut courtesy, number, MUCH + 100 * usize::try_from(number).unwrap(), now);
        }
        assert!(who(&mut courtesy, now).is_empty());
        let (mut courtesy, few) = (Courtesy::default(), usize::try_from(FEW).unwrap());
        hand_in(&mut courtesy, 1, few, now);
        hand_in(&mut courtesy, 2, 1, now);
        assert!(who(&mut courtesy, now).len() <= 1);
        assert!(!courtesy.gives_way(tenant(2)));
    }

    #[test]
    fn who_gives_way_is_not_let_off_because_it_writes_less_for_it() {
        let (mut courtesy, began) = (Courtesy::default(), Instant::now());
        hand_in(&mut courtesy, 1, MUCH, began);
        hand_in(&mut courtesy, 2, 1, began);
        assert_eq!(who(&mut courtesy, began), [1]);
        // From now on both write as much as the other, but of one a hundred wait.
        let mut now = began;
        for _ in 0..100 {
            now += HALF / 8;
            hand_in(&mut courtesy, 2, 50, now);
            (0..50).for_each(|_| courtesy.note(tenant(1), 100, now));
            assert_eq!(who(&mut courtesy, now), [1]);
        }
        // Of the other one as many do, too: it has about as much to do.
        for _ in 0..100 {
            now += HALF / 8;
            (1..=2).for_each(|number| (0..50).for_each(|_| courtesy.note(tenant(number), 100, now)));
            courtesy.review(now);
        }
        assert!(who(&mut courtesy, now).is_empty());
    }

    #[test]
    fn never_do_all_of_them_give_way() {
        let (mut courtesy, began) = (Courtesy::default(), Instant::now());
        hand_in(&mut courtesy, 1, MUCH, began);
        hand_in(&mut courtesy, 2, 1, began);
        assert_eq!(who(&mut courtesy, began), [1]);
        let later = began + 8 * HALF;
        (0..5).for_each(|_| courtesy.note(tenant(1), 200, later));
        hand_in(&mut courtesy, 2, MUCH, later);
        assert!(who(&mut courtesy, later).is_empty(), "of one far more waits, the other one writes far more");
    }

    #[test]
    fn what_was_long_ago_counts_less() {
        let (mut courtesy, began) = (Courtesy::default(), Instant::now());
        hand_in(&mut courtesy, 1, MUCH, began);
        hand_in(&mut courtesy, 2, 1, began);
        assert_eq!(who(&mut courtesy, began), [1]);
        // A thousand, halved four times, are below the few that are in nobody's way.
        let later = began + 4 * HALF;
        hand_in(&mut courtesy, 1, 1, later);
        hand_in(&mut courtesy, 2, 1, later);
        assert!(who(&mut courtesy, later).is_empty());
    }

    #[test]
    fn who_gives_way_comes_after_the_others_one_at_a_time_and_is_passed_so_often_and_no_oftener() {
        let gives_way = |of: TenantId| of == tenant(1);
        let (mut precedence, mut waiting) = (Precedence::default(), vec![1, 1, 2, 2, 2, 2, 2, 2, 2]);
        let mut next = |precedence: &mut Precedence| {
            precedence.next(gives_way, |may| {
                let at = waiting.iter().position(|number| may(tenant(*number)))?;
                Some(waiting.remove(at))
            })
        };
        for _ in 0..MOST_PASSED {
            assert_eq!(next(&mut precedence), Some((2, false)));
        }
        assert_eq!(next(&mut precedence), Some((1, true)), "it was passed often enough");
        for _ in MOST_PASSED..7 {
            assert_eq!(next(&mut precedence), Some((2, false)));
        }
        assert_eq!(next(&mut precedence), None, "one of theirs at a time");
        precedence.done();
        assert_eq!(next(&mut precedence), Some((1, true)));
        precedence.done();
        assert_eq!(next(&mut precedence), None, "nothing waits");
    }

    #[test]
    fn what_was_told_to_give_way_and_need_not_any_more_is_taken_all_the_same() {
        let mut precedence = Precedence::default();
        // Asked once whether there is something of others, once of those who give way, and both are answered no: meanwhile it changed.
        let mut asked = 0;
        let taken = precedence.next(
            |_| false,
            |_| {
                asked += 1;
                (asked == 3).then_some("work")
            },
        );
        assert_eq!(taken, Some(("work", false)));
    }
}
