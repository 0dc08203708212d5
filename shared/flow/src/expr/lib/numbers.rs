//! Functions of numbers, all exact.

use super::{V, decimal, int};
use crate::expr::ast::Arith;
use crate::expr::functions::{Function, entry};
use crate::expr::{Meter, fail::Fail, ops};
use holon_model::{Decimal, Value};
use rust_decimal::RoundingStrategy;

pub(in crate::expr) const FUNCTIONS: &[Function] = &[
    entry("abs", &["abs(number) -> number"], "Without its sign.", &[("abs(-2.5)", "2.5")], (1, 1), abs),
    entry("sign", &["sign(number) -> int"], "-1, 0 or 1.", &[("sign(-2.5)", "-1")], (1, 1), sign),
    entry(
        "floor",
        &["floor(number) -> int"],
        "The largest whole number that is not larger.",
        &[("floor(-1.5)", "-2")],
        (1, 1),
        |args, _| whole(args, RoundingStrategy::ToNegativeInfinity),
    ),
    entry(
        "ceil",
        &["ceil(number) -> int"],
        "The smallest whole number that is not smaller.",
        &[("ceil(1.2)", "2")],
        (1, 1),
        |args, _| whole(args, RoundingStrategy::ToPositiveInfinity),
    ),
    entry(
        "trunc",
        &["trunc(number) -> int"],
        "Without what stands after the point.",
        &[("trunc(-1.5)", "-1")],
        (1, 1),
        |args, _| whole(args, RoundingStrategy::ToZero),
    ),
    entry(
        "round",
        &["round(number) -> int", "round(number, digits) -> decimal"],
        "The nearest whole number, or the nearest with so many digits after the point; a half goes away from zero.",
        &[("round(2.5)", "3"), ("round(2.345, 2)", "2.35")],
        (1, 2),
        round,
    ),
    entry(
        "pow",
        &["pow(number, exponent) -> number"],
        "A number times itself, `exponent` (0 to 1000) times.",
        &[("pow(2, 10)", "1024"), ("pow(1.1, 2)", "1.21")],
        (2, 2),
        pow,
    ),
    entry("math.abs", &["math.abs(number) -> number"], "The same as `abs`.", &[("math.abs(-1)", "1")], (1, 1), abs),
    entry("math.sign", &["math.sign(number) -> int"], "The same as `sign`.", &[("math.sign(3)", "1")], (1, 1), sign),
    entry(
        "math.floor",
        &["math.floor(number) -> int"],
        "The same as `floor`.",
        &[("math.floor(1.9)", "1")],
        (1, 1),
        |args, _| whole(args, RoundingStrategy::ToNegativeInfinity),
    ),
    entry(
        "math.ceil",
        &["math.ceil(number) -> int"],
        "The same as `ceil`.",
        &[("math.ceil(1.1)", "2")],
        (1, 1),
        |args, _| whole(args, RoundingStrategy::ToPositiveInfinity),
    ),
    entry(
        "math.round",
        &["math.round(number) -> int"],
        "The same as `round`.",
        &[("math.round(-1.5)", "-2")],
        (1, 2),
        round,
    ),
    entry(
        "math.trunc",
        &["math.trunc(number) -> int"],
        "The same as `trunc`.",
        &[("math.trunc(1.9)", "1")],
        (1, 1),
        |args, _| whole(args, RoundingStrategy::ToZero),
    ),
];

fn abs(args: &[V<'_>], _: &mut Meter) -> Result<Value, Fail> {
    match &*args[0] {
        Value::Int(value) => value.checked_abs().map(Value::Int).ok_or_else(Fail::overflow),
        _ => Ok(Value::Decimal(decimal(args, 0)?.abs())),
    }
}

fn sign(args: &[V<'_>], _: &mut Meter) -> Result<Value, Fail> {
    let value = decimal(args, 0)?;
    Ok(Value::Int(if value.is_zero() {
        0
    } else if value.is_sign_negative() {
        -1
    } else {
        1
    }))
}

fn whole(args: &[V<'_>], strategy: RoundingStrategy) -> Result<Value, Fail> {
    match &*args[0] {
        Value::Int(value) => Ok(Value::Int(*value)),
        _ => {
            let rounded = decimal(args, 0)?.round_dp_with_strategy(0, strategy);
            Ok(i64::try_from(rounded).map_or(Value::Decimal(rounded), Value::Int))
        }
    }
}

fn round(args: &[V<'_>], _: &mut Meter) -> Result<Value, Fail> {
    if args.len() == 1 {
        return whole(args, RoundingStrategy::MidpointAwayFromZero);
    }
    let digits = int(args, 1)?;
    let Some(digits) = u32::try_from(digits).ok().filter(|digits| *digits <= Decimal::MAX_SCALE) else {
        return Err(Fail::argument("0 to 28 digits can stand after the point").of(1));
    };
    let mut value = decimal(args, 0)?.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    // A price of 2 rounded to two digits is 2.00, if there is room for the zeros.
    value.rescale(digits);
    Ok(Value::Decimal(value))
}

fn pow(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    const MOST: i64 = 1000;
    decimal(args, 0)?;
    let exponent = int(args, 1)?;
    if !(0..=MOST).contains(&exponent) {
        return Err(Fail::argument("the exponent is a whole number from 0 to 1000").of(1));
    }
    let mut value = Value::Int(1);
    for _ in 0..exponent {
        ops::work(meter, 1)?;
        value = ops::arithmetic(Arith::Mul, &value, &args[0], meter)?;
    }
    Ok(value)
}
