//! Conversions between types, and how values are written as text.

use super::{V, charge_text, text, wrong};
use crate::expr::functions::{Function, entry};
use crate::expr::{Meter, fail::Fail, ops};
use holon_model::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

pub(in crate::expr) const FUNCTIONS: &[Function] = &[
    entry(
        "int",
        &["int(number) -> int", "int(text)"],
        "A whole number: decimals lose what stands after the point; text is read.",
        &[("int(3.9)", "3"), ("int('42')", "42")],
        (1, 1),
        int,
    ),
    entry(
        "uint",
        &["uint(number) -> int", "uint(text)"],
        "As `int`, and not negative.",
        &[("uint('7')", "7")],
        (1, 1),
        uint,
    ),
    entry(
        "decimal",
        &["decimal(number) -> decimal", "decimal(text)"],
        "An exact decimal; text is read.",
        &[("decimal('19.90') * 3", "59.70")],
        (1, 1),
        decimal,
    ),
    entry(
        "double",
        &["double(number) -> decimal", "double(text)"],
        "The same as `decimal`: there is no floating point.",
        &[("double('0.1') + 0.2 == 0.3", "true")],
        (1, 1),
        decimal,
    ),
    entry(
        "string",
        &["string(value) -> string"],
        "A text, number or truth value as text.",
        &[("string(1.50)", "\"1.50\""), ("string(true)", "\"true\"")],
        (1, 1),
        string,
    ),
    entry(
        "bool",
        &["bool(text) -> bool", "bool(bool)"],
        "Reads true, false, 1, 0, t, f.",
        &[("bool('true')", "true")],
        (1, 1),
        bool,
    ),
    entry(
        "type",
        &["type(value) -> string"],
        "The name of the type: null, bool, int, decimal, string, list, map or blob.",
        &[("type(1) == int", "true"), ("type(2.5)", "\"decimal\"")],
        (1, 1),
        |args, _| Ok(Value::str(args[0].type_name())),
    ),
    entry(
        "dyn",
        &["dyn(value) -> any"],
        "The value itself; CEL has it to defer type checks.",
        &[("dyn(1)", "1")],
        (1, 1),
        |args, _| Ok((*args[0]).clone()),
    ),
    entry(
        "to_json",
        &["to_json(value) -> string"],
        "The value as compact JSON.",
        &[("to_json({'a': [1, 2.50]})", r#""{\"a\":[1,2.50]}""#)],
        (1, 1),
        to_json,
    ),
    entry(
        "parse_json",
        &["parse_json(text) -> any"],
        "The value a JSON text says, numbers exact.",
        &[("parse_json('[1, 0.10]')", "[1,0.10]")],
        (1, 1),
        parse_json,
    ),
];

fn bad(what: &str, text: &str) -> Fail {
    const SHOWN: usize = 40;
    let short: String = text.chars().take(SHOWN).collect();
    Fail::new("bad_conversion", format!("`{short}` is not {what}")).of(0)
}

fn int(args: &[V<'_>], _: &mut Meter) -> Result<Value, Fail> {
    match &*args[0] {
        Value::Int(value) => Ok(Value::Int(*value)),
        Value::Decimal(value) => i64::try_from(value.trunc()).map(Value::Int).map_err(|_| Fail::overflow()),
        Value::Str(text) => text.parse().map(Value::Int).map_err(|_| bad("a whole number of 64 bits", text)),
        other => Err(wrong("a number or text", other, 0)),
    }
}

fn uint(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let value = int(args, meter)?;
    if value.as_int().is_some_and(|value| value < 0)
        || matches!(&*args[0], Value::Decimal(value) if value.is_sign_negative() && !value.is_zero())
    {
        return Err(Fail::overflow());
    }
    Ok(value)
}

fn decimal(args: &[V<'_>], _: &mut Meter) -> Result<Value, Fail> {
    if let Value::Str(text) = &*args[0] {
        // JSON's form of numbers, with a sign and without the need for a digit before the point.
        let body = text.strip_prefix(['+', '-']).unwrap_or(text);
        let formed = body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && body.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
        let sign = if text.starts_with('-') { "-" } else { "" };
        let number = json::parse(format!("{sign}{}{body}", if body.starts_with('.') { "0" } else { "" }).as_bytes());
        return match number.ok().filter(|_| formed).and_then(|number| number.as_decimal()) {
            Some(value) => Ok(Value::Decimal(value)),
            None => Err(bad("a number of at most 28 digits", text)),
        };
    }
    args[0].as_decimal().map(Value::Decimal).ok_or_else(|| wrong("a number or text", &args[0], 0))
}

fn string(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    match &*args[0] {
        Value::Str(_) => Ok((*args[0]).clone()),
        Value::Int(_) | Value::Decimal(_) | Value::Bool(_) => Ok(Value::Str(display(&args[0], meter)?)),
        Value::List(_) | Value::Map(_) => {
            Err(wrong("text, a number or a truth value", &args[0], 0).hint("write to_json(value)"))
        }
        other => Err(wrong("text, a number or a truth value", other, 0)),
    }
}

fn bool(args: &[V<'_>], _: &mut Meter) -> Result<Value, Fail> {
    match &*args[0] {
        Value::Bool(value) => Ok(Value::Bool(*value)),
        Value::Str(text) => match &**text {
            "true" | "TRUE" | "True" | "t" | "T" | "1" => Ok(Value::Bool(true)),
            "false" | "FALSE" | "False" | "f" | "F" | "0" => Ok(Value::Bool(false)),
            _ => Err(bad("true or false", text)),
        },
        other => Err(wrong("text", other, 0)),
    }
}

/// Bytes that JSON may need for a value: an upper bound, charged before it is written.
fn json_bound(value: &Value, meter: &mut Meter) -> Result<u64, Fail> {
    const NUMBER: u64 = 32;
    const ESCAPED: u64 = 6;
    ops::work(meter, 1)?;
    let text = |text: &str| {
        3 + text
            .bytes()
            .map(|byte| if byte < 0x20 { ESCAPED } else { 1 + u64::from(matches!(byte, b'"' | b'\\')) })
            .sum::<u64>()
    };
    Ok(match value {
        Value::Str(string) => {
            ops::read(meter, string.len())?;
            text(string)
        }
        Value::List(items) => items.iter().try_fold(2, |sum, item| Ok(sum + 1 + json_bound(item, meter)?))?,
        Value::Map(map) => {
            map.iter().try_fold(2, |sum, (key, item)| Ok(sum + 2 + text(key) + json_bound(item, meter)?))?
        }
        Value::Blob(blob) => 192 + text(&blob.media_type),
        _ => NUMBER,
    })
}

fn to_json(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let bytes = json_bound(&args[0], meter)?;
    ops::alloc(meter, bytes)?;
    Ok(Value::from(meter.json(&args[0])))
}

fn parse_json(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    // `[0,0,…]` is the text that grows most: two bytes become a place in a list.
    const GROWTH: usize = 16;
    let text = text(args, 0)?;
    charge_text(meter, text.len().saturating_mul(GROWTH))?;
    // Texts come from anywhere.
    let read = if meter.meaning < 4 { json::parse } else { json::parse_foreign };
    read(text.as_bytes()).map_err(|error| Fail::new("bad_conversion", format!("the text is not JSON: {error}")).of(0))
}

/// The text of a value in `{{ }}`, `join` and `%s`: text as it is, null as nothing, lists and maps as JSON.
pub(in crate::expr) fn display(value: &Value, meter: &mut Meter) -> Result<Arc<str>, Fail> {
    const NUMBER: usize = 32;
    match value {
        Value::Str(text) => return Ok(text.clone()),
        Value::Null => return Ok("".into()),
        Value::Bool(value) => return Ok(if *value { "true" } else { "false" }.into()),
        Value::Int(_) | Value::Decimal(_) => charge_text(meter, NUMBER)?,
        Value::List(_) | Value::Map(_) | Value::Blob(_) => {
            let bytes = json_bound(value, meter)?;
            ops::alloc(meter, bytes)?;
        }
    }
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Int(value) => write!(out, "{value}"),
        Value::Decimal(value) => write!(out, "{value}"),
        other => write!(out, "{}", meter.json(other)),
    };
    Ok(out.into())
}

/// The text of a scalar as a key: equal numbers have equal keys.
pub(in crate::expr) fn key(value: &Value) -> String {
    match value {
        Value::Int(value) => value.to_string(),
        Value::Decimal(value) => value.normalize().to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Str(text) => text.to_string(),
        _ => "null".to_owned(),
    }
}
