//! The pace of loops that go on until the server drains: rounds, a rest after each, and what is done only now and then. Every
//! replica has them, and none is the one that must be there.

use std::time::Duration;

use holon_model::{Millis, Timestamp};
use holon_platform::shutdown::Shutdown;

/// Between two times that something is forgotten.
const HOUR: Millis = Millis(3_600_000);

/// The rounds of one loop, which the database may refuse.
#[derive(Debug)]
pub struct Pace {
    shutdown: Shutdown,
    again: Millis,
    complaint: &'static str,
    refused: bool,
}

impl Pace {
    /// Rounds until `shutdown`. One that was refused is tried again after `again`, and the log has the complaint: once, and not
    /// each second while the database is away.
    pub fn new(shutdown: &Shutdown, again: Millis, complaint: &'static str) -> Self {
        Self { shutdown: shutdown.clone(), again, complaint, refused: false }
    }

    /// Rests after a round for as long as it says; whether there is another one.
    pub async fn rest(&mut self, round: Result<Millis, sqlx::Error>) -> bool {
        let rest = self.note(round);
        wait(&self.shutdown, rest).await
    }

    /// How long there is nothing to do.
    fn note(&mut self, round: Result<Millis, sqlx::Error>) -> Millis {
        let refused = round.is_err();
        let before = std::mem::replace(&mut self.refused, refused);
        round.unwrap_or_else(|error| {
            if !before {
                tracing::warn!(%error, "{}", self.complaint);
            }
            self.again
        })
    }
}

/// Waits; false once the server drains.
pub async fn wait(shutdown: &Shutdown, rest: Millis) -> bool {
    tokio::select! {
        () = shutdown.begun() => false,
        () = tokio::time::sleep(Duration::from_millis(rest.0)) => true,
    }
}

/// What is done once an hour, and at the start.
#[derive(Debug, Default)]
pub struct Hourly(Option<Timestamp>);

impl Hourly {
    /// Whether it is to be done now; then it counts as done, whatever comes of it.
    pub fn due(&mut self, now: Timestamp) -> bool {
        let due = self.0.is_none_or(|last| now.since(last) >= HOUR);
        if due {
            self.0 = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Millis = Millis(u64::MAX >> 16);

    fn refused() -> Result<Millis, sqlx::Error> {
        Err(sqlx::Error::PoolTimedOut)
    }

    #[tokio::test]
    async fn a_loop_goes_on_until_the_server_drains_and_then_rests_no_more() {
        let shutdown = Shutdown::new();
        let mut pace = Pace::new(&shutdown, LONG, "nothing can be looked at");
        assert!(pace.rest(Ok(Millis(0))).await);
        shutdown.begin();
        assert!(!pace.rest(Ok(LONG)).await);
        assert!(!wait(&shutdown, LONG).await);
    }

    #[test]
    fn a_round_says_how_long_to_rest_and_a_refused_one_is_tried_again_and_complained_of_once_in_a_row() {
        let mut pace = Pace::new(&Shutdown::new(), Millis(1_000), "nothing can be looked at");
        let rounds = [
            (Ok(Millis(10)), 10, false),
            (refused(), 1_000, true),
            (refused(), 1_000, true),
            (Ok(LONG), LONG.0, false),
        ];
        for (round, rest, refused) in rounds {
            assert_eq!((pace.note(round), pace.refused), (Millis(rest), refused));
        }
    }

    #[test]
    fn what_is_done_each_hour_is_done_at_the_start_and_an_hour_after_it_was_done() {
        let mut hourly = Hourly::default();
        let due = [0, 1, 3_599_999, 3_600_000, 3_600_001, 7_199_999, 7_200_000].map(|now| hourly.due(Timestamp(now)));
        assert_eq!(due, [true, false, false, true, false, false, true]);
    }
}
