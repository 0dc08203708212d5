//! Operators over values: equality and order by meaning, exact arithmetic, membership. All charge what they walk.

use super::ast::{Arith, Cmp};
use super::fail::Fail;
use super::{Meter, number};
use holon_model::{Decimal, Value};
use std::cmp::Ordering;

/// Memory that one value takes in a list or map.
pub(super) const CELL: u64 = 16;

/// Takes fuel for work that grows with data.
pub(super) fn work(meter: &mut Meter, steps: usize) -> Result<(), Fail> {
    meter.step(steps as u64).map_err(|_| Fail::FUEL)
}

/// Takes fuel for reading `bytes` of text.
pub(super) fn read(meter: &mut Meter, bytes: usize) -> Result<(), Fail> {
    work(meter, bytes / 32)
}

/// Takes memory, and fuel for filling it.
pub(super) fn alloc(meter: &mut Meter, bytes: u64) -> Result<(), Fail> {
    meter.step(bytes / 64).and_then(|()| meter.alloc(bytes)).map_err(|_| Fail::FUEL)
}

/// Takes memory for `value` as a part of a new list or map: its whole weight, since sharing does not show in results.
pub(super) fn charge(meter: &mut Meter, value: &Value) -> Result<(), Fail> {
    match value {
        Value::Str(text) => alloc(meter, CELL + text.len() as u64),
        Value::List(items) => {
            alloc(meter, CELL)?;
            items.iter().try_for_each(|item| charge(meter, item))
        }
        Value::Map(map) => {
            alloc(meter, CELL)?;
            map.iter().try_for_each(|(key, value)| {
                alloc(meter, key.len() as u64)?;
                charge(meter, value)
            })
        }
        _ => alloc(meter, CELL),
    }
}

/// Equality by meaning. Identity is not looked at: fuel must not depend on what happens to be shared.
pub(super) fn equal(a: &Value, b: &Value, meter: &mut Meter) -> Result<bool, Fail> {
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                work(meter, 1)?;
                if !equal(a, b, meter)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for ((key_a, a), (key_b, b)) in a.iter().zip(b.iter()) {
                work(meter, 1)?;
                if key_a != key_b || !equal(a, b, meter)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Str(a), Value::Str(b)) => {
            read(meter, a.len().min(b.len()))?;
            Ok(a == b)
        }
        _ => Ok(a == b),
    }
}

/// Order, where there is one: numbers, text by code points, `false` before `true`.
pub(super) fn order(a: &Value, b: &Value, meter: &mut Meter) -> Result<Ordering, Fail> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Ok(a.cmp(b)),
        (Value::Decimal(a), Value::Decimal(b)) => Ok(a.cmp(b)),
        (Value::Int(a), Value::Decimal(b)) => Ok(Decimal::from(*a).cmp(b)),
        (Value::Decimal(a), Value::Int(b)) => Ok(a.cmp(&Decimal::from(*b))),
        (Value::Str(a), Value::Str(b)) => {
            read(meter, a.len().min(b.len()))?;
            Ok(a.cmp(b))
        }
        (Value::Bool(a), Value::Bool(b)) => Ok(a.cmp(b)),
        _ => {
            let fail = Fail::overload(format!("{} and {} have no order", a.type_name(), b.type_name()));
            Err(match (a, b) {
                (Value::Str(_), Value::Int(_) | Value::Decimal(_))
                | (Value::Int(_) | Value::Decimal(_), Value::Str(_)) => {
                    fail.hint("make the text a number with decimal(…)")
                }
                (Value::Null, _) | (_, Value::Null) => fail.hint("give a value for null first: coalesce(value, 0)"),
                _ => fail,
            })
        }
    }
}

/// Order of any two values, for sorting and for results that must not depend on arrival: first by type, then as [`order`].
pub(super) fn total_order(a: &Value, b: &Value, meter: &mut Meter) -> Result<Ordering, Fail> {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Decimal(_) => 2,
        Value::Str(_) => 3,
        Value::List(_) => 4,
        Value::Map(_) => 5,
        Value::Blob(_) => 6,
    };
    work(meter, 1)?;
    match rank(a).cmp(&rank(b)) {
        Ordering::Equal => {}
        other => return Ok(other),
    }
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            for (a, b) in a.iter().zip(b.iter()) {
                let found = total_order(a, b, meter)?;
                if found != Ordering::Equal {
                    return Ok(found);
                }
            }
            Ok(a.len().cmp(&b.len()))
        }
        (Value::Map(a), Value::Map(b)) => {
            for ((key_a, a), (key_b, b)) in a.iter().zip(b.iter()) {
                let found = key_a.cmp(key_b);
                let found = if found == Ordering::Equal { total_order(a, b, meter)? } else { found };
                if found != Ordering::Equal {
                    return Ok(found);
                }
            }
            Ok(a.len().cmp(&b.len()))
        }
        (Value::Blob(a), Value::Blob(b)) => Ok(a.cmp(b)),
        (Value::Null, Value::Null) => Ok(Ordering::Equal),
        _ => order(a, b, meter),
    }
}

/// A comparison.
pub(super) fn compare(operator: Cmp, a: &Value, b: &Value, meter: &mut Meter) -> Result<bool, Fail> {
    match operator {
        Cmp::Eq => equal(a, b, meter),
        Cmp::Ne => Ok(!equal(a, b, meter)?),
        Cmp::Lt => Ok(order(a, b, meter)?.is_lt()),
        Cmp::Le => Ok(order(a, b, meter)?.is_le()),
        Cmp::Gt => Ok(order(a, b, meter)?.is_gt()),
        Cmp::Ge => Ok(order(a, b, meter)?.is_ge()),
        Cmp::In => contains(b, a, meter),
    }
}

fn contains(container: &Value, value: &Value, meter: &mut Meter) -> Result<bool, Fail> {
    match (container, value) {
        (Value::List(items), _) => {
            for item in items.iter() {
                work(meter, 1)?;
                if equal(item, value, meter)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Map(map), Value::Str(key)) => Ok(map.contains_key(key)),
        (Value::Map(_), _) => Ok(false),
        (Value::Str(_), _) => {
            Err(Fail::overload("`in` looks into lists and maps, not into text").hint("write text.contains(part)"))
        }
        (other, _) => Err(Fail::overload(format!("`in` looks into lists and maps, not into {}", other.type_name()))),
    }
}

/// Arithmetic, and joining of texts and lists by `+`.
pub(super) fn arithmetic(operator: Arith, a: &Value, b: &Value, meter: &mut Meter) -> Result<Value, Fail> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => ints(operator, *a, *b),
        (Value::Decimal(_) | Value::Int(_), Value::Decimal(_) | Value::Int(_)) => {
            let (a, b) = (a.as_decimal().unwrap_or_default(), b.as_decimal().unwrap_or_default());
            decimals(operator, a, b).map(Value::Decimal)
        }
        (Value::Str(a), Value::Str(b)) if operator == Arith::Add => {
            alloc(meter, CELL + (a.len() + b.len()) as u64)?;
            Ok(Value::from([&**a, &**b].concat()))
        }
        (Value::List(a), Value::List(b)) if operator == Arith::Add => {
            alloc(meter, CELL)?;
            a.iter().chain(b.iter()).try_for_each(|item| charge(meter, item))?;
            Ok(Value::list(a.iter().chain(b.iter()).cloned()))
        }
        _ => Err(no_arithmetic(operator, a, b)),
    }
}

fn no_arithmetic(operator: Arith, a: &Value, b: &Value) -> Fail {
    let fail = Fail::overload(format!("{} {} {} has no meaning", a.type_name(), operator.symbol(), b.type_name()));
    let number = |value: &Value| matches!(value, Value::Int(_) | Value::Decimal(_));
    match (a, b) {
        (Value::Str(_), other) | (other, Value::Str(_)) if number(other) && operator == Arith::Add => {
            fail.hint("join text with string(number), or compute with decimal(text)")
        }
        (Value::Str(_), other) | (other, Value::Str(_)) if number(other) => {
            fail.hint("make the text a number with decimal(…)")
        }
        (Value::Null, _) | (_, Value::Null) => fail.hint("give a value for null first: coalesce(value, 0)"),
        (Value::Map(_), Value::Map(_)) if operator == Arith::Add => fail.hint("join maps with merge(a, b)"),
        _ => fail,
    }
}

fn by_zero() -> Fail {
    Fail::new("division_by_zero", "the divisor is zero").hint("test it first: b != 0 ? a / b : 0")
}

fn ints(operator: Arith, a: i64, b: i64) -> Result<Value, Fail> {
    let result = match operator {
        Arith::Add => a.checked_add(b),
        Arith::Sub => a.checked_sub(b),
        Arith::Mul => a.checked_mul(b),
        Arith::Div | Arith::Rem if b == 0 => return Err(by_zero()),
        Arith::Rem => a.checked_rem(b),
        Arith::Div => match a.checked_rem(b) {
            Some(0) | None => a.checked_div(b),
            Some(_) => return decimals(operator, a.into(), b.into()).map(Value::Decimal),
        },
    };
    result.map(Value::Int).ok_or_else(Fail::overflow)
}

/// Exact, or rounded half-even to 28 digits.
pub(super) fn decimals(operator: Arith, a: Decimal, b: Decimal) -> Result<Decimal, Fail> {
    let result = match operator {
        Arith::Add => number::add(a, b),
        Arith::Sub => number::subtract(a, b),
        Arith::Mul => number::multiply(a, b),
        Arith::Div | Arith::Rem if b.is_zero() => return Err(by_zero()),
        Arith::Div => number::divide(a, b),
        Arith::Rem => number::remainder(a, b),
    };
    result.ok_or_else(Fail::overflow)
}
