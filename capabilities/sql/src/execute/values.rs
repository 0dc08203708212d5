//! Values of Postgres in text, and ours. Text and not binary: it is exact, it is the same for all servers, and what is not known is
//! still readable.

use holon_model::{Map, Value, json};

/// Object ids of types, as `pg_type` has had them since ever.
mod oid {
    pub(super) const BOOL: u32 = 16;
    pub(super) const INTS: [u32; 4] = [20, 21, 23, 26];
    pub(super) const NUMBERS: [u32; 3] = [700, 701, 1700];
    pub(super) const JSON: [u32; 2] = [114, 3802];
    pub(super) const TIMESTAMP: u32 = 1114;
    pub(super) const TIMESTAMPTZ: u32 = 1184;
    /// Of each array that is read as a list the type of its elements.
    pub(super) const ARRAYS: [(u32, u32); 23] = [
        (1000, 16),
        (1005, 21),
        (1007, 23),
        (1016, 20),
        (1028, 26),
        (1021, 700),
        (1022, 701),
        (1231, 1700),
        (199, 114),
        (3807, 3802),
        (1115, 1114),
        (1185, 1184),
        (1009, 25),
        (1015, 1043),
        (1014, 1042),
        (1003, 19),
        (2951, 2950),
        (1182, 1082),
        (1183, 1083),
        (1270, 1266),
        (1187, 1186),
        (1001, 17),
        (1041, 869),
    ];
}

/// Lists in lists at most.
const DEEPEST: usize = 8;

/// A value of a column.
pub(super) fn read(text: &str, kind: u32) -> Value {
    if let Some((_, of)) = oid::ARRAYS.iter().find(|(array, _)| *array == kind) {
        return list(text, *of).unwrap_or_else(|| Value::from(text));
    }
    let number =
        || json::parse(text.as_bytes()).ok().filter(|value| matches!(value, Value::Int(_) | Value::Decimal(_)));
    match kind {
        oid::BOOL => Value::Bool(text == "t"),
        kind if oid::INTS.contains(&kind) => text.parse().map_or_else(|_| Value::from(text), Value::Int),
        // `NaN`, and numbers of more digits than are counted exactly, stay what they are.
        kind if oid::NUMBERS.contains(&kind) => number().unwrap_or_else(|| Value::from(text)),
        kind if oid::JSON.contains(&kind) => json::parse_foreign(text.as_bytes()).unwrap_or_else(|_| Value::from(text)),
        oid::TIMESTAMP => instant(text, "").map_or_else(|| Value::from(text), Value::from),
        oid::TIMESTAMPTZ => instant(text, "+00").map_or_else(|| Value::from(text), Value::from),
        _ => Value::from(text),
    }
}

/// `2026-11-21 12:00:00.5+00` as RFC 3339; not what lies outside of its years.
fn instant(text: &str, zone: &str) -> Option<String> {
    let bare = text.strip_suffix(zone)?;
    let (date, time) = bare.split_once(' ')?;
    let plain = date.len() == 10 && time.bytes().all(|b| b.is_ascii_digit() || b == b':' || b == b'.');
    plain.then(|| format!("{date}T{time}{}", if zone.is_empty() { "" } else { "Z" }))
}

/// An array as a list; nothing for one with bounds of its own, which a list cannot say.
fn list(text: &str, of: u32) -> Option<Value> {
    let mut rest = text;
    let value = nested(&mut rest, of, 0)?;
    rest.is_empty().then_some(value)
}

fn nested(rest: &mut &str, of: u32, depth: usize) -> Option<Value> {
    *rest = rest.strip_prefix('{').filter(|_| depth < DEEPEST)?;
    let mut items = Vec::new();
    if let Some(after) = rest.strip_prefix('}') {
        *rest = after;
        return Some(items.into());
    }
    loop {
        items.push(if rest.starts_with('{') {
            nested(rest, of, depth + 1)?
        } else if let Some(after) = rest.strip_prefix('"') {
            let (text, after) = quoted(after)?;
            *rest = after;
            read(&text, of)
        } else {
            let end = rest.find([',', '}'])?;
            let (text, after) = rest.split_at(end);
            *rest = after;
            if text == "NULL" { Value::Null } else { read(text, of) }
        });
        let next = rest.chars().next()?;
        *rest = &rest[next.len_utf8()..];
        match next {
            ',' => {}
            '}' => return Some(items.into()),
            _ => return None,
        }
    }
}

/// What stands up to the closing quote, and what comes after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut plain = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((plain, &text[at + 1..])),
            '\\' => plain.push(chars.next()?.1),
            c => plain.push(c),
        }
    }
    None
}

/// A parameter in text, for a type; nothing for null.
///
/// # Errors
/// What it is that cannot be bound.
pub(super) fn write(value: &Value, kind: u32) -> Result<Option<String>, String> {
    let array = oid::ARRAYS.iter().any(|(array, _)| *array == kind);
    Ok(match value {
        Value::Null => None,
        // JSON's null is the SQL one; a text for JSON is a JSON text.
        Value::Str(text) if oid::JSON.contains(&kind) => Some(Value::from(&**text).to_json()),
        Value::Str(text) if text.contains('\0') => {
            return Err("has the character U+0000, which Postgres does not store".into());
        }
        Value::Str(text) => Some(text.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Int(_) | Value::Decimal(_) => Some(value.to_json()),
        Value::List(items) if array => Some(array_of(items)?),
        Value::List(_) | Value::Map(_) => Some(value.to_json()),
        Value::Blob(_) => return Err("is a reference to a payload, not a value".into()),
    })
}

fn array_of(items: &[Value]) -> Result<String, String> {
    let mut text = String::from("{");
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        match item {
            Value::Null => text.push_str("NULL"),
            Value::List(inner) => text.push_str(&array_of(inner)?),
            item => {
                let plain = write(item, 0)?.unwrap_or_default();
                text.push('"');
                for c in plain.chars() {
                    if matches!(c, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(c);
                }
                text.push('"');
            }
        }
    }
    text.push('}');
    Ok(text)
}

/// A row as a map by column.
pub(super) fn row(columns: &[(String, u32)], cells: Vec<Option<String>>) -> Value {
    let cells = columns.iter().zip(cells);
    let named =
        cells.map(|((name, kind), cell)| (name.as_str().into(), cell.map_or(Value::Null, |text| read(&text, *kind))));
    named.collect::<Map>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_what_cannot_be_counted_is_text() {
        for (text, kind, json) in [
            ("9007199254740993", 20, "9007199254740993"),
            ("59.70", 1700, "59.70"),
            ("1e+20", 701, "100000000000000000000"),
            ("NaN", 1700, r#""NaN""#),
            ("Infinity", 701, r#""Infinity""#),
            ("t", 16, "true"),
            (r#"{"a": 1.10}"#, 3802, r#"{"a":1.10}"#),
            ("2026-11-21 12:00:00.5+00", 1184, r#""2026-11-21T12:00:00.5Z""#),
            ("2026-11-21 12:00:00", 1114, r#""2026-11-21T12:00:00""#),
            ("0044-03-15 12:00:00 BC", 1114, r#""0044-03-15 12:00:00 BC""#),
            ("infinity", 1184, r#""infinity""#),
            ("whatever", 4711, r#""whatever""#),
        ] {
            let read = read(text, kind);
            let exact = json::parse(json.as_bytes()).unwrap();
            assert_eq!(read, exact, "{text}: {}", read.to_json());
        }
        let long = "123456789012345678901234567890.123456789";
        assert_eq!(read(long, 1700), Value::from(long));
    }

    #[test]
    fn arrays_are_lists_with_what_is_quoted_in_them() {
        for (text, kind, json) in [
            ("{}", 1007, "[]"),
            ("{1,NULL,3}", 1007, "[1,null,3]"),
            ("{{1,2},{3,4}}", 1007, "[[1,2],[3,4]]"),
            (r#"{plain,"a b","q\"\\","NULL",""}"#, 1009, r#"["plain","a b","q\"\\","NULL",""]"#),
            ("[0:1]={1,2}", 1007, r#""[0:1]={1,2}""#),
            ("{1,2", 1007, r#""{1,2""#),
            (r#"{"{\"a\": 1}"}"#, 3807, r#"[{"a":1}]"#),
        ] {
            assert_eq!(read(text, kind).to_json(), json, "{text}");
        }
    }

    #[test]
    fn a_list_is_an_array_where_one_is_wanted_and_json_elsewhere() {
        let value = json::parse(br#"["a\"b\\", null, 1.50, [true]]"#).unwrap();
        assert_eq!(write(&value, 1009).unwrap().unwrap(), r#"{"a\"b\\",NULL,"1.50",{"true"}}"#);
        assert_eq!(write(&value, 3802).unwrap().unwrap(), value.to_json());
        assert_eq!(write(&Value::from("x"), 3802).unwrap().unwrap(), r#""x""#);
        assert_eq!(write(&Value::from("x"), 25).unwrap().unwrap(), "x");
        assert_eq!(write(&Value::Null, 25), Ok(None));
        assert!(write(&Value::from("a\0b"), 25).is_err());
    }
}
