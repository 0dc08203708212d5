//! What must hold of limits (docs/limits.md), beside that there are never more than so many, which is looked at with every commit: runs
//! begin in the order of their arrival, nobody is refused who has room, and no more begin in a time than may.

use std::collections::BTreeMap;
use std::time::Duration;

use holon_flow::definition::intake::WhenFull;

use super::Judge;
use crate::clients::{Passed, Refused};
use crate::flows;
use crate::lines::{Line, Of, limit};
use crate::seed::Woe;

/// For so long at most a line is taken to be as it was when it was counted.
const COUNTED_WITHIN: Duration = Duration::from_secs(20);

impl Judge<'_> {
    /// Of a line in which one goes on at a time, who was told that it is accepted begins before whoever asked after that.
    pub(super) fn turns(&self) {
        let known = self.world.lines.known();
        for (of, line) in &known.lines {
            let one_by_one = limit(of.1).is_some_and(|limit| limit.limit == 1 && limit.when_full == WhenFull::Queue);
            if !one_by_one {
                continue;
            }
            for (place, first) in line.begun.iter().enumerate() {
                let Some(asked) = self.said.asked.get(first) else { continue };
                let overtaken = line.begun[place + 1..]
                    .iter()
                    .find(|later| self.said.accepted.get(later).is_some_and(|accepted| accepted < asked));
                if let Some(later) = overtaken {
                    self.problem("turn", *first, || format!("it began before {later}, which had come before it"));
                }
            }
        }
    }

    /// Who was refused because a line was full came when it was, and had not been accepted before.
    pub(super) fn refused(&self) {
        for refused in &self.said.refused {
            let rightly = if refused.by_rate { flows::rate(refused.of.1).is_some() } else { self.was_full(refused) };
            if !rightly {
                self.world.problems.add("refused", || format!("nothing was in the way: {refused:?}"));
            }
            if refused.accepted_before {
                self.world.problems.add("refused", || format!("it had been accepted before: {refused:?}"));
            }
        }
    }

    /// Whether a line was full when somebody was refused.
    fn was_full(&self, refused: &Refused) -> bool {
        let Some(limit) = limit(refused.of.1) else { return false };
        let (known, never) = (self.world.lines.known(), Line::default());
        let line = known.lines.get(&refused.of).unwrap_or(&never);
        let (asked, told) = refused.looked;
        match limit.when_full {
            WhenFull::Refuse => line.most_between(asked, told) >= limit.limit as usize,
            // A long line is not counted each time: who came a moment ago counts, whatever became of that.
            WhenFull::Queue => {
                let from = refused.asked.saturating_sub(COUNTED_WITHIN);
                let lately = |(of, at): &&(Of, Duration)| *of == refused.of && (from..refused.asked).contains(at);
                line.most_between(line.moment_before(from), told) + self.said.tried.iter().filter(lately).count()
                    >= limit.limit as usize + limit.queue as usize
            }
            WhenFull::Replace => false,
        }
    }

    /// One process lets no more begin in a time than its flow says.
    pub(super) fn rates(&self) {
        // Its tokens come by its clock.
        if self.world.plan.often(Woe::Clock) > 0 {
            return;
        }
        let mut passed: BTreeMap<_, Vec<&Passed>> = BTreeMap::new();
        for one in &self.said.passed {
            passed.entry((one.replica, one.of)).or_default().push(one);
        }
        for ((replica, of), mut passed) in passed {
            let Some(rate) = flows::rate(of.1) else { continue };
            let every = rate.per.0 / u64::from(rate.limit);
            let burst = u64::from(rate.burst.unwrap_or(rate.limit));
            passed.sort_by_key(|one| one.asked);
            for (place, first) in passed.iter().enumerate() {
                let mut told = first.told;
                for (count, last) in (2..).zip(&passed[place + 1..]) {
                    told = told.max(last.told);
                    let within = told.saturating_sub(first.asked);
                    let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
                    if count > burst + millis / every {
                        self.world.problems.add("rate", || {
                            format!("{count} began in {within:?} at replica {replica}, more than {burst} and one each {every} ms: {of:?}")
                        });
                        return;
                    }
                }
            }
        }
    }
}
