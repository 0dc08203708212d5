//! Cron expressions: read with located errors, and asked for the next civil time that they name. No time zone and no
//! clock: which instants those civil times are is the host's to say.
//!
//! Five fields (minute, hour, day of month, month, day of week) or six, with seconds in front; `*`, lists, ranges, steps,
//! names of months and days, `L` for the last day of a month, `FRI#2` for the second Friday, `FRIL` for the last one,
//! and `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. As in cron, a day of month and a day of week that are both
//! given mean either of them; if one begins with `*`, both must hold.

use std::ops::RangeInclusive;

/// A local date and time as a clock on the wall shows it, to the second. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Civil {
    /// Gregorian year.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
}

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// The first character of the fault, from 0.
    pub start: usize,
    /// Behind its last character.
    pub end: usize,
    /// What is wrong, and what to write.
    pub message: String,
}

/// A cron expression that names at least one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    last_day: bool,
    any_day: bool,
    months: u64,
    weekdays: u64,
    /// For each day of the week the weeks of the month, bits 1 to 5; bit 6 is the last one.
    weeks: [u8; 7],
    any_weekday: bool,
    steady: bool,
}

/// The bit of "the last one of the month".
const LAST: u8 = 1 << 6;
/// The Gregorian calendar repeats after 400 years: what was not found by then is never.
const MOST_MONTHS: u32 = 400 * 12;
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// What a field may hold.
struct Field {
    title: &'static str,
    range: RangeInclusive<u32>,
    names: &'static [&'static str],
    /// The value of the first name.
    first: u32,
}

const fn field(title: &'static str, low: u32, high: u32) -> Field {
    Field { title, range: low..=high, names: &[], first: 0 }
}

const SECOND: Field = field("second", 0, 59);
const MINUTE: Field = field("minute", 0, 59);
const HOUR: Field = field("hour", 0, 23);
const DAY: Field = field("day of month", 1, 31);
const MONTH: Field = Field { names: &MONTHS, first: 1, ..field("month", 1, 12) };
/// 7 is Sunday too.
const WEEKDAY: Field = Field { names: &WEEKDAYS, ..field("day of week", 0, 7) };

/// A piece of the expression, with where it stands.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Piece<'a> {
    fn wrong(self, message: impl Into<String>) -> CronError {
        CronError { start: self.at, end: self.at + self.text.chars().count(), message: message.into() }
    }

    fn split(self, by: char) -> impl Iterator<Item = Piece<'a>> {
        let mut at = self.at;
        self.text.split(by).map(move |text| {
            let piece = Piece { text, at };
            at += text.chars().count() + 1;
            piece
        })
    }
}

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it and where; also when it names no time at all, such as the 30th of February.
    pub fn parse(source: &str) -> Result<Self, CronError> {
        let whole = Piece { text: source, at: 0 };
        let (text, pieces) = (source.trim(), pieces(source));
        if text.starts_with('@') {
            return Self::parse(spelled_out(text).ok_or_else(|| {
                whole.wrong("write @hourly, @daily, @weekly, @monthly or @yearly, or five or six fields")
            })?);
        }
        let (second, rest) = match pieces.as_slice() {
            rest @ [_, _, _, _, _] => (None, rest),
            [second, rest @ ..] if rest.len() == 5 => (Some(*second), rest),
            found => {
                return Err(whole.wrong(format!(
                    "there are {} fields; write five (minute, hour, day of month, month, day of week) or six, with the \
                     second in front",
                    found.len()
                )));
            }
        };
        let mut cron = Self {
            seconds: second.map_or(Ok(1), |second| set(&SECOND, second))?,
            minutes: set(&MINUTE, rest[0])?,
            hours: set(&HOUR, rest[1])?,
            days: 0,
            last_day: false,
            any_day: starred(rest[2]),
            months: set(&MONTH, rest[3])?,
            weekdays: 0,
            weeks: [0; 7],
            any_weekday: starred(rest[4]),
            steady: starred(rest[1]),
        };
        cron.read_days(rest[2])?;
        cron.read_weekdays(rest[4])?;
        let first = Civil { year: 2000, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
        if cron.next_from(first).is_none() {
            return Err(rest[2].wrong("there is never such a day in those months"));
        }
        Ok(cron)
    }

    /// Whether the hour is `*`, plain or with a step: then it runs by elapsed time, through the hour that a change of the
    /// clock repeats and over the one that it leaves out.
    pub fn is_steady(&self) -> bool {
        self.steady
    }

    /// The first civil time at or after `from` that the expression names; none only outside of what it was read with.
    pub fn next_from(&self, from: Civil) -> Option<Civil> {
        let Civil { mut year, mut month, mut day, .. } = from;
        let mut floor = (from.hour, from.minute, from.second);
        for _ in 0..=MOST_MONTHS {
            if has(self.months, month) {
                while day <= length(year, month) {
                    if self.on(year, month, day)
                        && let Some((hour, minute, second)) = self.time_from(floor)
                    {
                        return Some(Civil { year, month, day, hour, minute, second });
                    }
                    floor = (0, 0, 0);
                    day += 1;
                }
            }
            (floor, day) = ((0, 0, 0), 1);
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
        None
    }

    /// Whether the expression names this civil time.
    pub fn names(&self, at: Civil) -> bool {
        has(self.seconds, at.second)
            && has(self.minutes, at.minute)
            && has(self.hours, at.hour)
            && has(self.months, at.month)
            && self.on(at.year, at.month, at.day)
    }

    fn on(&self, year: i32, month: u32, day: u32) -> bool {
        let last = length(year, month);
        let by_day = has(self.days, day) || (self.last_day && day == last);
        let weekday = weekday(year, month, day);
        let weeks = self.weeks[weekday as usize];
        let by_weekday = has(self.weekdays, weekday)
            || weeks & (1 << ((day - 1) / 7 + 1)) != 0
            || (weeks & LAST != 0 && day + 7 > last);
        if self.any_day || self.any_weekday { by_day && by_weekday } else { by_day || by_weekday }
    }

    /// The first time of a day at or after `(hour, minute, second)`.
    fn time_from(&self, (hour, minute, second): (u32, u32, u32)) -> Option<(u32, u32, u32)> {
        let start = |set: u64| lowest(set, 0).unwrap_or(0);
        if has(self.hours, hour) {
            if has(self.minutes, minute)
                && let Some(second) = lowest(self.seconds, second)
            {
                return Some((hour, minute, second));
            }
            if let Some(minute) = lowest(self.minutes, minute + 1) {
                return Some((hour, minute, start(self.seconds)));
            }
        }
        lowest(self.hours, hour + 1).map(|hour| (hour, start(self.minutes), start(self.seconds)))
    }

    fn read_days(&mut self, field: Piece<'_>) -> Result<(), CronError> {
        for item in field.split(',') {
            if item.text.eq_ignore_ascii_case("L") {
                self.last_day = true;
            } else {
                self.days |= item_set(&DAY, item)?;
            }
        }
        Ok(())
    }

    fn read_weekdays(&mut self, field: Piece<'_>) -> Result<(), CronError> {
        for item in field.split(',') {
            let named = |text| Piece { text, ..item };
            if let Some((day, week)) = item.text.split_once('#') {
                let week = match week.parse::<u8>() {
                    Ok(week @ 1..=5) => 1 << week,
                    _ => return Err(item.wrong("after `#` stands which one of the month, 1 to 5")),
                };
                self.weeks[value(&WEEKDAY, named(day))? as usize % 7] |= week;
            } else if let Some(day) = item.text.strip_suffix(['L', 'l']) {
                if day.is_empty() {
                    return Err(item.wrong("`L` needs its day in front, such as FRIL for the last Friday"));
                }
                self.weeks[value(&WEEKDAY, named(day))? as usize % 7] |= LAST;
            } else {
                let set = item_set(&WEEKDAY, item)?;
                self.weekdays |= (set & 0x7f) | (set >> 7);
            }
        }
        Ok(())
    }
}

fn spelled_out(text: &str) -> Option<&'static str> {
    Some(match text {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => return None,
    })
}

/// The fields, with where each begins.
fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = source;
    let mut at = 0;
    while let Some(space) = rest.find(|letter: char| !letter.is_whitespace()) {
        at += rest[..space].chars().count();
        rest = &rest[space..];
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        pieces.push(Piece { text: &rest[..end], at });
        at += rest[..end].chars().count();
        rest = &rest[end..];
    }
    pieces
}

fn starred(field: Piece<'_>) -> bool {
    field.text.starts_with(['*', '?'])
}

fn set(field: &Field, piece: Piece<'_>) -> Result<u64, CronError> {
    piece.split(',').try_fold(0, |set, item| Ok(set | item_set(field, item)?))
}

/// One item of a list: `*`, a value, a range, each with or without a step.
fn item_set(field: &Field, item: Piece<'_>) -> Result<u64, CronError> {
    let (low, high) = (*field.range.start(), *field.range.end());
    let (base, step) = match item.text.split_once('/') {
        None => (item.text, None),
        Some((base, step)) => {
            let most = high - low;
            let step = step.parse::<u32>().ok().filter(|step| (1..=most).contains(step));
            let wrong = || item.wrong(format!("the step of the {} is a number from 1 to {most}", field.title));
            (base, Some(step.ok_or_else(wrong)?))
        }
    };
    let base = Piece { text: base, ..item };
    let (from, to) = match base.text {
        "*" => (low, high),
        "?" if matches!(field.title, "day of month" | "day of week") => (low, high),
        _ => match base.text.split_once('-') {
            Some((from, to)) => {
                let from = value(field, Piece { text: from, ..base })?;
                let to = value(field, Piece { text: to, at: base.at + base.text.len() - to.len() })?;
                // SAT-SUN: Sunday is 0 and 7.
                (from, if to == 0 && from > 0 && high == 7 { 7 } else { to })
            }
            None => {
                let from = value(field, base)?;
                (from, if step.is_some() { high } else { from })
            }
        },
    };
    if from > to {
        return Err(base.wrong("a range goes upward; write one that wraps as two, such as 22-23,0-2"));
    }
    // Both Sundays are one: `*` must not count it twice under a step.
    let to = if base.text == "*" && high == 7 { 6 } else { to };
    Ok((from..=to).step_by(step.unwrap_or(1) as usize).fold(0, |set, value| set | 1 << value))
}

fn value(field: &Field, piece: Piece<'_>) -> Result<u32, CronError> {
    let named = field.names.iter().zip(field.first..).find(|(name, _)| name.eq_ignore_ascii_case(piece.text));
    let number = || {
        let digits = !piece.text.is_empty() && piece.text.bytes().all(|byte| byte.is_ascii_digit());
        piece.text.parse::<u32>().ok().filter(|number| digits && field.range.contains(number))
    };
    named.map(|(_, value)| value).or_else(number).ok_or_else(|| {
        let names = match field.names {
            [first, .., last] => format!(", or {first} to {last}"),
            _ => String::new(),
        };
        let (low, high) = (field.range.start(), field.range.end());
        piece.wrong(format!("`{}` does not fit the {}: write {low} to {high}{names}", piece.text, field.title))
    })
}

fn has(set: u64, value: u32) -> bool {
    value < 64 && set & (1 << value) != 0
}

/// The lowest member that is at least `from`.
fn lowest(set: u64, from: u32) -> Option<u32> {
    let rest = if from < 64 { set >> from << from } else { 0 };
    (rest != 0).then(|| rest.trailing_zeros())
}

/// Days of a month.
fn length(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

/// 0 is Sunday (Zeller's congruence, moved by one).
fn weekday(year: i32, month: u32, day: u32) -> u32 {
    let (year, month) = if month < 3 { (year - 1, month + 12) } else { (year, month) };
    let of_years = year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    (of_years.rem_euclid(7).unsigned_abs() + (13 * (month + 1)) / 5 + day + 6) % 7
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Civil {
        let numbers: Vec<u32> = text.split(['-', ' ', ':']).map(|part| part.parse().unwrap()).collect();
        let [year, month, day, hour, minute, second] = numbers[..] else { panic!("{text}") };
        Civil { year: year.try_into().unwrap(), month, day, hour, minute, second }
    }

    fn next(cron: &str, from: &str) -> Civil {
        Cron::parse(cron).unwrap_or_else(|error| panic!("{cron}: {error}")).next_from(at(from)).unwrap()
    }

    #[test]
    fn each_form_names_the_times_that_cron_users_expect() {
        for (cron, from, expected) in [
            ("*/5 * * * *", "2026-11-21 10:02:03", "2026-11-21 10:05:00"),
            ("* * * * *", "2026-11-21 10:02:00", "2026-11-21 10:02:00"),
            ("*/10 * * * * *", "2026-11-21 23:59:51", "2026-11-22 00:00:00"),
            ("0 9 * * MON-FRI", "2026-11-21 10:00:00", "2026-11-23 09:00:00"),
            ("0 9 * * 1-5", "2026-11-20 09:00:01", "2026-11-23 09:00:00"),
            ("0 9 * * SAT-SUN", "2026-11-22 09:00:01", "2026-11-28 09:00:00"),
            ("0 9 * * 7", "2026-11-21 09:00:00", "2026-11-22 09:00:00"),
            ("0 0 L * *", "2028-02-01 00:00:00", "2028-02-29 00:00:00"),
            ("0 0 29 2 *", "2097-03-01 00:00:00", "2104-02-29 00:00:00"),
            ("0 0 * * FRI#2", "2026-11-01 00:00:00", "2026-11-13 00:00:00"),
            ("0 0 * * FRIL", "2026-11-01 00:00:00", "2026-11-27 00:00:00"),
            ("0 0 13 * FRI", "2026-11-07 00:00:00", "2026-11-13 00:00:00"),
            ("0 0 13 * FRI", "2026-11-14 00:00:00", "2026-11-20 00:00:00"),
            ("0 0 */2 * MON", "2026-11-03 00:00:00", "2026-11-09 00:00:00"),
            ("15,45 8-10/2 * jan,jul ?", "2026-11-01 00:00:00", "2027-01-01 08:15:00"),
            ("5/20 * * * *", "2026-11-21 10:06:00", "2026-11-21 10:25:00"),
            ("@monthly", "2026-12-01 00:00:01", "2027-01-01 00:00:00"),
            ("59 59 23 31 12 *", "2026-12-31 23:59:59", "2026-12-31 23:59:59"),
        ] {
            assert_eq!(next(cron, from), at(expected), "{cron} from {from}");
        }
    }

    #[test]
    fn the_next_time_is_the_first_of_all_that_are_named() {
        // Every second of five days, against the sets: nothing is left out and nothing is added.
        for cron in ["*/7 1,5-6 * * *", "3-59/9 */4 12 * * MON,WED", "0 0 12 L * TUE", "30 0 0 * 2,3 *"] {
            let cron = Cron::parse(cron).unwrap();
            let mut expected = Vec::new();
            for day in 26..=28 {
                for second in 0..86_400 {
                    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
                    let civil = Civil { year: 2026, month: 2, day, hour, minute, second };
                    if cron.names(civil) {
                        expected.push(civil);
                    }
                }
            }
            let mut from = at("2026-02-26 00:00:00");
            for civil in expected {
                assert_eq!(cron.next_from(from), Some(civil));
                // Any second is less than 60 more of them: compared, never shown.
                from = Civil { second: civil.second + 1, ..civil };
            }
            assert!(cron.next_from(from).unwrap() > at("2026-02-28 23:59:59"));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (cron, start, end, says) in [
            ("", 0, 0, "0 fields"),
            ("* * *", 0, 5, "3 fields"),
            ("60 * * * *", 0, 2, "`60` does not fit the minute: write 0 to 59"),
            ("  0 24 * * *", 4, 6, "`24` does not fit the hour"),
            ("0 9 * * MON-FUN", 12, 15, "`FUN` does not fit the day of week: write 0 to 7, or SUN to SAT"),
            ("0 9 31 feb *", 4, 6, "never such a day"),
            ("*/0 * * * *", 0, 3, "the step of the minute is a number from 1 to 59"),
            ("0 9 * * FRI#6", 8, 13, "1 to 5"),
            ("0 9 * * L", 8, 9, "FRIL"),
            ("0 22-2 * * *", 2, 6, "two"),
            ("0 9,x * * *", 4, 5, "`x` does not fit the hour"),
            ("+5 9 * * *", 0, 2, "`+5` does not fit the minute"),
            ("0 9 15W * *", 4, 7, "`15W`"),
            ("@reboot", 0, 7, "@hourly"),
            ("0 9 * ä *", 6, 7, "`ä` does not fit the month"),
            ("5- 9 * * *", 2, 2, "`` does not fit the minute"),
            ("0 ? * * *", 2, 3, "`?` does not fit the hour"),
        ] {
            let error = Cron::parse(cron).unwrap_err();
            assert!(error.message.contains(says), "{cron}: {error}");
            assert_eq!((error.start, error.end), (start, end), "{cron}: {error}");
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let parts = ["*", "/", "-", ",", "L", "#", "?", "0", "59", "MON", "é", " ", "@", "99999999999"];
        for a in parts {
            for b in parts {
                for c in parts {
                    let item = format!("{a}{b}{c}");
                    for source in [item.clone(), format!("{item} * * * *"), format!("0 0 {item} {item} {item}")] {
                        if let Ok(cron) = Cron::parse(&source) {
                            assert!(cron.next_from(at("2026-11-21 10:00:00")).is_some(), "{source}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn days_of_the_week_are_those_of_the_calendar() {
        for (year, month, day, expected) in
            [(2026, 11, 21, 6), (2000, 2, 29, 2), (1970, 1, 1, 4), (2100, 3, 1, 1), (2024, 12, 31, 2)]
        {
            assert_eq!(weekday(year, month, day), expected, "{year}-{month}-{day}");
        }
    }
}
