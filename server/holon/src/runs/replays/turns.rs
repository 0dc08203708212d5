//! Whose turn it is on the threads that replay. Workspaces take turns by their pieces of work, and none has all threads: however much one
//! asks for and however long its pieces take, what another asks for finds a thread, or waits for one piece of one workspace at most for
//! each that came before it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holon_model::TenantId;
use tokio::sync::oneshot;

/// Threads, and who waits for one.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// Threads that one workspace has at once.
    most: usize,
    /// Who has any.
    going: BTreeMap<TenantId, usize>,
    /// Who waits; of one workspace first what came first.
    waiting: BTreeMap<TenantId, VecDeque<oneshot::Sender<Turn>>>,
    /// The workspaces that wait, whose turn is next first.
    ring: VecDeque<TenantId>,
}

impl Turns {
    /// So many threads, at least two, of which one is never had by whoever has all others.
    pub fn of(threads: usize) -> Self {
        let (waiting, ring) = (BTreeMap::new(), VecDeque::new());
        let state =
            State { free: threads, most: threads.saturating_sub(1).max(1), going: BTreeMap::new(), waiting, ring };
        Self(Arc::new(Mutex::new(state)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread, when it is the workspace's turn; nothing when nobody gives any out any more.
    pub async fn take(&self, tenant: TenantId) -> Option<Turn> {
        let (turn, mine) = oneshot::channel();
        {
            let mut state = self.lock();
            let line = state.waiting.entry(tenant).or_default();
            line.push_back(turn);
            if line.len() == 1 {
                state.ring.push_back(tenant);
            }
        }
        self.give();
        mine.await.ok()
    }

    /// How many of a workspace wait.
    #[cfg(test)]
    pub fn waiting(&self, tenant: TenantId) -> usize {
        self.lock().waiting.get(&tenant).map_or(0, VecDeque::len)
    }

    /// Gives free threads to those whose turn it is.
    fn give(&self) {
        loop {
            // The lock is let go of before a turn is given: one that nobody waits for any more comes back at once.
            let next = self.lock().next();
            let Some((tenant, told)) = next else { return };
            drop(told.send(Turn { turns: self.clone(), tenant }));
        }
    }
}

impl State {
    fn next(&mut self) -> Option<(TenantId, oneshot::Sender<Turn>)> {
        if self.free == 0 {
            return None;
        }
        let has = |tenant: &TenantId| self.going.get(tenant).copied().unwrap_or_default();
        let at = self.ring.iter().position(|tenant| has(tenant) < self.most)?;
        let tenant = self.ring.remove(at)?;
        let line = self.waiting.get_mut(&tenant)?;
        // Who went away while waiting gets none: a turn that comes back at once would be given out from within its own return.
        while line.front().is_some_and(oneshot::Sender::is_closed) {
            line.pop_front();
        }
        let Some(told) = line.pop_front() else {
            self.waiting.remove(&tenant);
            return self.next();
        };
        if line.is_empty() {
            self.waiting.remove(&tenant);
        } else {
            self.ring.push_back(tenant);
        }
        self.free -= 1;
        *self.going.entry(tenant).or_default() += 1;
        Some((tenant, told))
    }
}

/// A thread that somebody has; dropped, it is free.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    tenant: TenantId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        {
            let mut state = self.turns.lock();
            state.free += 1;
            if let Some(going) = state.going.get_mut(&self.tenant) {
                *going -= 1;
                if *going == 0 {
                    state.going.remove(&self.tenant);
                }
            }
        }
        self.turns.give();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use uuid::Uuid;

    fn tenant(number: u128) -> TenantId {
        TenantId(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn who_asks_for_much_leaves_a_thread_to_others_and_they_take_turns() {
        let turns = Turns::of(2);
        let (much, other, third) = (tenant(1), tenant(2), tenant(3));
        let first = turns.take(much).now_or_never().flatten().expect("a thread is free");
        let mut more: Vec<_> = (0..3).map(|_| Box::pin(turns.take(much))).collect();
        assert!(more.iter_mut().all(|turn| turn.now_or_never().is_none()), "the other thread is not for it");
        let theirs = turns.take(other).now_or_never().flatten().expect("somebody else has it at once");
        let mut last = Box::pin(turns.take(third));
        assert!((&mut last).now_or_never().is_none());
        // What was asked for first is next, and then whoever came after it, before all that the first one wants.
        drop(first);
        let second = (&mut more[0]).now_or_never().flatten().expect("it is its turn");
        assert!((&mut more[1]).now_or_never().is_none());
        drop(theirs);
        let last = last.now_or_never().flatten().expect("not the one that has a thread already");
        drop((second, last));
        assert!((&mut more[1]).now_or_never().flatten().is_some());
    }

    #[tokio::test]
    async fn who_does_not_wait_any_more_keeps_no_thread() {
        let turns = Turns::of(2);
        let first = turns.take(tenant(1)).await.unwrap();
        let mut gone = Box::pin(turns.take(tenant(1)));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        // However many there were.
        for _ in 0..20_000 {
            assert!(turns.take(tenant(1)).now_or_never().is_none());
        }
        drop(first);
        let (one, two) = (turns.take(tenant(1)).await, turns.take(tenant(2)).await);
        assert!(one.is_some() && two.is_some());
        drop((one, two));
        let state = turns.lock();
        assert_eq!((state.free, state.going.len(), state.waiting.len(), state.ring.len()), (2, 0, 0, 0));
    }
}
