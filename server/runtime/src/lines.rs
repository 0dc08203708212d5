//! What this process knows of the lines in which runs wait for their place, so that neither a start nor the end of a run asks the store
//! for more than it must: who is looking who is next, and about how many stand in a line.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::Line;

/// Lines that are remembered before those of which too little is known are forgotten.
const FEW_LINES: usize = 1_024;
/// What was counted is gone by for so many times as long as the counting took: a fiftieth of one connection's time for a line.
const TRUST: u32 = 50;
const LONGEST_TRUST: Duration = Duration::from_secs(1);
/// A line that was full is counted again after so many times as long.
const FULL_TRUST: u32 = 5;

/// Lines that somebody is looking at, each with whether to look again.
#[derive(Default)]
pub(crate) struct Looks(Mutex<BTreeMap<Line, bool>>);

/// That one is looking; dropped, nobody is.
pub(crate) struct Look<'a> {
    looks: &'a Looks,
    line: &'a Line,
    over: bool,
}

impl Looks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Line, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever asks is the one to look; nothing when somebody does already, who then looks again.
    pub fn begin<'a>(&'a self, line: &'a Line) -> Option<Look<'a>> {
        let mut looks = self.lock();
        if let Some(again) = looks.get_mut(line) {
            *again = true;
            return None;
        }
        looks.insert(line.clone(), false);
        Some(Look { looks: self, line, over: false })
    }
}

impl Look<'_> {
    /// Goes on looking when somebody has asked meanwhile.
    pub fn again(mut self) -> Option<Self> {
        let all = self.looks;
        let mut looks = all.lock();
        if looks.get_mut(self.line).is_some_and(std::mem::take) {
            return Some(self);
        }
        // In one go with the look at it: whoever asks from now on looks by itself.
        looks.remove(self.line);
        self.over = true;
        None
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.looks.lock().remove(self.line);
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
    use holon_model::{FlowId, TenantId};
    use uuid::Uuid;

    fn line(key: &str) -> Line {
        Line { tenant: TenantId(Uuid::nil()), flow: FlowId(Uuid::nil()), key: key.into() }
    }

    #[test]
    fn of_many_who_ask_for_a_look_one_looks_and_looks_again_for_all_who_asked_meanwhile() {
        let (looks, here, there) = (Looks::default(), line("here"), line("there"));
        let look = looks.begin(&here).unwrap();
        assert!(looks.begin(&here).is_none() && looks.begin(&here).is_none());
        assert!(looks.begin(&there).is_some(), "another line is another matter");
        let look = look.again().expect("two have asked");
        assert!(look.again().is_none(), "nobody has asked since");
        // One that is given up in the middle leaves the line to the next.
        drop(looks.begin(&here).unwrap());
        assert!(looks.begin(&here).is_some());
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
