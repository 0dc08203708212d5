//! Durations, sizes, counts and instants as people read them.

use holon_model::Timestamp;

/// `340 ms`, `1.2 s`, `3 min 04 s`, `2 h 05 min`, `3 d 4 h`.
pub fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{}.{} s", seconds, millis % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// The same in whole seconds while something goes on: tenths would only flicker.
pub fn so_far(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => duration(millis),
    }
}

/// `512 B`, `1.2 kB`, `12.4 MB`: powers of 1,000.
pub fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (unit, name) = match bytes {
        0..1_000_000 => (1000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
}

/// `1 run`, `2 runs`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How long ago, or how long until: `just now`, `42 s ago`, `in 5 min`, `in 39 h`, days from two on, and a date when it is more
/// than a week.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let distance = now.0.saturating_sub(at.0);
    let seconds = distance.unsigned_abs() / 1000;
    let amount = match seconds {
        0..5 if distance >= 0 => return "just now".into(),
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        172_800..604_800 => format!("{} d", seconds / 86_400),
        _ => return date(at, Parts::of(at).year != Parts::of(now).year),
    };
    if distance < 0 { format!("in {amount}") } else { format!("{amount} ago") }
}

/// `21 Nov` or `21 Nov 2026`.
pub fn date(at: Timestamp, with_year: bool) -> String {
    let Parts { year, month, day, .. } = Parts::of(at);
    let month = MONTHS[month];
    if with_year { format!("{day} {month} {year}") } else { format!("{day} {month}") }
}

/// `21 Nov 2026, 08:01:23` followed by the zone's name; `offset` are the minutes that the zone is ahead of UTC.
pub fn exact(at: Timestamp, offset: i64, zone: &str) -> String {
    let Parts { year, month, day, hour, minute, second, .. } = Parts::of(Timestamp(at.0 + offset * 60_000));
    format!("{day} {} {year}, {hour:02}:{minute:02}:{second:02} {zone}", MONTHS[month])
}

/// `08:01:23.412`, in a zone `offset` minutes ahead of UTC.
pub fn clock(at: Timestamp, offset: i64) -> String {
    let Parts { hour, minute, second, milli, .. } = Parts::of(Timestamp(at.0 + offset * 60_000));
    format!("{hour:02}:{minute:02}:{second:02}.{milli:03}")
}

/// RFC 3339 in UTC, for machines.
pub fn iso(at: Timestamp) -> String {
    let Parts { year, month, day, hour, minute, second, milli } = Parts::of(at);
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", month + 1)
}

/// What [`iso`] writes, with or without seconds and their fraction; nothing for any other text.
pub fn parse_iso(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers =
        |text: &str, at: char| text.split(at).map(|part| part.parse::<i64>().ok()).collect::<Option<Vec<_>>>();
    let (time, milli) = match time.split_once('.') {
        Some((time, fraction)) => (time, format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?),
        None => (time, 0),
    };
    let (date, time) = (numbers(date, '-')?, numbers(time, ':')?);
    let [year, month @ 1..=12, day @ 1..=31] = date[..] else { return None };
    let (hour, minute, second) = match time[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let in_day = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..61).contains(&second);
    if !in_day || !(0..=9999).contains(&year) {
        return None;
    }
    // The inverse of `Parts::of` (Hinnant, `days_from_civil`).
    let shifted_year = year - i64::from(month <= 2);
    let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(Timestamp((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

struct Parts {
    year: i64,
    /// From 0.
    month: usize,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    milli: i64,
}

impl Parts {
    /// The proleptic Gregorian calendar, counted from 1 March of year 0 so that leap days come last
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
    fn of(at: Timestamp) -> Self {
        let (days, millis) = (at.0.div_euclid(86_400_000), at.0.rem_euclid(86_400_000));
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 2 } else { shifted - 10 };
        Self {
            year: year_of_era + era * 400 + i64::from(month < 2),
            month: usize::try_from(month).unwrap_or(0),
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
            hour: millis / 3_600_000,
            minute: millis / 60_000 % 60,
            second: millis / 1000 % 60,
            milli: millis % 1000,
        }
    }
}

/// The end of an id: enough to tell things of one kind apart on a page.
pub fn short_id(id: &impl std::fmt::Display) -> String {
    let text = id.to_string();
    format!("…{}", &text[text.len().saturating_sub(8)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_keep_what_a_person_compares() {
        let durations = [340, 1_234, 59_999, 184_000, 7_500_000, 273_600_000].map(duration);
        assert_eq!(durations, ["340 ms", "1.2 s", "59.9 s", "3 min 04 s", "2 h 05 min", "3 d 4 h"]);
        assert_eq!([512, 1_250, 12_400_000].map(size), ["512 B", "1.2 kB", "12.4 MB"]);
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn an_instant_that_was_written_reads_back() {
        for at in [0, 1_795_248_083_123, 951_782_400_000, -1, 4_102_444_799_999] {
            assert_eq!(parse_iso(&iso(Timestamp(at))), Some(Timestamp(at)));
        }
        assert_eq!(parse_iso("2026-01-05T08:00Z"), parse_iso("2026-01-05T08:00:00.000Z"));
        for text in ["", "2026-01-05", "2026-13-05T08:00Z", "2026-01-05T25:00Z", "2026-01-05T08:00:00", "x-y-zT1:2Z"] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_is_told_by_its_distance_until_a_date_says_more() {
        let now = Timestamp(1_795_248_083_000);
        let told = [0, 42_000, 180_000, 18_000_000, 172_800_000].map(|ago| relative(Timestamp(now.0 - ago), now));
        assert_eq!(told, ["just now", "42 s ago", "3 min ago", "5 h ago", "2 d ago"]);
        assert_eq!(relative(Timestamp(now.0 + 300_000), now), "in 5 min");
        // Not "in 1 d", which is heard as tomorrow at this time.
        assert_eq!(relative(Timestamp(now.0 + 39 * 3_600_000), now), "in 39 h");
        assert_eq!(relative(Timestamp(1_763_000_000_000), now), "13 Nov 2025");
    }

    #[test]
    fn leap_days_and_the_turn_of_a_year_come_out_right() {
        assert_eq!(iso(Timestamp(951_782_400_000)), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso(Timestamp(1_798_761_599_999)), "2026-12-31T23:59:59.999Z");
        assert_eq!(exact(Timestamp(951_782_400_000), 60, "CET"), "29 Feb 2000, 01:00:00 CET");
    }
}
