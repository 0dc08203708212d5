//! What is due now: which firings are to be made, which came too late, and when the next one is. Pure.

use holon_model::{Millis, ScheduleId, Timestamp};

use super::plan::Plan;

/// Firings taken up at once; the rest at the next look, which follows at once.
const MOST_DUE: usize = 32;
/// Missed firings that are counted one by one; a second's schedule after a year without a server has too many.
const MOST_COUNTED: u32 = 10_000;

/// Firings that came too late to be made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// The first of them.
    pub first: Timestamp,
    /// How many.
    pub count: u32,
    /// Whether there were more, uncounted.
    pub more: bool,
}

/// What is to be done about a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reckoned {
    /// What came too late.
    pub missed: Option<Missed>,
    /// What fires, in order.
    pub due: Vec<Timestamp>,
    /// The time after those.
    pub next: Option<Timestamp>,
}

/// Looks at a schedule whose next time is `next`.
pub fn reckon(plan: &Plan, id: ScheduleId, next: Timestamp, now: Timestamp) -> Reckoned {
    let mut found = Reckoned { missed: None, due: Vec::new(), next: Some(next) };
    while let Some(at) = found.next {
        let due = plan.due(id, at);
        if due > now || found.due.len() == MOST_DUE {
            break;
        }
        found.next = plan.times.next(at);
        if now.since(due) <= plan.catch_up {
            found.due.push(at);
            continue;
        }
        let missed = found.missed.get_or_insert(Missed { first: at, count: 0, more: false });
        if missed.count < MOST_COUNTED {
            missed.count += 1;
        } else if !missed.more {
            missed.more = true;
            // Shortly before the first that can be made up, whatever its jitter.
            let back = Millis(plan.catch_up.0 + plan.jitter.0 + 1000);
            found.next = plan.times.next(now.minus(back));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ID: ScheduleId = ScheduleId(Uuid::from_u128(1));

    fn plan(json: &str) -> Plan {
        Plan::of_config(&holon_model::json::parse(json.as_bytes()).unwrap()).unwrap()
    }

    fn minutes(numbers: &[i64]) -> Vec<Timestamp> {
        numbers.iter().map(|minute| Timestamp(minute * 60_000)).collect()
    }

    #[test]
    fn what_is_not_due_is_left_alone_and_what_is_fires_once() {
        let plan = plan(r#"{"cron":"* * * * *"}"#);
        let before = reckon(&plan, ID, Timestamp(60_000), Timestamp(59_999));
        assert_eq!(before, Reckoned { missed: None, due: vec![], next: Some(Timestamp(60_000)) });
        let then = reckon(&plan, ID, Timestamp(60_000), Timestamp(60_000));
        assert_eq!(then, Reckoned { missed: None, due: minutes(&[1]), next: Some(Timestamp(120_000)) });
    }

    #[test]
    fn after_a_time_without_a_server_the_window_is_made_up_in_order_and_the_rest_is_missed() {
        let plan = plan(r#"{"cron":"* * * * *","catch_up":"3m"}"#);
        let found = reckon(&plan, ID, Timestamp(60_000), Timestamp(10 * 60_000));
        assert_eq!(found.missed, Some(Missed { first: Timestamp(60_000), count: 6, more: false }));
        assert_eq!((found.due, found.next), (minutes(&[7, 8, 9, 10]), Some(Timestamp(11 * 60_000))));
    }

    #[test]
    fn a_year_of_missed_seconds_is_passed_in_one_look_and_every_one_in_the_window_fires() {
        let plan = plan(r#"{"cron":"* * * * * *","catch_up":"1m"}"#);
        let now = Timestamp(365 * 86_400_000);
        let mut found = reckon(&plan, ID, Timestamp(1000), now);
        assert_eq!(found.missed.map(|missed| (missed.count, missed.more)), Some((MOST_COUNTED, true)));
        let mut due = found.due.clone();
        while found.due.len() == MOST_DUE {
            found = reckon(&plan, ID, found.next.unwrap(), now);
            assert_eq!(found.missed, None);
            due.extend(&found.due);
        }
        let expected: Vec<_> = (0..=60).rev().map(|ago| Timestamp(now.0 - ago * 1000)).collect();
        assert_eq!(due, expected);
    }

    #[test]
    fn a_clock_that_went_back_fires_nothing_again() {
        let plan = plan(r#"{"cron":"* * * * *"}"#);
        let found = reckon(&plan, ID, Timestamp(600_000), Timestamp(120_000));
        assert_eq!((found.due, found.next), (vec![], Some(Timestamp(600_000))));
    }
}
