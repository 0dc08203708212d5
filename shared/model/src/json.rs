//! Strict JSON (RFC 8259) to and from values: exact numbers, located errors, a bound on depth.
//!
//! A number without fraction or exponent that fits 64 bits is an int, every other number a decimal; one that fits neither
//! is an error, never rounded. A key that stands twice in an object is an error. Blob references are `{"$blob": {…}}`, which
//! only Holon writes: whoever else could would name a payload that they never sent.

use crate::{BlobRef, Decimal, Map, Value};
use std::{fmt::Write as _, sync::Arc};

/// Deepest nesting of lists and maps that is read.
pub const MAX_DEPTH: u32 = 96;

/// Why a text is not JSON that Holon reads, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}{}", if pointer.is_empty() { String::new() } else { format!(" ({pointer})") })]
pub struct JsonError {
    /// What is wrong.
    pub message: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte offset, from 0.
    pub offset: u64,
    /// JSON pointer to the place, as far as it was read.
    pub pointer: String,
}

/// Reads one JSON text that Holon wrote, with nothing but white space around it: the inverse of [`to_string`].
///
/// # Errors
/// Invalid UTF-8 or JSON, numbers that do not fit, repeated keys, nesting deeper than [`MAX_DEPTH`].
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    read(bytes, true)
}

/// Reads one JSON text of somebody else: a delivery, a request, an answer. It cannot name a blob. Kept as a map it would be one
/// after all as soon as it was written and read again.
///
/// # Errors
/// As [`parse`], and what would be a blob reference.
pub fn parse_foreign(bytes: &[u8]) -> Result<Value, JsonError> {
    read(bytes, false)
}

fn read(bytes: &[u8], blobs: bool) -> Result<Value, JsonError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = &bytes[..error.valid_up_to()];
            let reader = Reader {
                text: std::str::from_utf8(valid).unwrap_or_default(),
                at: valid.len(),
                path: Vec::new(),
                blobs,
            };
            return Err(reader.error("the text is not UTF-8"));
        }
    };
    let mut reader = Reader { text, at: 0, path: Vec::new(), blobs };
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.error("something follows the end of the JSON text"));
    }
    Ok(value)
}

/// A number as JSON writes it, as the value it is.
///
/// # Errors
/// A sentence for a number that fits neither 64 bits nor 28 digits.
pub fn parse_number(text: &str) -> Result<Value, &'static str> {
    if !text.contains(['.', 'e', 'E'])
        && let Ok(value) = text.parse::<i64>()
    {
        return Ok(Value::Int(value));
    }
    decimal(text).map(Value::Decimal).ok_or("the number does not fit: at most 28 digits, exactly")
}

/// Exact or nothing: mantissa and exponent by hand, since the crate's reader rounds what does not fit.
fn decimal(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text, 0),
    };
    let negative = mantissa.starts_with('-');
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let mut digits = digits.trim_start_matches('0');
    let mut scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if digits.is_empty() {
        return Some(Decimal::ZERO);
    }
    // Zeros at the end that only an exponent or a long fraction brought are not significant.
    while (scale > 28 || digits.len() > 28) && digits.ends_with('0') {
        digits = &digits[..digits.len() - 1];
        scale -= 1;
    }
    if digits.len() > 28 || !(-28..=28).contains(&scale) {
        return None;
    }
    let mut mantissa: i128 = digits.parse().ok()?;
    while scale < 0 {
        mantissa = mantissa.checked_mul(10)?;
        scale += 1;
    }
    let value = Decimal::try_from_i128_with_scale(mantissa, u32::try_from(scale).ok()?).ok()?;
    Some(if negative { -value } else { value })
}

/// Compact JSON; the inverse of [`parse`].
pub fn to_string(value: &Value) -> String {
    let mut out = String::new();
    write(value, Style { indent: None, pointed: false }, 0, &mut out);
    out
}

/// Compact JSON in which every whole decimal ends with `.0`, also one that has too many digits to be read as an int: how runs
/// of the first meaning of flows write it, see `holon_engine::SEMANTICS`.
pub fn to_string_pointed(value: &Value) -> String {
    let mut out = String::new();
    write(value, Style { indent: None, pointed: true }, 0, &mut out);
    out
}

/// JSON on lines, indented by two spaces, for people.
pub fn to_string_pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, Style { indent: Some(2), pointed: false }, 0, &mut out);
    out
}

#[derive(Clone, Copy)]
struct Style {
    indent: Option<usize>,
    /// Whether every whole decimal has a point.
    pointed: bool,
}

fn write(value: &Value, style: Style, depth: usize, out: &mut String) {
    let indent = style.indent;
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => write_display(value, out),
        // A decimal stays a decimal when it is read again: digits alone that fit 64 bits would be an int.
        Value::Decimal(value) if value.scale() == 0 && (style.pointed || i64::try_from(*value).is_ok()) => {
            write_display(value, out);
            out.push_str(".0");
        }
        Value::Decimal(value) => write_display(value, out),
        Value::Str(text) => write_string(text, out),
        Value::List(items) => {
            write_many('[', ']', items.len(), indent, depth, out, |index, out| {
                write(&items[index], style, depth + 1, out)
            });
        }
        Value::Map(map) => {
            let mut pairs = map.iter();
            write_many('{', '}', map.len(), indent, depth, out, |_, out| {
                if let Some((key, value)) = pairs.next() {
                    write_string(key, out);
                    out.push_str(if indent.is_some() { ": " } else { ":" });
                    write(value, style, depth + 1, out);
                }
            });
        }
        Value::Blob(blob) => {
            out.push_str(r#"{"$blob":{"hash":"#);
            write_string(&blob.hash, out);
            let _ = write!(out, r#","len":{},"media_type":"#, blob.len);
            write_string(&blob.media_type, out);
            out.push_str("}}");
        }
    }
}

fn write_display(value: impl std::fmt::Display, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
}

fn write_many(
    open: char,
    close: char,
    len: usize,
    indent: Option<usize>,
    depth: usize,
    out: &mut String,
    mut item: impl FnMut(usize, &mut String),
) {
    let line = |depth: usize, out: &mut String| {
        if let Some(indent) = indent
            && len > 0
        {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    out.push(open);
    for index in 0..len {
        if index > 0 {
            out.push(',');
        }
        line(depth + 1, out);
        item(index, out);
    }
    line(depth, out);
    out.push(close);
}

/// Writes `text` as a JSON string, quotes included.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    path: Vec<String>,
    /// Whether the text may name blobs.
    blobs: bool,
}

impl Reader<'_> {
    fn error(&self, message: impl Into<String>) -> JsonError {
        let before = &self.text[..self.at];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let pointer =
            self.path.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect();
        JsonError {
            message: message.into(),
            line: count(before.matches('\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
            offset: self.at as u64,
            pointer,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: u32) -> Result<Value, JsonError> {
        self.space();
        if depth > MAX_DEPTH {
            return Err(self.error(format!("the nesting is deeper than {MAX_DEPTH}")));
        }
        match self.peek() {
            None => Err(self.error("the JSON text ends where a value was expected")),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::from),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, JsonError> {
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        let found: String = self.text[self.at..].chars().take(1).collect();
        Err(self.error(format!("`{found}` is not the start of a value")))
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let whole = start + usize::from(bytes[start] == b'-');
        let mut end = digits(whole);
        let mut ok = end > whole && (bytes[whole] != b'0' || end == whole + 1);
        if bytes.get(end) == Some(&b'.') {
            let fraction = end + 1;
            end = digits(fraction);
            ok &= end > fraction;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let exponent = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            end = digits(exponent);
            ok &= end > exponent;
        }
        if !ok {
            return Err(self.error("this is not a JSON number"));
        }
        let value = parse_number(&self.text[start..end]).map_err(|message| self.error(message))?;
        self.at = end;
        Ok(value)
    }

    fn string(&mut self) -> Result<Arc<str>, JsonError> {
        self.at += 1;
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
        if rest.get(plain) == Some(&b'"') {
            self.at = start + plain + 1;
            return Ok(self.text[start..start + plain].into());
        }
        let mut out = String::from(&self.text[start..start + plain]);
        self.at = start + plain;
        loop {
            let Some(character) = self.text[self.at..].chars().next() else {
                return Err(self.error("the JSON text ends inside a string"));
            };
            match character {
                '"' => {
                    self.at += 1;
                    return Ok(out.into());
                }
                '\\' => out.push(self.escape()?),
                control if (control as u32) < 0x20 => {
                    return Err(self.error("a control character stands in a string unescaped"));
                }
                other => {
                    out.push(other);
                    self.at += other.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let kind = self.text.as_bytes().get(self.at + 1).copied();
        let simple = match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.error("this escape does not exist in JSON")),
        };
        self.at += 2;
        Ok(simple)
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        let unit = |at: usize| {
            let hex = self.text.get(at + 2..at + 6).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
            self.text[at..]
                .starts_with("\\u")
                .then_some(hex)
                .flatten()
                .and_then(|hex| u16::from_str_radix(hex, 16).ok())
        };
        let first = unit(self.at).ok_or_else(|| self.error("four hexadecimal digits follow \\u"))?;
        let pair = [first, unit(self.at + 6).unwrap_or(0)];
        let length = if (0xd800..0xdc00).contains(&first) { 2 } else { 1 };
        match char::decode_utf16(pair[..length].iter().copied()).next() {
            Some(Ok(character)) => {
                self.at += 6 * length;
                Ok(character)
            }
            _ => Err(self.error("half of a surrogate pair stands alone")),
        }
    }

    fn array(&mut self, depth: u32) -> Result<Value, JsonError> {
        self.at += 1;
        let mut items = Vec::new();
        if self.eat(b']') {
            return Ok(Value::from(items));
        }
        loop {
            self.path.push(items.len().to_string());
            items.push(self.value(depth + 1)?);
            self.path.pop();
            if self.eat(b']') {
                return Ok(Value::from(items));
            }
            if !self.eat(b',') {
                return Err(self.error("`,` or `]` was expected"));
            }
        }
    }

    fn object(&mut self, depth: u32) -> Result<Value, JsonError> {
        self.at += 1;
        let mut map = Map::new();
        if self.eat(b'}') {
            return Ok(Value::from(map));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in double quotes was expected"));
            }
            let key_at = self.at;
            let key = self.string()?;
            if !self.eat(b':') {
                return Err(self.error("`:` was expected"));
            }
            self.path.push(key.to_string());
            let value = self.value(depth + 1)?;
            self.path.pop();
            if map.insert(key.clone(), value).is_some() {
                self.at = key_at;
                return Err(self.error(format!("the key `{key}` stands twice")));
            }
            if self.eat(b'}') {
                return match blob(&map) {
                    None => Ok(Value::from(map)),
                    Some(blob) if self.blobs => Ok(blob),
                    Some(_) => {
                        self.at = key_at;
                        Err(self.error("`$blob` names a payload that Holon keeps, which only Holon does"))
                    }
                };
            }
            if !self.eat(b',') {
                return Err(self.error("`,` or `}` was expected"));
            }
        }
    }
}

/// `{"$blob": {hash, len, media_type}}`, as a reference.
fn blob(map: &Map) -> Option<Value> {
    let reference = map.get("$blob").filter(|_| map.len() == 1)?;
    let hash = reference
        .get("hash")?
        .as_str()
        .filter(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let len = u64::try_from(reference.get("len")?.as_int()?).ok()?;
    let media_type = reference.get("media_type")?.as_str()?;
    Some(Value::Blob(Arc::new(BlobRef { hash: hash.into(), len, media_type: media_type.into() })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> JsonError {
        parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn numbers_stay_exact_or_are_refused() {
        for (text, back) in [
            ("0", "0"),
            ("-0", "0"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9223372036854775808"),
            ("-9223372036854775809", "-9223372036854775809"),
            ("1.0", "1.0"),
            ("19.90", "19.90"),
            ("1e3", "1000.0"),
            ("1E-3", "0.001"),
            ("0.1", "0.1"),
            ("1234567890123456789012345678", "1234567890123456789012345678"),
            ("0e999999", "0.0"),
        ] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(value.to_json(), back, "{text}");
            let pointed =
                if value.as_int().is_none() && !back.contains('.') { format!("{back}.0") } else { back.into() };
            assert_eq!(to_string_pointed(&value), pointed, "{text}");
        }
        for text in [
            "12345678901234567890123456789",
            "1e29",
            "1e-29",
            "0.12345678901234567890123456789",
            "1e99999999999999999999",
        ] {
            assert!(error(text).message.contains("fit"), "{text}");
        }
    }

    #[test]
    fn errors_say_where() {
        let found = error("{\n  \"a\": [1, 2,\n 01]}");
        assert_eq!((found.line, found.column, found.pointer.as_str()), (3, 2, "/a/2"));
        assert_eq!(parse(b"{\"a\": \"\xff\"}").unwrap_err().offset, 7);
        assert!(error(r#"{"a":1,"a":2}"#).message.contains("twice"));
        assert!(error(&"[".repeat(100_000)).message.contains("deeper"));
    }

    #[test]
    fn a_text_of_somebody_else_names_no_blob_however_it_is_written_and_where() {
        let blob = |key: &str| {
            let hash = "0".repeat(64);
            format!(r#"{{"{key}": {{"hash": "{hash}", "len": 3, "media_type": "text/plain"}}}}"#)
        };
        for key in ["$blob", r"\u0024blob", r"$b\u006cob"] {
            let text = format!(r#"{{"a": [1, {}]}}"#, blob(key));
            let found = parse_foreign(text.as_bytes()).unwrap_err();
            assert_eq!((found.pointer.as_str(), found.message.contains("$blob")), ("/a/1", true), "{text}");
            assert_eq!((found.line, found.column), (1, 12), "{text}");
            let ours = parse(text.as_bytes()).unwrap();
            assert!(matches!(ours.pointer("/a/1"), Some(Value::Blob(_))), "{text}");
            assert_eq!(parse(ours.to_json().as_bytes()).unwrap(), ours);
        }
        // What only looks like one is a map for everybody, before and after it is written.
        for text in [r#"{"$blob":{"hash":"00","len":3,"media_type":"a"}}"#, r#"{"$blob":1}"#, r#"{"$blob":{},"b":1}"#] {
            let map = parse_foreign(text.as_bytes()).unwrap();
            assert_eq!((map.to_json().as_str(), parse(text.as_bytes()).unwrap()), (text, map.clone()));
        }
    }

    #[test]
    fn invalid_texts_are_refused() {
        for text in [
            "",
            " ",
            "nul",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "'a'",
            "1 2",
            "+1",
            ".5",
            "1.",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\t\"",
            "\u{feff}1",
            "NaN",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn strings_read_back() {
        let value = Value::str("a\"\\\n\u{1}é😀");
        assert_eq!(parse(value.to_json().as_bytes()).unwrap(), value);
        assert_eq!(parse(br#""\ud83d\ude00\u00e9""#).unwrap(), Value::str("😀é"));
    }
}
