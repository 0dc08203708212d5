//! What this process knows of the lines in which runs wait for their place, so that neither a start nor the end of a run asks the store
//! for more than it must: which lines are to be looked at, and about how many stand in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holon_model::TenantId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::courtesy::{MOST_PASSED, Precedence};
use crate::ring::Ring;
use crate::store::Line;

/// Lines that are remembered before those of which too little is known are forgotten.
const FEW_LINES: usize = 1_024;
/// What was counted is gone by for so many times as long as the counting took: a fiftieth of one connection's time for a line.
const TRUST: u32 = 50;
const LONGEST_TRUST: Duration = Duration::from_secs(1);
/// A line that was full is counted again after so many times as long.
const FULL_TRUST: u32 = 5;

/// Lines of a tenant that are looked at in one of its turns.
const MOST_LINES: usize = 16;

/// Lines that are to be looked at, tenants in turn.
#[derive(Default)]
pub(crate) struct Looks {
    asked: Mutex<Asked>,
    changed: Notify,
}

#[derive(Default)]
struct Asked {
    /// Where something has changed.
    fresh: Pile,
    /// Where somebody waits, whether or not anything has changed.
    swept: Pile,
    precedence: Precedence,
    /// Fresh ones that came before a swept one.
    waited: u32,
}

/// Lines, each of them once.
#[derive(Default)]
struct Pile {
    ring: Ring<Line>,
    lines: BTreeSet<Line>,
}

impl Pile {
    fn push(&mut self, line: Line) -> bool {
        let new = self.lines.insert(line.clone());
        if new {
            self.ring.push(line.tenant, line);
        }
        new
    }

    /// As many lines as one look takes, of the next tenant that may.
    fn take(&mut self, may: impl Fn(TenantId) -> bool) -> Option<(TenantId, Vec<Line>)> {
        let (tenant, line) = self.ring.next(may)?;
        let mut lines = vec![line];
        while lines.len() < MOST_LINES
            && let Some((_, line)) = self.ring.next(|other| other == tenant)
        {
            lines.push(line);
        }
        for line in &lines {
            self.lines.remove(line);
        }
        Some((tenant, lines))
    }
}

impl Asked {
    /// What is next, of the tenants that may: where something has changed first, and not always.
    fn take(&mut self, may: impl Fn(TenantId) -> bool) -> Option<(TenantId, Vec<Line>)> {
        let Self { fresh, swept, waited, .. } = self;
        *waited += 1;
        if *waited <= MOST_PASSED
            && let Some(taken) = fresh.take(&may)
        {
            return Some(taken);
        }
        *waited = 0;
        swept.take(&may).or_else(|| fresh.take(&may))
    }
}

/// Lines of one tenant that are to be looked at now; whoever asks from now on is looked at again.
pub(crate) struct Look<'a> {
    looks: &'a Looks,
    pub tenant: TenantId,
    pub lines: Vec<Line>,
    courteous: bool,
}

impl Looks {
    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line is to be looked at: once for all who ask before somebody does.
    pub fn ask(&self, line: Line) {
        if self.lock().fresh.push(line) {
            self.changed.notify_one();
        }
    }

    /// These are all lines in which somebody waits: they are looked at when there is time. Those of the last time come first.
    pub fn sweep(&self, lines: Vec<Line>) {
        let mut asked = self.lock();
        if asked.swept.ring.is_empty() && !lines.is_empty() {
            for line in lines {
                asked.swept.push(line);
            }
            drop(asked);
            self.changed.notify_one();
        }
    }

    /// What is to be looked at next. Of those who give way one at a time has its lines looked at.
    pub async fn next(&self, gives_way: impl Fn(TenantId) -> bool) -> Look<'_> {
        loop {
            if let Some(look) = self.take(&gives_way) {
                return look;
            }
            self.changed.notified().await;
        }
    }

    fn take(&self, gives_way: impl Fn(TenantId) -> bool) -> Option<Look<'_>> {
        let mut asked = self.lock();
        let mut precedence = std::mem::take(&mut asked.precedence);
        let taken = precedence.next(gives_way, |may| asked.take(may));
        asked.precedence = precedence;
        let ((tenant, lines), courteous) = taken?;
        if !asked.fresh.ring.is_empty() || !asked.swept.ring.is_empty() {
            self.changed.notify_one();
        }
        Some(Look { looks: self, tenant, lines, courteous })
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        if self.courteous {
            self.looks.lock().precedence.done();
            self.looks.changed.notify_one();
        }
    }
}

/// What is known of one line.
struct Known {
    standing: u64,
    /// Whether it was when it was counted: those who come are added, those who leave are not taken away.
    full: bool,
    at: Instant,
    took: Duration,
}

/// About how many stand in lines.
#[derive(Default)]
pub(crate) struct Crowds(Mutex<BTreeMap<Line, Known>>);

/// Whether one more may stand in a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It may, and is counted.
    There,
    /// It may not.
    Full,
    /// Nobody knows: the line is to be counted.
    Unknown,
}

impl Crowds {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Line, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more may stand in a line of at most so many, by what is known.
    pub fn room(&self, line: &Line, most: u64, now: Instant) -> Room {
        let mut lines = self.lock();
        let Some(known) = lines.get_mut(line) else { return Room::Unknown };
        let trust = known.took.saturating_mul(if known.full { FULL_TRUST } else { TRUST }).min(LONGEST_TRUST);
        if now.saturating_duration_since(known.at) >= trust {
            // The others go by what is known until the one who counts is done.
            known.at = now;
            return Room::Unknown;
        }
        if known.full {
            return Room::Full;
        }
        if known.standing >= most {
            return Room::Unknown;
        }
        known.standing += 1;
        Room::There
    }

    /// So many stand in a line, and whether that is as many as may; counting them took so long. The one who counted is added.
    pub fn counted(&self, line: &Line, (standing, full): (u64, bool), took: Duration, now: Instant) {
        let mut lines = self.lock();
        if lines.len() >= FEW_LINES {
            lines.retain(|_, known| now.saturating_duration_since(known.at) < LONGEST_TRUST);
        }
        lines.insert(line.clone(), Known { standing: standing + u64::from(!full), full, at: now, took });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::FlowId;
    use uuid::Uuid;

    fn line(key: &str) -> Line {
        Line { tenant: TenantId(Uuid::nil()), flow: FlowId(Uuid::nil()), key: key.into() }
    }

    fn of(tenant: u128, key: &str) -> Line {
        Line { tenant: TenantId(Uuid::from_u128(tenant)), ..line(key) }
    }

    /// The keys of what is looked at next.
    fn keys(look: Option<&Look<'_>>) -> Vec<String> {
        look.map(|look| look.lines.iter().map(|line| line.key.clone()).collect()).unwrap_or_default()
    }

    #[test]
    fn lines_are_looked_at_many_in_one_go_once_for_all_who_asked_and_again_for_who_asks_meanwhile() {
        let looks = Looks::default();
        for key in ["here", "here", "there"] {
            looks.ask(line(key));
        }
        let look = looks.take(|_| false);
        assert_eq!(keys(look.as_ref()), ["here", "there"]);
        looks.ask(line("here"));
        assert_eq!(keys(looks.take(|_| false).as_ref()), ["here"]);
        assert!(looks.take(|_| false).is_none());
    }

    #[test]
    fn what_is_swept_keeps_nothing_fresh_waiting_and_is_not_put_off_for_ever() {
        let looks = Looks::default();
        looks.sweep((0..=MOST_LINES).map(|number| line(&format!("s{number:02}"))).collect());
        looks.ask(line("fresh"));
        assert_eq!(keys(looks.take(|_| false).as_ref()), ["fresh"]);
        assert_eq!(keys(looks.take(|_| false).as_ref()).len(), MOST_LINES);
        looks.sweep(vec![line("s00")]);
        assert_eq!(
            keys(looks.take(|_| false).as_ref()),
            [format!("s{MOST_LINES}")],
            "the last sweep was not worked off"
        );
        looks.sweep(vec![line("late")]);
        let rounds = (0..2 * MOST_PASSED).map(|number| {
            looks.ask(line(&format!("f{number}")));
            keys(looks.take(|_| false).as_ref())
        });
        assert!(rounds.collect::<Vec<_>>().contains(&vec!["late".to_owned()]));
    }

    #[test]
    fn who_gives_way_comes_after_the_others_and_one_of_them_at_a_time() {
        let (looks, noisy) = (Looks::default(), |tenant: TenantId| tenant.0.as_u128() != 2);
        for number in 0..=MOST_LINES {
            looks.ask(of(1, &format!("a{number}")));
        }
        looks.ask(of(2, "b"));
        looks.ask(of(3, "c"));
        assert_eq!(keys(looks.take(noisy).as_ref()), ["b"]);
        let look = looks.take(noisy);
        assert_eq!(keys(look.as_ref()).len(), MOST_LINES);
        looks.ask(of(2, "d"));
        assert_eq!(keys(looks.take(noisy).as_ref()), ["d"], "nobody waits for those who give way");
        assert!(looks.take(noisy).is_none(), "one of those at a time");
        drop(look);
        assert_eq!(keys(looks.take(noisy).as_ref()), ["c"], "it is the turn of another one");
        assert_eq!(keys(looks.take(noisy).as_ref()).len(), 1, "what is left of the first one");
    }

    #[test]
    fn a_line_is_counted_once_in_a_while_and_nobody_enters_one_that_was_full_a_moment_ago() {
        let (crowds, line, now) = (Crowds::default(), line(""), Instant::now());
        let took = Duration::from_millis(2);
        assert_eq!(crowds.room(&line, 3, now), Room::Unknown);
        crowds.counted(&line, (1, false), took, now);
        assert_eq!(crowds.room(&line, 3, now), Room::There);
        assert_eq!(crowds.room(&line, 3, now), Room::Unknown, "of those who were added some may have left");
        crowds.counted(&line, (3, true), took, now);
        assert_eq!(crowds.room(&line, 3, now), Room::Full);
        assert_eq!(crowds.room(&line, 3, now + took * FULL_TRUST), Room::Unknown, "some may have left");
        assert_eq!(crowds.room(&line, 3, now + took * FULL_TRUST), Room::Full, "one is counting");
        crowds.counted(&line, (0, false), took, now);
        assert_eq!(crowds.room(&line, 3, now + took * (TRUST - 1)), Room::There);
        assert_eq!(crowds.room(&line, 9, now + took * TRUST), Room::Unknown, "that was long ago");
        crowds.counted(&line, (0, false), Duration::ZERO, now);
        assert_eq!(crowds.room(&line, 9, now), Room::Unknown, "what costs nothing is counted each time");
    }
}
