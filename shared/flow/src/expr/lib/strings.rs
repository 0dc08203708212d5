//! Functions of text. Positions count characters (code points); letters change case only in ASCII, the same on every platform.

use super::{V, charge_places, charge_text, convert, count, int, list, number, text, wrong};
use crate::expr::functions::{Function, entry};
use crate::expr::ops;
use crate::expr::{Meter, calls, fail::Fail};
use holon_model::{Decimal, Value};
use std::sync::Arc;

pub(in crate::expr) const FUNCTIONS: &[Function] = &[
    entry(
        "size",
        &["size(text) -> int", "size(list)", "size(map)"],
        "Characters of a text, items of a list, fields of a map.",
        &[("size('héé')", "3"), ("[1, 2].size()", "2")],
        (1, 1),
        size,
    ),
    entry(
        "contains",
        &["text.contains(part) -> bool"],
        "Whether a text contains another.",
        &[("'holon'.contains('lo')", "true")],
        (2, 2),
        contains,
    ),
    entry(
        "startsWith",
        &["text.startsWith(prefix) -> bool"],
        "Whether a text starts with another.",
        &[("'holon'.startsWith('ho')", "true")],
        (2, 2),
        starts_with,
    ),
    entry(
        "endsWith",
        &["text.endsWith(suffix) -> bool"],
        "Whether a text ends with another.",
        &[("'holon'.endsWith('on')", "true")],
        (2, 2),
        ends_with,
    ),
    entry(
        "matches",
        &["text.matches(pattern) -> bool"],
        "Whether a pattern (RE2 syntax, linear time) matches somewhere in a text; `^…$` for all of it.",
        &[("'A-17'.matches('^[A-Z]-[0-9]+$')", "true")],
        (2, 2),
        matches,
    ),
    entry(
        "lowerAscii",
        &["text.lowerAscii() -> string"],
        "Letters A to Z in lower case.",
        &[("'AbÉ'.lowerAscii()", "\"abÉ\"")],
        (1, 1),
        |args, meter| case(args, meter, str::to_ascii_lowercase),
    ),
    entry(
        "upperAscii",
        &["text.upperAscii() -> string"],
        "Letters a to z in upper case.",
        &[("'ab'.upperAscii()", "\"AB\"")],
        (1, 1),
        |args, meter| case(args, meter, str::to_ascii_uppercase),
    ),
    entry(
        "trim",
        &["text.trim() -> string"],
        "Without white space at both ends.",
        &[("'  a b '.trim()", "\"a b\"")],
        (1, 1),
        trim,
    ),
    entry(
        "replace",
        &["text.replace(old, new) -> string", "text.replace(old, new, limit)"],
        "With `new` for each `old`, or for the first `limit` of them.",
        &[("'a-b-c'.replace('-', '+')", "\"a+b+c\""), ("'a-b-c'.replace('-', '', 1)", "\"ab-c\"")],
        (3, 4),
        replace,
    ),
    entry(
        "split",
        &["text.split(separator) -> list", "text.split(separator, limit)"],
        "The parts between separators, at most `limit` of them; an empty separator gives the characters.",
        &[("'a,b'.split(',')", "[\"a\",\"b\"]"), ("'a,b,c'.split(',', 2)", "[\"a\",\"b,c\"]")],
        (2, 3),
        split,
    ),
    entry(
        "lines",
        &["text.lines() -> list"],
        "The lines, without their ends.",
        &[("'a\\nb\\n'.lines()", "[\"a\",\"b\"]")],
        (1, 1),
        lines,
    ),
    entry(
        "join",
        &["list.join() -> string", "list.join(separator)"],
        "The texts of a list as one, with a separator between them; numbers are written as `string` writes them.",
        &[("['a', 'b', 3].join('-')", "\"a-b-3\"")],
        (1, 2),
        join,
    ),
    entry(
        "substring",
        &["text.substring(start) -> string", "text.substring(start, end)"],
        "The characters from `start` to before `end`.",
        &[("'holon'.substring(1, 3)", "\"ol\"")],
        (2, 3),
        substring,
    ),
    entry(
        "charAt",
        &["text.charAt(index) -> string"],
        "The character at a position; empty text just past the end.",
        &[("'abc'.charAt(1)", "\"b\"")],
        (2, 2),
        char_at,
    ),
    entry(
        "indexOf",
        &["text.indexOf(part) -> int", "text.indexOf(part, from)", "list.indexOf(item)"],
        "Where a part or an item is first found, or -1.",
        &[("'holon'.indexOf('o', 2)", "3"), ("[5, 7].indexOf(7)", "1")],
        (2, 3),
        index_of,
    ),
    entry(
        "lastIndexOf",
        &["text.lastIndexOf(part) -> int", "text.lastIndexOf(part, from)", "list.lastIndexOf(item)"],
        "Where a part or an item is last found, or -1.",
        &[("'holon'.lastIndexOf('o')", "3")],
        (2, 3),
        last_index_of,
    ),
    entry(
        "repeat",
        &["text.repeat(times) -> string"],
        "A text several times.",
        &[("'ab'.repeat(3)", "\"ababab\"")],
        (2, 2),
        repeat,
    ),
    entry(
        "pad_start",
        &["text.pad_start(length, filler) -> string"],
        "With a filler character before it up to a length.",
        &[("string(7).pad_start(3, '0')", "\"007\"")],
        (3, 3),
        |args, meter| pad(args, meter, true),
    ),
    entry(
        "pad_end",
        &["text.pad_end(length, filler) -> string"],
        "With a filler character after it up to a length.",
        &[("'ab'.pad_end(4, '.')", "\"ab..\"")],
        (3, 3),
        |args, meter| pad(args, meter, false),
    ),
    entry(
        "format",
        &["text.format(list) -> string"],
        "With the items of a list for `%s` (any), `%d` (whole number), `%.2f` (digits after the point), `%x` `%X` `%o` `%b` (whole number in another base); `%%` is a percent sign.",
        &[("'%s: %.2f'.format(['sum', 12.5])", "\"sum: 12.50\"")],
        (2, 2),
        format,
    ),
    entry(
        "strings.quote",
        &["strings.quote(text) -> string"],
        "A text in double quotes with what needs it escaped.",
        &[("strings.quote('a\"b')", r#""\"a\\\"b\"""#)],
        (1, 1),
        quote,
    ),
    entry(
        "escape_html",
        &["escape_html(text) -> string"],
        "With & < > \" ' written so that they are text in HTML.",
        &[("escape_html('<b>')", "\"&lt;b&gt;\"")],
        (1, 1),
        escape_html,
    ),
];

fn size(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    Ok(number(match &*args[0] {
        Value::Str(text) => {
            ops::read(meter, text.len())?;
            text.chars().count()
        }
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        other => return Err(wrong("text, a list or a map", other, 0)),
    }))
}

fn contains(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    if let Value::List(_) = &*args[0] {
        return Err(wrong("text", &args[0], 0).hint("write `item in list`"));
    }
    let (whole, part) = (text(args, 0)?, text(args, 1)?);
    ops::read(meter, whole.len())?;
    Ok(Value::Bool(whole.contains(&**part)))
}

fn starts_with(args: &[V<'_>], _: &mut Meter) -> Result<Value, Fail> {
    Ok(Value::Bool(text(args, 0)?.starts_with(&**text(args, 1)?)))
}

fn ends_with(args: &[V<'_>], _: &mut Meter) -> Result<Value, Fail> {
    Ok(Value::Bool(text(args, 0)?.ends_with(&**text(args, 1)?)))
}

/// Patterns that are not constant are compiled each time, which costs accordingly.
fn matches(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    const COMPILE: usize = 64;
    let (text, pattern) = (text(args, 0)?, text(args, 1)?);
    ops::work(meter, text.len() + COMPILE * (1 + pattern.len()))?;
    let regex = calls::pattern_of(pattern).map_err(|message| Fail::argument(message).of(1))?;
    Ok(Value::Bool(regex.is_match(text)))
}

fn case(args: &[V<'_>], meter: &mut Meter, change: fn(&str) -> String) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    charge_text(meter, text.len())?;
    Ok(Value::from(change(text)))
}

fn trim(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    charge_text(meter, text.len())?;
    Ok(Value::str(text.trim()))
}

fn replace(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let (whole, old, new) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let limit = match args.get(3) {
        Some(_) => usize::try_from(int(args, 3)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    ops::read(meter, whole.len())?;
    let found = whole.matches(&**old).take(limit).count();
    charge_text(meter, (whole.len() - found * old.len()).saturating_add(found.saturating_mul(new.len())))?;
    Ok(Value::from(whole.replacen(&**old, new, limit)))
}

fn split(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let (whole, separator) = (text(args, 0)?, text(args, 1)?);
    let limit = match args.get(2) {
        Some(_) => usize::try_from(int(args, 2)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    ops::read(meter, whole.len())?;
    if limit == 0 {
        return Ok(Value::from(Vec::new()));
    }
    let parts = if separator.is_empty() { whole.chars().count() } else { whole.matches(&**separator).count() + 1 };
    charge_places(meter, parts.min(limit))?;
    charge_text(meter, whole.len())?;
    if separator.is_empty() {
        let cut = whole.char_indices().nth(limit - 1).map_or(whole.len(), |(at, _)| at);
        let mut parts: Vec<Value> =
            whole[..cut].chars().map(|character| Value::str(character.encode_utf8(&mut [0; 4]) as &str)).collect();
        if cut < whole.len() {
            parts.push(Value::str(&whole[cut..]));
        }
        return Ok(Value::from(parts));
    }
    Ok(Value::list(whole.splitn(limit, &**separator).map(Value::from)))
}

fn lines(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    ops::read(meter, text.len())?;
    charge_places(meter, text.lines().count())?;
    charge_text(meter, text.len())?;
    Ok(Value::list(text.lines().map(Value::from)))
}

fn join(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let items = list(args, 0)?;
    let separator = if args.len() > 1 { &**text(args, 1)? } else { "" };
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        if matches!(item, Value::List(_) | Value::Map(_) | Value::Blob(_) | Value::Null) {
            let fail = Fail::overload(format!("item {index} is {}, which has no text to join", item.type_name())).of(0);
            return Err(fail.hint("give each item a text first: list.map(x, to_json(x)).join(…)"));
        }
        let item = convert::display(item, meter)?;
        let gap = if index > 0 { separator } else { "" };
        ops::work(meter, 1)?;
        ops::alloc(meter, (gap.len() + item.len()) as u64)?;
        out.push_str(gap);
        out.push_str(&item);
    }
    Ok(Value::from(out))
}

/// The byte where character `position` starts; its end for one past the last.
fn byte_of(text: &str, position: usize, at: usize) -> Result<usize, Fail> {
    let found = text.char_indices().map(|(byte, _)| byte).chain([text.len()]).nth(position);
    found.ok_or_else(|| {
        Fail::new(
            "index_out_of_range",
            format!("there is no position {position} in a text of {} characters", text.chars().count()),
        )
        .of(at)
    })
}

fn substring(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    ops::read(meter, text.len())?;
    let start = byte_of(text, count(args, 1)?, 1)?;
    let end = if args.len() > 2 { byte_of(text, count(args, 2)?, 2)? } else { text.len() };
    let Some(part) = text.get(start..end) else {
        return Err(Fail::argument("the end lies before the start").of(2));
    };
    charge_text(meter, part.len())?;
    Ok(Value::str(part))
}

fn char_at(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    ops::read(meter, text.len())?;
    let start = byte_of(text, count(args, 1)?, 1)?;
    let character = text[start..].chars().next();
    Ok(Value::from(character.map(String::from).unwrap_or_default()))
}

fn position(text: &str, byte: Option<usize>) -> Value {
    byte.map_or(Value::Int(-1), |byte| number(text[..byte].chars().count()))
}

fn index_of(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    if let Value::List(items) = &*args[0] {
        return find_item(items.iter().enumerate(), &args[1], meter);
    }
    let (whole, part) = (text(args, 0)?, text(args, 1)?);
    ops::read(meter, whole.len())?;
    let from = if args.len() > 2 { byte_of(whole, count(args, 2)?, 2)? } else { 0 };
    Ok(position(whole, whole[from..].find(&**part).map(|found| found + from)))
}

fn last_index_of(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    if let Value::List(items) = &*args[0] {
        return find_item(items.iter().enumerate().rev(), &args[1], meter);
    }
    let (whole, part) = (text(args, 0)?, text(args, 1)?);
    ops::read(meter, whole.len())?;
    let from = if args.len() > 2 { byte_of(whole, count(args, 2)?, 2)? } else { whole.len() };
    let end = from.saturating_add(part.len()).min(whole.len());
    let searched = (0..=end).rev().find_map(|end| whole.get(..end)).unwrap_or_default();
    Ok(position(whole, searched.rfind(&**part)))
}

fn find_item<'v>(
    items: impl Iterator<Item = (usize, &'v Value)>,
    wanted: &Value,
    meter: &mut Meter,
) -> Result<Value, Fail> {
    for (index, item) in items {
        ops::work(meter, 1)?;
        if ops::equal(item, wanted, meter)? {
            return Ok(number(index));
        }
    }
    Ok(Value::Int(-1))
}

fn repeat(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let (text, times) = (text(args, 0)?, count(args, 1)?);
    charge_text(meter, text.len().saturating_mul(times))?;
    Ok(Value::from(text.repeat(times)))
}

fn pad(args: &[V<'_>], meter: &mut Meter, start: bool) -> Result<Value, Fail> {
    let (text, length, filler) = (text(args, 0)?, count(args, 1)?, super::text(args, 2)?);
    if filler.chars().count() != 1 {
        return Err(Fail::argument("the filler is one character").of(2));
    }
    ops::read(meter, text.len())?;
    let missing = length.saturating_sub(text.chars().count());
    charge_text(meter, missing.saturating_mul(filler.len()).saturating_add(text.len()))?;
    let fill = filler.repeat(missing);
    Ok(Value::from(if start { fill + text } else { [&**text, &fill].concat() }))
}

fn quote(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    charge_text(meter, text.len().saturating_mul(2) + 2)?;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            other => out.push(other),
        }
    }
    out.push('"');
    Ok(Value::from(out))
}

fn escape_html(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    const LONGEST: usize = 6;
    let text = text(args, 0)?;
    let special = text.bytes().filter(|byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')).count();
    charge_text(meter, text.len() + special * LONGEST)?;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    Ok(Value::from(out))
}

fn format(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let (pattern, items) = (text(args, 0)?, list(args, 1)?);
    charge_text(meter, pattern.len())?;
    let mut out = String::new();
    let mut items = items.iter();
    let mut rest: &str = pattern;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let digits =
            rest.strip_prefix('.').map(|rest| rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let precision = digits.and_then(|digits| rest[1..=digits].parse::<u32>().ok());
        rest = &rest[digits.map_or(0, |digits| digits + 1)..];
        let Some(verb) = rest.chars().next() else {
            return Err(Fail::argument("the pattern ends after `%`").of(0).hint("write %% for a percent sign"));
        };
        rest = &rest[verb.len_utf8()..];
        let item =
            items.next().ok_or_else(|| Fail::argument("the list has fewer items than the pattern has places").of(1))?;
        let piece = directive(verb, precision, item, meter)?;
        ops::alloc(meter, piece.len() as u64)?;
        out.push_str(&piece);
    }
    out.push_str(rest);
    Ok(Value::from(out))
}

fn directive(verb: char, precision: Option<u32>, item: &Value, meter: &mut Meter) -> Result<Arc<str>, Fail> {
    const DEFAULT_DIGITS: u32 = 6;
    let whole = || item.as_int().ok_or_else(|| wrong("a whole number", item, 1));
    let based = |digits: String, value: i64| Arc::from(if value < 0 { format!("-{digits}") } else { digits });
    match verb {
        's' if item.is_null() => Ok("null".into()),
        's' => convert::display(item, meter),
        'd' => Ok(whole()?.to_string().into()),
        'x' => whole().map(|value| based(format!("{:x}", value.unsigned_abs()), value)),
        'X' => whole().map(|value| based(format!("{:X}", value.unsigned_abs()), value)),
        'o' => whole().map(|value| based(format!("{:o}", value.unsigned_abs()), value)),
        'b' => match item {
            Value::Bool(value) => Ok(if *value { "1" } else { "0" }.into()),
            _ => whole().map(|value| based(format!("{:b}", value.unsigned_abs()), value)),
        },
        'f' => {
            let value = item.as_decimal().ok_or_else(|| wrong("a number", item, 1))?;
            let digits = precision.unwrap_or(DEFAULT_DIGITS);
            if digits > Decimal::MAX_SCALE {
                return Err(Fail::argument("a number has at most 28 digits after the point").of(0));
            }
            Ok(format!("{:.1$}", value.round_dp(digits), digits as usize).into())
        }
        other => Err(Fail::argument(format!("`%{other}` is no place for a value"))
            .of(0)
            .hint("there are %s %d %f %x %X %o %b and %%")),
    }
}
