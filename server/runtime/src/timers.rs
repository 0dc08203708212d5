//! Timers of runs in memory, and how long a loop may wait for the next thing to do.

use std::cmp::Reverse;
use std::time::Duration;

use holon_engine::Input;

use crate::driver::Driver;

/// Timers that are kept without looking which of them are still wanted.
pub(crate) const FEW_TIMERS: usize = 1_024;
/// The longest sleep: clocks may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

impl Driver {
    /// How long it is until something is to be done by itself.
    pub(crate) fn until_next(&self) -> Duration {
        let timer = self.timers.peek().map(|Reverse((due, ..))| {
            let left = due.since(self.shared.clock.now()).0;
            Duration::from_millis(left)
        });
        let next = [timer, self.until_wake(), self.until_idle()].into_iter().flatten().min();
        next.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }

    /// Tells runs whose time has come.
    pub(crate) fn fire_timers(&mut self) {
        if self.timers.len() > self.most_timers {
            // Most of them are of steps that ended before their time was up.
            let armed =
                self.runs.iter().flat_map(|(run, live)| live.timers.iter().map(|(id, due)| Reverse((*due, *run, *id))));
            self.timers = armed.collect();
            self.most_timers = (self.timers.len() * 2).max(FEW_TIMERS);
        }
        let now = self.shared.clock.now();
        while let Some(Reverse((due, run, id))) = self.timers.peek().copied() {
            if due > now {
                return;
            }
            self.timers.pop();
            // What comes due while a person has paused the run fires when it is resumed.
            let armed =
                self.runs.get_mut(&run).filter(|live| live.held.is_none() && live.timers.get(&id) == Some(&due));
            if armed.is_some_and(|live| live.timers.remove(&id).is_some()) {
                self.queue(run, Input::TimerFired { id }, None, None);
            }
        }
    }
}
