//! Time: moments are milliseconds since 1970 or RFC 3339 text, durations are milliseconds. No clock: `run.started_at` is the time there is.

use super::civil::{Civil, FIRST, LAST};
use super::{V, charge_text, text, wrong};
use crate::expr::functions::{Function, entry};
use crate::expr::{Meter, fail::Fail};
use holon_model::Value;
use std::fmt::Write as _;

pub(in crate::expr) const FUNCTIONS: &[Function] = &[
    entry(
        "timestamp",
        &["timestamp(text) -> int", "timestamp(millis)"],
        "Milliseconds since 1970 of RFC 3339 text; what is finer is left out.",
        &[
            ("timestamp('1970-01-01T00:00:01Z')", "1000"),
            ("timestamp('2024-01-01T00:00:00Z') + duration('1h') == timestamp('2024-01-01T02:00:00+01:00')", "true"),
        ],
        (1, 1),
        |args, _| moment(args, 0).map(Value::Int),
    ),
    entry(
        "duration",
        &["duration(text) -> int"],
        "Milliseconds of a duration such as 1d, 1h30m, 1.5s, 20ms, -5m.",
        &[("duration('1h30m')", "5400000")],
        (1, 1),
        duration,
    ),
    entry(
        "format_time",
        &["format_time(time) -> string", "format_time(time, format)", "format_time(time, format, offset)"],
        "A moment as RFC 3339 in UTC, or by a format of `%Y %m %d %e %H %I %M %S %3f %p %y %j %b %B %a %A %F %T %z %s %%`, on the clock of an offset such as +02:00.",
        &[
            ("format_time(0)", "\"1970-01-01T00:00:00Z\""),
            ("format_time('2024-02-29T23:30:00Z', '%d.%m.%Y %H:%M', '+01:00')", "\"01.03.2024 00:30\""),
        ],
        (1, 3),
        format_time,
    ),
    entry(
        "parse_time",
        &["parse_time(text) -> int", "parse_time(text, format)", "parse_time(text, format, offset)"],
        "Milliseconds since 1970 of RFC 3339 text, or of text in a format as `format_time` has them; without `%z` the clock is UTC or the offset's.",
        &[("parse_time('29.02.2024', '%d.%m.%Y') == timestamp('2024-02-29T00:00:00Z')", "true")],
        (1, 3),
        parse_time,
    ),
    entry(
        "getFullYear",
        &["time.getFullYear() -> int", "time.getFullYear(offset)"],
        "The year.",
        &[("timestamp('2024-02-29T12:00:00Z').getFullYear()", "2024")],
        (1, 2),
        |args, _| part(args, |civil| civil.year),
    ),
    entry(
        "getMonth",
        &["time.getMonth() -> int", "time.getMonth(offset)"],
        "The month, 0 is January.",
        &[("timestamp('2024-02-29T12:00:00Z').getMonth()", "1")],
        (1, 2),
        |args, _| part(args, |civil| civil.month - 1),
    ),
    entry(
        "getDate",
        &["time.getDate() -> int", "time.getDate(offset)"],
        "The day of the month, from 1.",
        &[("timestamp('2024-02-29T12:00:00Z').getDate()", "29")],
        (1, 2),
        |args, _| part(args, |civil| civil.day),
    ),
    entry(
        "getDayOfMonth",
        &["time.getDayOfMonth() -> int", "time.getDayOfMonth(offset)"],
        "The day of the month, from 0.",
        &[("timestamp('2024-02-29T12:00:00Z').getDayOfMonth()", "28")],
        (1, 2),
        |args, _| part(args, |civil| civil.day - 1),
    ),
    entry(
        "getDayOfWeek",
        &["time.getDayOfWeek() -> int", "time.getDayOfWeek(offset)"],
        "The day of the week, 0 is Sunday.",
        &[("timestamp('2024-02-29T12:00:00Z').getDayOfWeek()", "4")],
        (1, 2),
        |args, _| part(args, |civil| civil.weekday),
    ),
    entry(
        "getDayOfYear",
        &["time.getDayOfYear() -> int", "time.getDayOfYear(offset)"],
        "The day of the year, from 0.",
        &[("timestamp('2024-02-29T12:00:00Z').getDayOfYear()", "59")],
        (1, 2),
        |args, _| part(args, |civil| civil.year_day - 1),
    ),
    entry(
        "getHours",
        &["time.getHours() -> int", "time.getHours(offset)"],
        "The hour, 0 to 23.",
        &[("timestamp('2024-02-29T23:00:00Z').getHours('+02:00')", "1")],
        (1, 2),
        |args, _| part(args, |civil| civil.hour),
    ),
    entry(
        "getMinutes",
        &["time.getMinutes() -> int", "time.getMinutes(offset)"],
        "The minute.",
        &[("timestamp('2024-02-29T12:34:00Z').getMinutes()", "34")],
        (1, 2),
        |args, _| part(args, |civil| civil.minute),
    ),
    entry(
        "getSeconds",
        &["time.getSeconds() -> int", "time.getSeconds(offset)"],
        "The second.",
        &[("timestamp('2024-02-29T12:34:56Z').getSeconds()", "56")],
        (1, 2),
        |args, _| part(args, |civil| civil.second),
    ),
    entry(
        "getMilliseconds",
        &["time.getMilliseconds() -> int", "time.getMilliseconds(offset)"],
        "The milliseconds of the second.",
        &[("timestamp('2024-02-29T12:34:56.789Z').getMilliseconds()", "789")],
        (1, 2),
        |args, _| part(args, |civil| civil.millis),
    ),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const RFC_3339: &str = "write it as 2024-12-31T23:59:59Z, or say how it is written: parse_time(text, '%d.%m.%Y')";

fn moment(args: &[V<'_>], at: usize) -> Result<i64, Fail> {
    match &*args[at] {
        Value::Str(text) => rfc_3339(text).ok_or_else(|| {
            Fail::new("bad_conversion", format!("`{}` is not a time", text.chars().take(40).collect::<String>()))
                .hint(RFC_3339)
                .of(at)
        }),
        Value::Int(millis) if (FIRST..=LAST).contains(millis) => Ok(*millis),
        Value::Int(_) => Err(Fail::overflow().hint("times are of the years 1 to 9999, in milliseconds").of(at)),
        other => Err(wrong("a time (milliseconds or RFC 3339 text)", other, at)),
    }
}

fn part(args: &[V<'_>], take: fn(Civil) -> i64) -> Result<Value, Fail> {
    Ok(Value::Int(take(Civil::from_millis(moment(args, 0)?, offset(args, 1)?))))
}

/// Minutes ahead of UTC; none is UTC.
fn offset(args: &[V<'_>], at: usize) -> Result<i64, Fail> {
    if args.len() <= at {
        return Ok(0);
    }
    let text = text(args, at)?;
    let mut reader = Reader { rest: text };
    let found = if &**text == "UTC" { Some(0) } else { reader.offset().filter(|_| reader.rest.is_empty()) };
    found.ok_or_else(|| {
        let fail = Fail::argument(format!("`{}` is not an offset", text.chars().take(40).collect::<String>())).of(at);
        fail.hint("write +02:00 or UTC; zones by name are not known, since their rules change")
    })
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn eat(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// A number of `least` to `most` digits.
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let found = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(found);
        self.rest = rest;
        if found < least { None } else { digits.parse().ok() }
    }

    /// `Z`, `+02:00`, `-0330`, as minutes.
    fn offset(&mut self) -> Option<i64> {
        if self.eat("Z").or_else(|| self.eat("z")).is_some() {
            return Some(0);
        }
        let sign = if self.eat("+").is_some() { 1 } else { self.eat("-").map(|()| -1)? };
        let hours = self.digits(2, 2)?;
        let _ = self.eat(":");
        let minutes = self.digits(2, 2)?;
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }

    /// Digits after a point, as milliseconds.
    fn fraction(&mut self) -> Option<i64> {
        let start = self.rest;
        self.digits(1, 9)?;
        let digits = &start[..start.len() - self.rest.len()];
        format!("{digits:0<3}")[..3].parse().ok()
    }

    /// One of these names or its first three letters, in any case; its place.
    fn name(&mut self, names: &[&str], whole: bool) -> Option<i64> {
        let found = names.iter().position(|name| {
            let name = if whole { name } else { &name[..3] };
            self.rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name))
        })?;
        let length = if whole { names[found].len() } else { 3 };
        self.rest = &self.rest[length..];
        i64::try_from(found).ok()
    }
}

const START: Civil =
    Civil { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, millis: 0, weekday: 0, year_day: 0 };

fn rfc_3339(text: &str) -> Option<i64> {
    let mut reader = Reader { rest: text };
    let mut civil = START;
    civil.year = reader.digits(4, 4)?;
    reader.eat("-")?;
    civil.month = reader.digits(2, 2)?;
    reader.eat("-")?;
    civil.day = reader.digits(2, 2)?;
    reader.eat("T").or_else(|| reader.eat("t")).or_else(|| reader.eat(" "))?;
    civil.hour = reader.digits(2, 2)?;
    reader.eat(":")?;
    civil.minute = reader.digits(2, 2)?;
    reader.eat(":")?;
    civil.second = reader.digits(2, 2)?;
    if reader.eat(".").is_some() {
        civil.millis = reader.fraction()?;
    }
    let offset = reader.offset()?;
    if reader.rest.is_empty() { civil.to_millis(offset) } else { None }
}

fn duration(args: &[V<'_>], _: &mut Meter) -> Result<Value, Fail> {
    if let Value::Int(millis) = &*args[0] {
        return Ok(Value::Int(*millis));
    }
    let text = text(args, 0)?;
    duration_millis(text).map(Value::Int).ok_or_else(|| {
        let fail = Fail::new(
            "bad_conversion",
            format!("`{}` is not a duration in whole milliseconds", text.chars().take(40).collect::<String>()),
        );
        fail.hint("write it as 1d, 1h30m, 1.5s or 20ms").of(0)
    })
}

fn duration_millis(text: &str) -> Option<i64> {
    const UNITS: [(&str, i128); 5] = [("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let (negative, body) = text.strip_prefix('-').map_or((false, text), |body| (true, body));
    if body == "0" {
        return Some(0);
    }
    let mut reader = Reader { rest: body };
    let mut total: i128 = 0;
    while !reader.rest.is_empty() || body.is_empty() {
        let whole = i128::from(reader.digits(1, 18)?);
        let (mut fraction, mut parts) = (0, 1);
        if reader.eat(".").is_some() {
            let start = reader.rest;
            fraction = i128::from(reader.digits(1, 9)?);
            parts = 10i128.pow(u32::try_from(start.len() - reader.rest.len()).ok()?);
        }
        let (unit, millis) = UNITS.into_iter().find(|(unit, _)| reader.rest.starts_with(unit))?;
        reader.eat(unit)?;
        let scaled = fraction * millis;
        if scaled % parts != 0 {
            return None;
        }
        total += whole * millis + scaled / parts;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

fn format_time(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    const LONGEST: usize = 32;
    let millis = moment(args, 0)?;
    let minutes = offset(args, 2)?;
    let civil = Civil::from_millis(millis, minutes);
    let Some(format) = args.get(1).map(|_| text(args, 1)).transpose()? else {
        charge_text(meter, LONGEST)?;
        return Ok(Value::from(rfc_3339_text(civil)));
    };
    charge_text(meter, format.len().saturating_mul(LONGEST / 2))?;
    let mut out = String::new();
    let mut rest: &str = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (verb, after) = verb(&rest[at + 1..]);
        rest = after;
        write_part(verb, civil, millis, minutes, &mut out).ok_or_else(|| unknown_part(verb))?;
    }
    out.push_str(rest);
    Ok(Value::from(out))
}

fn rfc_3339_text(civil: Civil) -> String {
    let Civil { year, month, day, hour, minute, second, millis, .. } = civil;
    let mut out = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if millis > 0 {
        // Writing to a string cannot fail.
        let _ = write!(out, ".{millis:03}");
    }
    out.push('Z');
    out
}

/// The next directive after a `%`, and what follows it.
fn verb(rest: &str) -> (&str, &str) {
    let length = if rest.starts_with("3f") { 2 } else { rest.chars().next().map_or(0, char::len_utf8) };
    rest.split_at(length)
}

fn unknown_part(verb: &str) -> Fail {
    let fail = Fail::argument(format!("`%{verb}` is no part of a time")).of(1);
    fail.hint("there are %Y %m %d %e %H %I %M %S %3f %p %y %j %b %B %a %A %F %T %z %s and %%")
}

fn name_of(names: &'static [&'static str], index: i64) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
}

fn write_part(verb: &str, civil: Civil, millis: i64, offset: i64, out: &mut String) -> Option<()> {
    let twelve = |hour: i64| if hour % 12 == 0 { 12 } else { hour % 12 };
    let written = match verb {
        "Y" => write!(out, "{:04}", civil.year),
        "y" => write!(out, "{:02}", civil.year % 100),
        "m" => write!(out, "{:02}", civil.month),
        "d" => write!(out, "{:02}", civil.day),
        "e" => write!(out, "{}", civil.day),
        "H" => write!(out, "{:02}", civil.hour),
        "I" => write!(out, "{:02}", twelve(civil.hour)),
        "M" => write!(out, "{:02}", civil.minute),
        "S" => write!(out, "{:02}", civil.second),
        "3f" => write!(out, "{:03}", civil.millis),
        "p" => write!(out, "{}", if civil.hour < 12 { "AM" } else { "PM" }),
        "j" => write!(out, "{:03}", civil.year_day),
        "b" => write!(out, "{}", &name_of(&MONTHS, civil.month - 1)[..3]),
        "B" => write!(out, "{}", name_of(&MONTHS, civil.month - 1)),
        "a" => write!(out, "{}", &name_of(&DAYS, civil.weekday)[..3]),
        "A" => write!(out, "{}", name_of(&DAYS, civil.weekday)),
        "F" => write!(out, "{:04}-{:02}-{:02}", civil.year, civil.month, civil.day),
        "T" => write!(out, "{:02}:{:02}:{:02}", civil.hour, civil.minute, civil.second),
        "z" => write!(out, "{}{:02}:{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 60, offset.abs() % 60),
        "s" => write!(out, "{}", millis.div_euclid(1000)),
        "%" => write!(out, "%"),
        _ => return None,
    };
    written.ok()
}

fn parse_time(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    if args.len() == 1 {
        return moment(args, 0).map(Value::Int);
    }
    let (text, format) = (text(args, 0)?, super::text(args, 1)?);
    let mut clock = offset(args, 2)?;
    charge_text(meter, format.len())?;
    let mut reader = Reader { rest: text };
    let mut parsed = Parsed { civil: START, afternoon: None, seconds: None };
    let bad = || {
        let text: String = text.chars().take(40).collect();
        Fail::new("bad_conversion", format!("`{text}` is not a time in the form `{format}`")).of(0)
    };
    let mut rest: &str = format;
    while let Some(at) = rest.find('%') {
        reader.eat(&rest[..at]).ok_or_else(bad)?;
        let (verb, after) = verb(&rest[at + 1..]);
        rest = after;
        if verb == "z" {
            clock = reader.offset().ok_or_else(bad)?;
        } else {
            parsed.read(verb, &mut reader).ok_or_else(|| unknown_part(verb))?.ok_or_else(bad)?;
        }
    }
    reader.eat(rest).filter(|()| reader.rest.is_empty()).ok_or_else(bad)?;
    if let Some(seconds) = parsed.seconds {
        return seconds
            .checked_mul(1000)
            .filter(|millis| (FIRST..=LAST).contains(millis))
            .map(Value::Int)
            .ok_or_else(bad);
    }
    if let Some(afternoon) = parsed.afternoon {
        parsed.civil.hour = parsed.civil.hour % 12 + if afternoon { 12 } else { 0 };
    }
    parsed.civil.to_millis(clock).map(Value::Int).ok_or_else(bad)
}

struct Parsed {
    civil: Civil,
    afternoon: Option<bool>,
    seconds: Option<i64>,
}

impl Parsed {
    /// Reads one part; `None` when there is no such part, `Some(None)` when the text has something else there.
    fn read(&mut self, verb: &str, reader: &mut Reader<'_>) -> Option<Option<()>> {
        let civil = &mut self.civil;
        let slot = match verb {
            "Y" => (&mut civil.year, reader.digits(4, 4)),
            "y" => (&mut civil.year, reader.digits(2, 2).map(|year| if year < 70 { 2000 + year } else { 1900 + year })),
            "m" => (&mut civil.month, reader.digits(1, 2)),
            "d" | "e" => (&mut civil.day, reader.digits(1, 2)),
            "H" | "I" => (&mut civil.hour, reader.digits(1, 2)),
            "M" => (&mut civil.minute, reader.digits(2, 2)),
            "S" => (&mut civil.second, reader.digits(2, 2)),
            "3f" => (&mut civil.millis, reader.fraction()),
            "b" => (&mut civil.month, reader.name(&MONTHS, false).map(|month| month + 1)),
            "B" => (&mut civil.month, reader.name(&MONTHS, true).map(|month| month + 1)),
            "a" => return Some(reader.name(&DAYS, false).map(|_| ())),
            "A" => return Some(reader.name(&DAYS, true).map(|_| ())),
            "p" => {
                self.afternoon = reader.name(&["AM", "PM"], true).map(|found| found == 1);
                return Some(self.afternoon.map(|_| ()));
            }
            "s" => {
                self.seconds = reader.digits(1, 12);
                return Some(self.seconds.map(|_| ()));
            }
            "F" => return Some(["Y", "-", "m", "-", "d"].iter().try_for_each(|part| self.step(part, reader))),
            "T" => return Some(["H", ":", "M", ":", "S"].iter().try_for_each(|part| self.step(part, reader))),
            "%" => return Some(reader.eat("%")),
            _ => return None,
        };
        Some(slot.1.map(|value| *slot.0 = value))
    }

    fn step(&mut self, part: &str, reader: &mut Reader<'_>) -> Option<()> {
        if matches!(part, "-" | ":") { reader.eat(part) } else { self.read(part, reader)? }
    }
}
