//! What a schedule trigger's config says: the expression, its zone, and what happens with firings that are late or in the
//! way of each other.

use holon_cap_triggers::Cron;
use holon_flow::definition::duration;
use holon_model::wire::schedules::{Occurrence, ScheduleFault};
use holon_model::{Millis, ScheduleId, Timestamp, Value};

use super::zone::Zone;

const SECOND: u64 = 1000;
const DAY: u64 = 24 * 3600 * SECOND;
/// A restart must not cost a firing.
const LEAST_CATCH_UP: Millis = Millis(10 * SECOND);
const MOST_CATCH_UP: Millis = Millis(365 * DAY);
const CATCH_UP: Millis = Millis(3600 * SECOND);
const MOST_JITTER: Millis = Millis(DAY);
/// How many times are shown ahead.
const AHEAD: usize = 10;

/// What happens with a firing while the run before is still going. The names are those of Temporal's schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// It is left out.
    Skip,
    /// One is kept until that run is over; more are left out.
    BufferOne,
    /// It starts beside.
    AllowAll,
}

impl Overlap {
    /// As config and the database have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::BufferOne => "buffer_one",
            Self::AllowAll => "allow_all",
        }
    }

    /// Reads it back.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Skip, Self::BufferOne, Self::AllowAll].into_iter().find(|overlap| overlap.as_str() == name)
    }
}

/// When.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    cron: Cron,
    zone: Zone,
}

impl Times {
    /// Reads an expression and a zone.
    ///
    /// # Errors
    /// All that is wrong, each with its place.
    pub fn read(cron: &str, time_zone: &str) -> Result<Self, Vec<ScheduleFault>> {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let read = Cron::parse(cron).map_err(|error| ScheduleFault {
            pointer: "/cron".into(),
            span: Some((place(error.start), place(error.end))),
            message: error.message,
        });
        let zone = Zone::named(time_zone).ok_or_else(|| ScheduleFault {
            pointer: "/time_zone".into(),
            message: format!("There is no time zone `{time_zone}`: write a name such as `Europe/Berlin`, or `UTC`."),
            span: None,
        });
        match (read, zone) {
            (Ok(cron), Ok(zone)) => Ok(Self { cron, zone }),
            (cron, zone) => Err(cron.err().into_iter().chain(zone.err()).collect()),
        }
    }

    /// The first time after `after`.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.zone.next_after(&self.cron, after)
    }

    /// The next ten, as pages show them.
    pub fn ahead(&self, after: Timestamp) -> Vec<Occurrence> {
        std::iter::successors(self.next(after), |at| self.next(*at))
            .take(AHEAD)
            .map(|at| Occurrence { at, local: self.zone.local(at) })
            .collect()
    }
}

/// A schedule as its trigger says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// When.
    pub times: Times,
    /// The expression as it was written.
    pub cron: String,
    /// The zone as it was written.
    pub time_zone: String,
    /// What happens while the run before is still going.
    pub overlap: Overlap,
    /// How late a firing may still be made up.
    pub catch_up: Millis,
    /// By how much firings are spread at most.
    pub jitter: Millis,
    /// Whether a new one waits to be resumed.
    pub paused: bool,
}

impl Plan {
    /// Reads a trigger's config.
    ///
    /// # Errors
    /// All that is wrong, each with its place in the config.
    pub fn of_config(config: &Value) -> Result<Self, Vec<ScheduleFault>> {
        let text = |name: &str| config.get(name).and_then(Value::as_str);
        let cron = text("cron").unwrap_or_default().to_owned();
        let time_zone = text("time_zone").unwrap_or("UTC").to_owned();
        let mut faults = Vec::new();
        let times = Times::read(&cron, &time_zone).map_err(|found| faults.extend(found)).ok();
        let mut bounded = |name: &str, otherwise: Millis, least: Millis, most: Millis| {
            let read = config.get(name).map_or(Ok(otherwise), duration::parse).and_then(|found| {
                let fits = (least..=most).contains(&found);
                fits.then_some(found).ok_or_else(|| format!("It is {} to {}.", words(least), words(most)))
            });
            read.unwrap_or_else(|message| {
                faults.push(ScheduleFault { pointer: format!("/{name}"), message, span: None });
                otherwise
            })
        };
        let catch_up = bounded("catch_up", CATCH_UP, LEAST_CATCH_UP, MOST_CATCH_UP);
        let jitter = bounded("jitter", Millis(0), Millis(0), MOST_JITTER);
        let overlap = text("overlap").and_then(Overlap::named).unwrap_or(Overlap::Skip);
        let paused = config.get("paused").and_then(Value::as_bool).unwrap_or(false);
        match times {
            Some(times) if faults.is_empty() => Ok(Self { times, cron, time_zone, overlap, catch_up, jitter, paused }),
            _ => Err(faults),
        }
    }

    /// When the firing of a time is due: later by a fixed part of the jitter, and before the time after it, so that
    /// firings keep their order.
    pub fn due(&self, id: ScheduleId, scheduled: Timestamp) -> Timestamp {
        if self.jitter.0 == 0 {
            return scheduled;
        }
        let room = self.times.next(scheduled).map_or(u64::MAX, |next| next.since(scheduled).0);
        let span = (self.jitter.0 + 1).min(room).max(1);
        let mut hash = blake3::Hasher::new();
        hash.update(id.as_bytes()).update(&scheduled.0.to_be_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash.finalize().as_bytes()[..8]);
        scheduled.plus(Millis(u64::from_be_bytes(bytes) % span))
    }
}

/// `10 s`, `1 h`, `365 d`.
pub fn words(millis: Millis) -> String {
    match millis.0 {
        0 => "0".into(),
        millis if millis.is_multiple_of(DAY) => format!("{} d", millis / DAY),
        millis if millis.is_multiple_of(3600 * SECOND) => format!("{} h", millis / (3600 * SECOND)),
        millis if millis.is_multiple_of(60 * SECOND) => format!("{} min", millis / (60 * SECOND)),
        millis if millis.is_multiple_of(SECOND) => format!("{} s", millis / SECOND),
        millis => format!("{millis} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn plan(json: &str) -> Result<Plan, Vec<ScheduleFault>> {
        Plan::of_config(&holon_model::json::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn everything_that_is_wrong_is_found_with_its_place() {
        let faults = plan(r#"{"cron":"61 * * * *","time_zone":"Mars","catch_up":"1s","jitter":"2d"}"#).unwrap_err();
        let places: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.span)).collect();
        assert_eq!(places, [("/cron", Some((0, 2))), ("/time_zone", None), ("/catch_up", None), ("/jitter", None)]);
        assert_eq!(plan("{}").unwrap_err()[0].pointer, "/cron");
    }

    #[test]
    fn jitter_is_the_same_each_time_stays_before_the_next_one_and_differs_between_schedules() {
        let plan = plan(r#"{"cron":"*/10 * * * * *","jitter":"1h"}"#).unwrap();
        let (one, other) = (ScheduleId(Uuid::from_u128(1)), ScheduleId(Uuid::from_u128(2)));
        let mut differ = 0;
        for at in (0..1000).map(|at| Timestamp(at * 10_000)) {
            let due = plan.due(one, at);
            assert_eq!(due, plan.due(one, at));
            assert!(due >= at && due.0 < at.0 + 10_000, "{due:?}");
            differ += i32::from(due != plan.due(other, at));
        }
        assert!(differ > 900);
    }
}
