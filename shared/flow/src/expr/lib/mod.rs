//! What the functions of the registry do, a file a chapter. Each charges for what it builds before it builds it.

pub(super) mod civil;
pub(super) mod codecs;
pub(super) mod convert;
pub(super) mod lists;
pub(super) mod macros;
pub(super) mod maps;
pub(super) mod numbers;
pub(super) mod strings;
pub(super) mod times;

use super::Meter;
use super::eval::V;
use super::fail::Fail;
use super::ops::{self, CELL};
use holon_model::{Decimal, Map, Value};
use std::sync::Arc;

/// A value of the wrong type.
fn wrong(wanted: &str, found: &Value, at: usize) -> Fail {
    let fail = Fail::overload(format!("{wanted} was expected, not {}", found.type_name())).of(at);
    match found {
        Value::Null => fail.hint("the value is null: give another first, coalesce(value, …)"),
        _ => fail,
    }
}

fn text<'a>(args: &'a [V<'_>], at: usize) -> Result<&'a Arc<str>, Fail> {
    match &*args[at] {
        Value::Str(text) => Ok(text),
        other => Err(wrong("text", other, at)),
    }
}

fn int(args: &[V<'_>], at: usize) -> Result<i64, Fail> {
    args[at].as_int().ok_or_else(|| wrong("a whole number", &args[at], at))
}

/// A position or count: a whole number that is not negative.
fn count(args: &[V<'_>], at: usize) -> Result<usize, Fail> {
    let value = int(args, at)?;
    if value < 0 {
        return Err(Fail::argument(format!("{value} is negative; positions and counts start at 0")).of(at));
    }
    // More than a platform can address is more than any budget pays for.
    Ok(usize::try_from(value).unwrap_or(usize::MAX))
}

fn decimal(args: &[V<'_>], at: usize) -> Result<Decimal, Fail> {
    args[at].as_decimal().ok_or_else(|| wrong("a number", &args[at], at))
}

fn list<'a>(args: &'a [V<'_>], at: usize) -> Result<&'a Arc<Vec<Value>>, Fail> {
    match &*args[at] {
        Value::List(items) => Ok(items),
        other => Err(wrong("a list", other, at)),
    }
}

fn map<'a>(args: &'a [V<'_>], at: usize) -> Result<&'a Arc<Map>, Fail> {
    match &*args[at] {
        Value::Map(map) => Ok(map),
        other => Err(wrong("a map", other, at)),
    }
}

/// Charges for a text of `bytes` before it is made.
fn charge_text(meter: &mut Meter, bytes: usize) -> Result<(), Fail> {
    ops::alloc(meter, CELL.saturating_add(bytes as u64))
}

/// Charges for the places of `items` values that are there already.
fn charge_places(meter: &mut Meter, items: usize) -> Result<(), Fail> {
    ops::alloc(meter, (items as u64).saturating_add(1).saturating_mul(CELL))
}

/// A count as a value.
fn number(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
