//! Civil times to instants: which instants a cron expression names in a time zone, through its changes of the clock.
//!
//! An expression with an hour fires once for each civil time: one that a change leaves out at the first instant after the
//! gap, one that it repeats the first time only. An expression whose hour is `*` fires at every instant whose local time
//! it names, so that "every ten minutes" stays that. Vixie cron does the same.

use std::sync::LazyLock;

use holon_cap_triggers::{Civil, Cron};
use holon_model::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// The zones of this build, not those of the machine: every replica must reckon the same.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
/// Changes of the clock that one search passes: 400 years of two each.
const MOST_CHANGES: usize = 800;
/// Civil times that one search passes: two days of seconds.
const MOST_TIMES: usize = 200_000;

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of this name, in any case of its letters.
    pub fn named(name: &str) -> Option<Self> {
        ZONES.get(name).ok().map(Self)
    }

    /// The first instant after `after` that the expression names.
    pub fn next_after(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        let after = jiff::Timestamp::from_second(after.0.div_euclid(1000)).ok()?;
        let found = if cron.is_steady() { self.steady(cron, after) } else { self.fixed(cron, after) };
        found.map(|found| Timestamp(found.as_millisecond()))
    }

    /// The instant as a clock in this zone shows it: `Mon 2026-11-23 09:00:00 +01:00`.
    pub fn local(&self, at: Timestamp) -> String {
        jiff::Timestamp::from_millisecond(at.0)
            .map(|at| at.to_zoned(self.0.clone()).strftime("%a %F %T %:z").to_string())
            .unwrap_or_default()
    }

    /// From one change of the clock to the next, in each by its own offset.
    fn steady(&self, cron: &Cron, after: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let mut from = jiff::Timestamp::from_second(after.as_second() + 1).ok()?;
        for _ in 0..MOST_CHANGES {
            let offset = self.0.to_offset(from);
            let end = self.0.following(from).next().map(|change| change.timestamp());
            let found = instant(offset, cron.next_from(civil(offset.to_datetime(from)))?)?;
            match end {
                Some(end) if found >= end => from = end,
                _ => return Some(found),
            }
        }
        None
    }

    /// Civil time by civil time, each to the one instant that it stands for.
    fn fixed(&self, cron: &Cron, after: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let mut from = civil(self.0.to_datetime(after));
        for _ in 0..MOST_TIMES {
            // Past the last second of a minute there is none: the search goes on in the next one.
            from.second += 1;
            from = cron.next_from(from)?;
            let found = self.first_of(from)?;
            if found > after {
                return Some(found);
            }
        }
        None
    }

    /// The instant that a civil time stands for.
    fn first_of(&self, at: Civil) -> Option<jiff::Timestamp> {
        match self.0.to_ambiguous_timestamp(date_time(at)?).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                instant(offset, at)
            }
            // By the later offset it lies before the change, which is then the next one.
            AmbiguousOffset::Gap { after, .. } => {
                self.0.following(instant(after, at)?).next().map(|change| change.timestamp())
            }
        }
    }
}

fn date_time(at: Civil) -> Option<DateTime> {
    let small = |number: u32| i8::try_from(number).ok();
    DateTime::new(
        i16::try_from(at.year).ok()?,
        small(at.month)?,
        small(at.day)?,
        small(at.hour)?,
        small(at.minute)?,
        small(at.second)?,
        0,
    )
    .ok()
}

fn instant(offset: Offset, at: Civil) -> Option<jiff::Timestamp> {
    offset.to_timestamp(date_time(at)?).ok()
}

fn civil(at: DateTime) -> Civil {
    // All of them are positive.
    let number = |number: i8| u32::from(number.unsigned_abs());
    Civil {
        year: i32::from(at.year()),
        month: number(at.month()),
        day: number(at.day()),
        hour: number(at.hour()),
        minute: number(at.minute()),
        second: number(at.second()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn instants(zone: &str, cron: &str, after: &str, count: usize) -> Vec<String> {
        let (zone, cron) = (Zone::named(zone).unwrap(), Cron::parse(cron).unwrap());
        let mut at = Timestamp(after.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let mut found = Vec::new();
        for _ in 0..count {
            at = zone.next_after(&cron, at).unwrap();
            found.push(zone.local(at)[4..].to_owned());
        }
        found
    }

    #[test]
    fn a_time_that_the_change_leaves_out_fires_once_at_the_first_instant_after_the_gap() {
        // Berlin, 2026-03-29: 02:00 is 03:00.
        assert_eq!(
            instants("Europe/Berlin", "30 2 * * *", "2026-03-27T12:00:00Z", 3),
            ["2026-03-28 02:30:00 +01:00", "2026-03-29 03:00:00 +02:00", "2026-03-30 02:30:00 +02:00"]
        );
        assert_eq!(
            instants("Europe/Berlin", "*/20 2,3 * * *", "2026-03-29T00:00:00Z", 3),
            ["2026-03-29 03:00:00 +02:00", "2026-03-29 03:20:00 +02:00", "2026-03-29 03:40:00 +02:00"]
        );
        // The last second before the gap is followed by it too.
        assert_eq!(
            instants("Europe/Berlin", "30 2 * * *", "2026-03-29T00:59:59.5Z", 1),
            ["2026-03-29 03:00:00 +02:00"]
        );
        // Samoa left out a whole day.
        assert_eq!(
            instants("Pacific/Apia", "0 9 * * *", "2011-12-29T00:00:00Z", 3),
            ["2011-12-29 09:00:00 -10:00", "2011-12-31 00:00:00 +14:00", "2011-12-31 09:00:00 +14:00"]
        );
    }

    #[test]
    fn a_time_that_the_change_repeats_fires_once_the_first_time() {
        assert_eq!(
            instants("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25 02:30:00 +02:00", "2026-10-26 02:30:00 +01:00"]
        );
        assert_eq!(
            instants("America/New_York", "30 1 * * *", "2026-11-01T05:30:00Z", 1),
            ["2026-11-02 01:30:00 -05:00"]
        );
    }

    #[test]
    fn with_every_hour_it_goes_on_by_elapsed_time() {
        assert_eq!(
            instants("Europe/Berlin", "*/30 * * * *", "2026-10-25T00:00:00Z", 4),
            [
                "2026-10-25 02:30:00 +02:00",
                "2026-10-25 02:00:00 +01:00",
                "2026-10-25 02:30:00 +01:00",
                "2026-10-25 03:00:00 +01:00"
            ]
        );
        assert_eq!(
            instants("Europe/Berlin", "0 * * * *", "2026-03-29T00:00:00Z", 2),
            ["2026-03-29 03:00:00 +02:00", "2026-03-29 04:00:00 +02:00"]
        );
    }

    #[test]
    fn an_unknown_zone_is_none() {
        for name in ["", "Mars/Olympus", "Europe/Berlin\0", "../etc/passwd", "CESTT"] {
            assert!(Zone::named(name).is_none(), "{name}");
        }
        assert_eq!(Zone::named("europe/berlin"), Zone::named("Europe/Berlin"));
    }

    /// What an expression of minutes names in `[from, to)`, looked at minute by minute as the rule is written.
    fn brute(zone: &Zone, cron: &Cron, from: i64, to: i64) -> Vec<i64> {
        let local = |second: i64| civil(zone.0.to_datetime(jiff::Timestamp::from_second(second).unwrap()));
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let early = from - 26 * 3600;
        let mut before = local(early - 60);
        for second in (early..to).step_by(60) {
            let now = local(second);
            let left_out = || {
                let mut civil = Civil { minute: before.minute + 1, ..before };
                std::iter::from_fn(move || {
                    civil = minutes().next_from(civil)?;
                    let this = civil;
                    civil.minute += 1;
                    Some(this)
                })
                .take_while(|civil| *civil < now)
                .any(|civil| cron.names(civil))
            };
            let first = seen.insert(now);
            let fires = if cron.is_steady() { cron.names(now) } else { (cron.names(now) && first) || left_out() };
            if fires && second >= from {
                found.push(second);
            }
            before = now;
        }
        found
    }

    fn minutes() -> Cron {
        Cron::parse("* * * * *").unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_next_firing_is_the_one_that_looking_at_every_minute_finds(
            minute in prop::sample::select(vec!["0", "30", "*/20", "59", "7,37", "*/45"]),
            hour in prop::sample::select(vec!["*", "*/2", "0", "1-3", "2", "0-23/6", "23,0"]),
            day in prop::sample::select(vec!["*", "L", "*/3", "1,29-31"]),
            weekday in prop::sample::select(vec!["*", "SUN", "MON-FRI", "SUNL"]),
            // A day or two before a change of the clock: of an hour, of half an hour, at midnight, of a whole day, in
            // winter, and none.
            (zone, near) in prop::sample::select(vec![
                ("Europe/Berlin", "2026-03-29T01:00:00Z"), ("Europe/Berlin", "2026-10-25T01:00:00Z"),
                ("America/New_York", "2027-03-14T07:00:00Z"), ("America/New_York", "2027-11-07T06:00:00Z"),
                ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"), ("Australia/Lord_Howe", "2027-04-03T15:00:00Z"),
                ("America/Sao_Paulo", "2018-11-04T03:00:00Z"), ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
                ("Pacific/Apia", "2011-12-30T10:00:00Z"), ("Europe/Dublin", "2026-10-25T01:00:00Z"),
                ("Asia/Kathmandu", "2026-05-01T00:00:00Z"), ("UTC", "2028-02-29T00:00:00Z"),
            ]),
            hours in 0_i64..50,
        ) {
            let (zone, cron) = (Zone::named(zone).unwrap(), Cron::parse(&format!("{minute} {hour} {day} * {weekday}")).unwrap());
            let from = near.parse::<jiff::Timestamp>().unwrap().as_second() - hours * 3600;
            let to = from + 3 * 86_400;
            let mut found = Vec::new();
            let mut at = Timestamp((from - 1) * 1000 + 500);
            while let Some(next) = zone.next_after(&cron, at).filter(|next| next.0 < to * 1000) {
                prop_assert!(next > at);
                found.push(next.0 / 1000);
                at = next;
            }
            prop_assert_eq!(found, brute(&zone, &cron, from, to));
        }
    }
}
