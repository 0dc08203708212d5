//! Runs that wait leave memory: what is left of one here are its ids and when its first timer is due. Everything else stands in the
//! store, and whatever comes for the run wakes it (`waking`).
//!
//! A run falls asleep when nothing at all is under way for it: it waits, what it has taken in is durable, and a process that took it up
//! from its journal would have nothing to do but to wait too. One that waits for its place in a line does so as well: it has no journal yet.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use holon_engine::Command;
use holon_model::{Millis, RunId, TenantId, Timestamp};
use tokio::time::Instant;

use crate::driver::Driver;
use crate::live::{Called, Live};
use crate::store::{LiveStatus, NEVER, Sleeper, shard_of};

/// Runs that are looked at in one turn of the loop at most.
const MOST_AT_ONCE: usize = 256;
/// When a run that waits and cannot sleep yet is looked at again, at the soonest.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// With more runs than these in a loop's memory they fall asleep ten times as soon.
const CROWDED: usize = 2_500;

/// Which runs are in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Runs of one workspace that are in memory at once; more are not started.
    pub most: u32,
    /// Runs of one workspace that wait and are not in memory; more are not started.
    pub most_asleep: u32,
    /// How long a run waits before it leaves memory.
    pub idle: Duration,
    /// How long before its time it comes back.
    pub ahead: Duration,
}

impl Default for Memory {
    fn default() -> Self {
        Self { most: 10_000, most_asleep: 2_000_000, idle: Duration::from_secs(3), ahead: Duration::from_secs(3) }
    }
}

impl Memory {
    /// A run that waits for a shorter time than this stays where it is.
    pub(crate) fn shortest(&self) -> Millis {
        Millis(u64::try_from((self.idle + self.ahead).as_millis()).unwrap_or(u64::MAX))
    }
}

/// What a run in memory says of leaving it.
pub(crate) struct Rest {
    /// A shorter time than this is not worth it.
    pub shortest: Millis,
    /// What its row says, or will say with the write that is under way.
    pub wakes: Option<Timestamp>,
    /// Since when nothing was written of it.
    pub since: Instant,
    /// Whether it stands among those that may fall asleep.
    pub listed: bool,
}

impl Rest {
    pub fn new(shortest: Millis, wakes: Option<Timestamp>) -> Self {
        Self { shortest, wakes, since: Instant::now(), listed: false }
    }
}

impl Live {
    /// What its row is to say of sleep once this is written: nothing when there is more to do for it than to wait, or not for long.
    pub(crate) fn sleeps_until(&self, status: LiveStatus, now: Timestamp) -> Option<Timestamp> {
        if status != LiveStatus::Waiting || self.machine.is_calling() {
            return None;
        }
        let due = self.machine.next_due().unwrap_or(NEVER).min(NEVER);
        (due > now.plus(self.rest.shortest)).then_some(due)
    }

    /// Whether it waits for its place, and that is durable.
    fn stands(&self) -> bool {
        self.stored == Some(LiveStatus::Queued) && self.in_line.as_ref().is_some_and(|line| !line.given)
    }

    /// Whether it may leave memory before long.
    fn waits(&self) -> bool {
        self.stored == Some(LiveStatus::Waiting) || self.stands()
    }

    /// Until when it can leave memory now; nothing when it cannot.
    fn can_sleep(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.watchers.retain(|watcher| !watcher.is_closed());
        let settled = self.flight.is_none() && self.beginning.is_none() && !self.touched;
        let nothing_came = self.waiting.is_empty() && self.orders.is_empty() && self.watchers.is_empty();
        if self.stands() && settled && nothing_came {
            return Some(NEVER);
        }
        // Calls that are over stay among the children; the machine knows which are not.
        let called = self.children.values().all(|child| matches!(child, Called::Running(_)));
        let nothing_goes_on = self.effects.is_empty() && self.left.is_empty() && called;
        let begun = self.held.is_none() && self.in_line.is_none() && self.inherits.is_none() && self.prefix.is_none();
        let may = self.stored == Some(LiveStatus::Waiting) && settled && nothing_came && nothing_goes_on && begun;
        let until = if may { self.sleeps_until(LiveStatus::Waiting, now) } else { None };
        debug_assert!(until.is_none() || self.machine.pending().iter().all(is_passive), "nothing is to be done for it");
        until
    }
}

/// Whether a command is outstanding without anything being done for it: time, or a row in a table.
fn is_passive(command: &Command) -> bool {
    matches!(
        command,
        Command::SetTimer { .. }
            | Command::AwaitSignal { .. }
            | Command::OpenTask(_)
            | Command::EscalateTask { .. }
            | Command::Respond(_)
    )
}

/// Runs that sleep here.
#[derive(Default)]
pub(crate) struct Asleep {
    of: BTreeMap<RunId, (TenantId, Timestamp)>,
    /// The same, by when they are due; those that wait for no time are not among them.
    by_due: BTreeSet<(Timestamp, RunId)>,
}

impl Asleep {
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether this run of a tenant sleeps here.
    pub fn has(&self, tenant: TenantId, run: RunId) -> bool {
        self.of.get(&run).is_some_and(|(of, _)| *of == tenant)
    }

    /// Whether a run sleeps here, whosever it is.
    pub fn knows(&self, run: RunId) -> bool {
        self.of.contains_key(&run)
    }

    /// Whether it did not sleep before.
    pub fn insert(&mut self, sleeper: Sleeper) -> bool {
        let Sleeper { tenant, run, due } = sleeper;
        let before = self.of.insert(run, (tenant, due));
        if let Some((_, due)) = before {
            self.by_due.remove(&(due, run));
        }
        if due < NEVER {
            self.by_due.insert((due, run));
        }
        before.is_none()
    }

    pub fn remove(&mut self, run: RunId) -> Option<Sleeper> {
        let (tenant, due) = self.of.remove(&run)?;
        self.by_due.remove(&(due, run));
        Some(Sleeper { tenant, run, due })
    }

    /// Those that are due by then, the first ones first.
    pub fn due_by(&self, then: Timestamp) -> impl Iterator<Item = RunId> {
        self.by_due.iter().take_while(move |(due, _)| *due <= then).map(|(_, run)| *run)
    }

    /// When the first one is due.
    pub fn first_due(&self) -> Option<Timestamp> {
        self.by_due.first().map(|(due, _)| *due)
    }

    /// Forgets all of these shards; answers whose they were.
    pub fn forget(&mut self, shards: &BTreeSet<i16>) -> BTreeMap<TenantId, u32> {
        let mut gone: BTreeMap<TenantId, u32> = BTreeMap::new();
        self.of.retain(|run, (tenant, _)| {
            let goes = shards.contains(&shard_of(*run));
            if goes {
                *gone.entry(*tenant).or_default() += 1;
            }
            !goes
        });
        if !gone.is_empty() {
            self.by_due.retain(|(_, run)| !shards.contains(&shard_of(*run)));
        }
        gone
    }
}

impl Driver {
    /// Runs of these rows sleep here from now on.
    pub(crate) fn sleep(&mut self, sleepers: Vec<Sleeper>) {
        for sleeper in sleepers {
            if self.is_open(sleeper.run) {
                self.lay_down(sleeper);
            }
        }
    }

    pub(crate) fn lay_down(&mut self, sleeper: Sleeper) {
        if self.asleep.insert(sleeper) {
            self.shared.living.fell_asleep(sleeper.tenant);
        }
    }

    /// A run may fall asleep from now on, should it wait.
    pub(crate) fn rest(&mut self, run: RunId) {
        let idle = self.idle();
        let Some(live) = self.runs.get_mut(&run) else { return };
        live.rest.since = Instant::now();
        if live.waits() && !live.rest.listed {
            live.rest.listed = true;
            self.idle.push(Reverse((live.rest.since + idle, run)));
        }
    }

    fn idle(&self) -> Duration {
        let idle = self.shared.memory.idle;
        if self.runs.len() > CROWDED { idle / 10 } else { idle }
    }

    /// Lets those leave memory that have waited for long enough.
    pub(crate) fn let_sleep(&mut self) {
        let Some(Reverse((first, _))) = self.idle.peek() else { return };
        let now = Instant::now();
        if *first > now {
            return;
        }
        let (idle, clock) = (self.idle(), self.shared.clock.now());
        for _ in 0..MOST_AT_ONCE {
            let Some(Reverse((_, run))) = self.idle.peek().copied().filter(|Reverse((when, _))| *when <= now) else {
                return;
            };
            self.idle.pop();
            let Some(live) = self.runs.get_mut(&run) else { continue };
            live.rest.listed = false;
            if !live.waits() {
                continue;
            }
            let ready = live.rest.since + idle;
            let again = match live.can_sleep(clock) {
                Some(due) if ready <= now => {
                    let tenant = live.tenant;
                    self.runs.remove(&run);
                    self.lay_down(Sleeper { tenant, run, due });
                    continue;
                }
                Some(_) => ready,
                None => ready.max(now + AGAIN_AFTER),
            };
            live.rest.listed = true;
            self.idle.push(Reverse((again, run)));
        }
    }

    /// How long it is until one is looked at.
    pub(crate) fn until_idle(&self) -> Option<Duration> {
        let Reverse((when, _)) = self.idle.peek()?;
        Some(when.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn run(number: u128) -> RunId {
        RunId(Uuid::from_u128(number))
    }

    fn sleeper(number: u128, due: i64) -> Sleeper {
        Sleeper { tenant: TenantId(Uuid::from_u128(number % 2)), run: run(number), due: Timestamp(due) }
    }

    #[test]
    fn sleepers_are_known_by_their_ids_and_found_in_the_order_in_which_they_are_due() {
        let mut asleep = Asleep::default();
        for (number, due) in [(1, 30), (2, 10), (3, 20), (4, NEVER.0), (5, 10)] {
            assert!(asleep.insert(sleeper(number, due)));
        }
        assert!(!asleep.insert(sleeper(5, 40)), "it slept before, and is due at another time now");
        assert_eq!(asleep.first_due(), Some(Timestamp(10)));
        assert_eq!(asleep.due_by(Timestamp(30)).collect::<Vec<_>>(), [run(2), run(3), run(1)]);
        assert!(asleep.has(TenantId(Uuid::from_u128(1)), run(1)));
        assert!(!asleep.has(TenantId(Uuid::from_u128(0)), run(1)), "another tenant's");
        assert_eq!(asleep.remove(run(2)), Some(sleeper(2, 10)));
        assert_eq!(asleep.remove(run(2)), None);
        let gone = asleep.forget(&BTreeSet::from([1, 4]));
        assert_eq!(gone.values().sum::<u32>(), 2);
        assert_eq!((asleep.len(), asleep.first_due()), (2, Some(Timestamp(20))));
    }
}
