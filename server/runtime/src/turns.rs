//! Whose turn it is in a loop. Tenants take turns by the time that they have used, not by the number of their runs or of what happened
//! to these: one whose runs compute for long waits until the others who want to have had as much. Whoever comes after it had nothing to do
//! goes before those who have been at it all the time, until it has used up what its last turn left it (as new flows do in FQ-CoDel,
//! RFC 8290 section 4.2): the few steps of a quiet tenant wait for nobody, and nobody is kept waiting by it for longer than a turn.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use holon_model::TenantId;

/// What a turn is worth.
const QUANTUM: i64 = 500;

/// What is to be done, by tenant; of one tenant first what came first.
pub(crate) struct Turns<T> {
    /// Tenants that have come since they had nothing to do.
    fresh: VecDeque<TenantId>,
    /// The others with something to do, next first.
    ring: VecDeque<TenantId>,
    accounts: HashMap<TenantId, Account<T>>,
}

struct Account<T> {
    work: VecDeque<T>,
    /// Microseconds; below zero it has used more than its turns.
    credit: i64,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { fresh: VecDeque::new(), ring: VecDeque::new(), accounts: HashMap::new() }
    }
}

impl<T> Turns<T> {
    pub fn push(&mut self, tenant: TenantId, work: T) {
        let new = || Account { work: VecDeque::new(), credit: QUANTUM };
        let account = self.accounts.entry(tenant).or_insert_with(new);
        if account.work.is_empty() {
            self.fresh.push_back(tenant);
        }
        account.work.push_back(work);
    }

    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.ring.is_empty()
    }

    /// How much is to be done.
    pub fn len(&self) -> usize {
        self.accounts.values().map(|account| account.work.len()).sum()
    }

    /// Whether others than one had something to do since everything was done.
    pub fn is_shared(&self) -> bool {
        self.accounts.len() > 1
    }

    /// What is next.
    pub fn next(&mut self) -> Option<(TenantId, T)> {
        loop {
            let alone = self.fresh.len() + self.ring.len() == 1;
            let fresh = !self.fresh.is_empty();
            let line = if fresh { &mut self.fresh } else { &mut self.ring };
            let tenant = *line.front()?;
            // Every tenant in either has an account with something in it.
            let account = self.accounts.get_mut(&tenant)?;
            if account.credit <= 0 {
                // Alone, it waits for nobody.
                account.credit = if alone { QUANTUM } else { account.credit + QUANTUM };
                line.pop_front();
                self.ring.push_back(tenant);
                continue;
            }
            let work = account.work.pop_front()?;
            if account.work.is_empty() {
                line.pop_front();
            }
            return Some((tenant, work));
        }
    }

    /// What a tenant's turn took.
    pub fn spent(&mut self, tenant: TenantId, time: Duration) {
        if let Some(account) = self.accounts.get_mut(&tenant) {
            // Even what took next to nothing counts.
            let time = i64::try_from(time.as_micros()).unwrap_or(i64::MAX).max(1);
            account.credit = account.credit.saturating_sub(time);
        }
    }

    /// Nobody waits for anybody: what was used is forgotten.
    pub fn forgive(&mut self) {
        if self.is_empty() {
            self.accounts.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn tenant(number: u128) -> TenantId {
        TenantId(Uuid::from_u128(number))
    }

    fn push(turns: &mut Turns<()>, of: u128, runs: usize) {
        (0..runs).for_each(|_| turns.push(tenant(of), ()));
    }

    /// The tenants in the order of their turns, where a run of tenant 1 takes `long` and those of others a quantum.
    fn order(turns: &mut Turns<()>, long: Duration) -> Vec<u128> {
        std::iter::from_fn(|| {
            let (tenant, _) = turns.next()?;
            let number = tenant.0.as_u128();
            turns.spent(tenant, if number == 1 { long } else { Duration::from_micros(QUANTUM.unsigned_abs()) });
            Some(number)
        })
        .collect()
    }

    #[test]
    fn tenants_take_turns_however_many_runs_one_of_them_has() {
        let mut turns = Turns::default();
        push(&mut turns, 1, 100);
        push(&mut turns, 2, 2);
        let order = order(&mut turns, Duration::from_micros(QUANTUM.unsigned_abs()));
        assert_eq!(order.len(), 102);
        assert_eq!(order[..4].iter().filter(|of| **of == 2).count(), 2, "{:?}", &order[..8]);
    }

    #[test]
    fn who_computed_for_long_waits_until_the_others_had_as_much() {
        let mut turns = Turns::default();
        push(&mut turns, 1, 2);
        push(&mut turns, 2, 10);
        let order = order(&mut turns, Duration::from_secs(1));
        assert_eq!(order, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1]);
    }

    #[test]
    fn what_was_used_counts_until_nobody_waits() {
        let mut turns = Turns::default();
        push(&mut turns, 1, 1);
        assert_eq!(order(&mut turns, Duration::from_secs(1)), [1]);
        // They come while the first one is still computing.
        push(&mut turns, 1, 1);
        push(&mut turns, 2, 3);
        assert_eq!(order(&mut turns, Duration::from_secs(1)), [2, 2, 2, 1]);
        turns.forgive();
        push(&mut turns, 1, 1);
        push(&mut turns, 2, 1);
        assert_eq!(order(&mut turns, Duration::from_secs(1)), [1, 2]);
    }

    #[test]
    fn who_comes_anew_goes_before_those_who_are_at_it_and_cannot_keep_them_waiting() {
        let mut turns = Turns::default();
        push(&mut turns, 1, 1_000);
        // Each of the quiet one's steps comes when the one before is done, and takes a tenth of a turn.
        let step = Duration::from_micros(QUANTUM.unsigned_abs() / 10);
        let mut order = Vec::new();
        push(&mut turns, 2, 1);
        while order.len() < 200 {
            let (of, ()) = turns.next().unwrap();
            turns.spent(of, step);
            order.push(of.0.as_u128());
            if of == tenant(2) {
                push(&mut turns, 2, 1);
            }
        }
        let longest = |who: u128| order.split(|of| *of == who).map(<[u128]>::len).max().unwrap();
        assert!(longest(2) <= 10, "the quiet one waits for no more than a turn: {order:?}");
        assert!(longest(1) <= 20, "the other one is not kept waiting: {order:?}");
        let quiet = order.iter().filter(|of| **of == 2).count();
        assert!((90..=120).contains(&quiet), "{quiet} of 200");
    }
}
