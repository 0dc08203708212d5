//! Instants and durations as whole milliseconds: exact, ordered, the same on every platform.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z. Stamped by the host; `shared` never reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A duration in milliseconds, 0 to about 292 million years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Timestamp {
    /// The instant `by` later, at most the last one that can be written.
    #[must_use]
    pub fn plus(self, by: Millis) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.0).unwrap_or(i64::MAX)))
    }

    /// The instant `by` earlier, at least the first one that can be written.
    #[must_use]
    pub fn minus(self, by: Millis) -> Self {
        Self(self.0.saturating_sub_unsigned(by.0))
    }

    /// Time from `earlier` to `self`, zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_moves_both_ways_and_stops_at_the_ends_of_what_can_be_written() {
        let now = Timestamp(1_000);
        assert_eq!((now.plus(Millis(1)), now.minus(Millis(1))), (Timestamp(1_001), Timestamp(999)));
        assert_eq!(now.minus(Millis(3_000)), Timestamp(-2_000), "before 1970 there were instants too");
        assert_eq!(Timestamp(i64::MAX).minus(Millis(u64::MAX)), Timestamp(i64::MIN), "from one end to the other");
        for ends in [Millis(u64::MAX), Millis(u64::MAX - 1)] {
            assert_eq!((now.plus(ends), Timestamp(-1_000).minus(ends)), (Timestamp(i64::MAX), Timestamp(i64::MIN)));
        }
    }

    #[test]
    fn time_that_passed_is_never_less_than_none() {
        let (earlier, later) = (Timestamp(-5), Timestamp(7));
        assert_eq!((later.since(earlier), earlier.since(later)), (Millis(12), Millis(0)));
        assert_eq!(later.minus(later.since(earlier)), earlier);
    }
}
