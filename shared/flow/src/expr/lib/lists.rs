//! Functions of lists.

use super::{V, charge_places, count, int, list, wrong};
use crate::expr::ast::Arith;
use crate::expr::functions::{Function, entry};
use crate::expr::ops::{self, CELL};
use crate::expr::{Meter, fail::Fail};
use holon_model::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;

pub(in crate::expr) const FUNCTIONS: &[Function] = &[
    entry(
        "sum",
        &["list.sum() -> number"],
        "The sum of the numbers, 0 for none.",
        &[("[1, 2.5].sum()", "3.5"), ("[].sum()", "0")],
        (1, 1),
        sum,
    ),
    entry(
        "avg",
        &["list.avg() -> number"],
        "The mean of the numbers, null for none.",
        &[("[1, 2].avg()", "1.5"), ("[].avg()", "null")],
        (1, 1),
        avg,
    ),
    entry(
        "min",
        &["list.min() -> any", "min(a, b, …)"],
        "The smallest, null for none; all must have an order.",
        &[("[3, 1.5].min()", "1.5"), ("min(2, 1)", "1")],
        (1, u8::MAX),
        |args, meter| extreme(args, meter, Ordering::Less),
    ),
    entry(
        "max",
        &["list.max() -> any", "max(a, b, …)"],
        "The largest, null for none; all must have an order.",
        &[("['a', 'b'].max()", "\"b\"")],
        (1, u8::MAX),
        |args, meter| extreme(args, meter, Ordering::Greater),
    ),
    entry(
        "math.least",
        &["math.least(a, b, …) -> any"],
        "The same as `min`.",
        &[("math.least(2, 1, 3)", "1")],
        (1, u8::MAX),
        |args, meter| extreme(args, meter, Ordering::Less),
    ),
    entry(
        "math.greatest",
        &["math.greatest(a, b, …) -> any"],
        "The same as `max`.",
        &[("math.greatest([2, 3])", "3")],
        (1, u8::MAX),
        |args, meter| extreme(args, meter, Ordering::Greater),
    ),
    entry(
        "first",
        &["list.first() -> any"],
        "The first item, null for none.",
        &[("[1, 2].first()", "1"), ("[].first()", "null")],
        (1, 1),
        |args, _| Ok(list(args, 0)?.first().cloned().unwrap_or_default()),
    ),
    entry(
        "last",
        &["list.last() -> any"],
        "The last item, null for none.",
        &[("[1, 2].last()", "2")],
        (1, 1),
        |args, _| Ok(list(args, 0)?.last().cloned().unwrap_or_default()),
    ),
    entry(
        "sort",
        &["list.sort() -> list"],
        "In rising order: null, false, true, numbers, texts, lists, maps.",
        &[("[3, 1, 2].sort()", "[1,2,3]")],
        (1, 1),
        sort,
    ),
    entry(
        "distinct",
        &["list.distinct() -> list"],
        "Each item once, where it first stood.",
        &[("[1, 2, 1.0].distinct()", "[1,2]")],
        (1, 1),
        distinct,
    ),
    entry(
        "reverse",
        &["list.reverse() -> list", "text.reverse() -> string"],
        "In opposite order.",
        &[("[1, 2].reverse()", "[2,1]"), ("'abc'.reverse()", "\"cba\"")],
        (1, 1),
        reverse,
    ),
    entry(
        "flatten",
        &["list.flatten() -> list", "list.flatten(depth)"],
        "Lists in the list replaced by their items, one level deep or `depth` levels.",
        &[("[1, [2, [3]]].flatten()", "[1,2,[3]]"), ("[1, [2, [3]]].flatten(2)", "[1,2,3]")],
        (1, 2),
        flatten,
    ),
    entry(
        "slice",
        &["list.slice(from) -> list", "list.slice(from, to)"],
        "The items from a position to before another; positions past the end are the end.",
        &[("[1, 2, 3].slice(1)", "[2,3]"), ("[1, 2, 3].slice(0, 2)", "[1,2]")],
        (2, 3),
        slice,
    ),
    entry(
        "chunk",
        &["list.chunk(size) -> list"],
        "Lists of `size` items each; the last may be shorter.",
        &[("[1, 2, 3].chunk(2)", "[[1,2],[3]]")],
        (2, 2),
        chunk,
    ),
    entry(
        "zip",
        &["list.zip(other) -> list"],
        "Pairs of items at the same place, as many as the shorter list has.",
        &[("[1, 2].zip(['a', 'b'])", "[[1,\"a\"],[2,\"b\"]]")],
        (2, 2),
        zip,
    ),
    entry(
        "range",
        &["range(end) -> list", "range(start, end)", "range(start, end, step)"],
        "Whole numbers from 0 or `start` to before `end`.",
        &[("range(3)", "[0,1,2]"), ("range(5, 0, -2)", "[5,3,1]")],
        (1, 3),
        range,
    ),
    entry(
        "lists.range",
        &["lists.range(end) -> list"],
        "The same as `range`.",
        &[("lists.range(2)", "[0,1]")],
        (1, 1),
        range,
    ),
];

/// The sum of a running sum and an item.
pub(in crate::expr) fn add_number(sum: &Value, item: &Value, meter: &mut Meter) -> Result<Value, Fail> {
    if !matches!(item, Value::Int(_) | Value::Decimal(_)) {
        return Err(wrong("a number", item, 0));
    }
    ops::arithmetic(Arith::Add, sum, item, meter)
}

fn sum(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let mut sum = Value::Int(0);
    for item in list(args, 0)?.iter() {
        ops::work(meter, 1)?;
        sum = add_number(&sum, item, meter)?;
    }
    Ok(sum)
}

fn avg(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let items = list(args, 0)?.len();
    let sum = sum(args, meter)?;
    if items == 0 {
        return Ok(Value::Null);
    }
    ops::arithmetic(Arith::Div, &sum, &super::number(items), meter)
}

fn extreme(args: &[V<'_>], meter: &mut Meter, wanted: Ordering) -> Result<Value, Fail> {
    let pick = |items: &mut dyn Iterator<Item = &Value>, meter: &mut Meter| {
        let mut best: Option<&Value> = None;
        for item in items {
            ops::work(meter, 1)?;
            // An item without order is told even when it stands alone.
            if ops::order(item, best.unwrap_or(item), meter)? == wanted || best.is_none() {
                best = Some(item);
            }
        }
        Ok(best.cloned().unwrap_or_default())
    };
    match args {
        [only] if matches!(**only, Value::List(_)) => pick(&mut list(args, 0)?.iter(), meter),
        _ => pick(&mut args.iter().map(|arg| &**arg), meter),
    }
}

/// Order of any two values, free: [`charge_sorting`] has paid for it. A sort must not stop half-way.
pub(in crate::expr) fn sorting_order(a: &Value, b: &Value) -> Ordering {
    ops::total_order(a, b, &mut Meter::new(u64::MAX, u64::MAX)).unwrap_or(Ordering::Equal)
}

/// Charges for all comparisons a sort of these keys may need.
pub(in crate::expr) fn charge_sorting<'v>(
    keys: impl Iterator<Item = &'v Value>,
    items: usize,
    meter: &mut Meter,
) -> Result<(), Fail> {
    let rounds = u64::from(usize::BITS - items.leading_zeros());
    for key in keys {
        let size = match key {
            Value::List(_) | Value::Map(_) => key.weight() / CELL,
            Value::Str(text) => text.len() as u64 / 32,
            _ => 0,
        };
        meter.step((1 + size).saturating_mul(rounds)).map_err(|_| Fail::FUEL)?;
    }
    Ok(())
}

fn sort(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let items = list(args, 0)?;
    charge_places(meter, items.len())?;
    charge_sorting(items.iter(), items.len(), meter)?;
    let mut sorted = items.to_vec();
    sorted.sort_by(sorting_order);
    Ok(Value::from(sorted))
}

struct Key(Value);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        sorting_order(&self.0, &other.0)
    }
}

/// The first pair of each key.
pub(in crate::expr) fn distinct_by_key(pairs: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut seen = BTreeSet::new();
    pairs.into_iter().filter(|(key, _)| seen.insert(Key(key.clone()))).collect()
}

fn distinct(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let items = list(args, 0)?;
    charge_places(meter, items.len())?;
    charge_sorting(items.iter(), items.len(), meter)?;
    let mut seen = BTreeSet::new();
    Ok(Value::list(items.iter().filter(|item| seen.insert(Key((*item).clone()))).cloned()))
}

fn reverse(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    if let Value::Str(text) = &*args[0] {
        super::charge_text(meter, text.len())?;
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let items = list(args, 0)?;
    charge_places(meter, items.len())?;
    Ok(Value::list(items.iter().rev().cloned()))
}

fn flatten(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    const DEEPEST: usize = 96;
    let depth = if args.len() > 1 { count(args, 1)?.min(DEEPEST) } else { 1 };
    let mut items = list(args, 0)?.to_vec();
    for _ in 0..depth {
        if !items.iter().any(|item| matches!(item, Value::List(_))) {
            break;
        }
        let mut flat = Vec::new();
        for item in items {
            match item {
                Value::List(inner) => {
                    charge_places(meter, inner.len())?;
                    flat.extend(inner.iter().cloned());
                }
                other => {
                    charge_places(meter, 1)?;
                    flat.push(other);
                }
            }
        }
        items = flat;
    }
    Ok(Value::from(items))
}

fn slice(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let items = list(args, 0)?;
    let from = count(args, 1)?.min(items.len());
    let to = if args.len() > 2 { count(args, 2)?.min(items.len()) } else { items.len() };
    if to < from {
        return Err(Fail::argument("the end lies before the start").of(2));
    }
    charge_places(meter, to - from)?;
    Ok(Value::from(items[from..to].to_vec()))
}

fn chunk(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let items = list(args, 0)?;
    let size = count(args, 1)?;
    if size == 0 {
        return Err(Fail::argument("a part has at least one item").of(1));
    }
    charge_places(meter, items.len().saturating_mul(2))?;
    Ok(Value::list(items.chunks(size).map(|part| Value::from(part.to_vec()))))
}

fn zip(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let (a, b) = (list(args, 0)?, list(args, 1)?);
    ops::alloc(meter, CELL)?;
    let mut pairs = Vec::new();
    for (a, b) in a.iter().zip(b.iter()) {
        ops::alloc(meter, CELL)?;
        ops::charge(meter, a)?;
        ops::charge(meter, b)?;
        pairs.push(Value::list([a.clone(), b.clone()]));
    }
    Ok(Value::from(pairs))
}

fn range(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let (start, end) = if args.len() > 1 { (int(args, 0)?, int(args, 1)?) } else { (0, int(args, 0)?) };
    let step = if args.len() > 2 { int(args, 2)? } else { 1 };
    if step == 0 {
        return Err(Fail::argument("the step is not zero").of(2));
    }
    let distance = if step > 0 { i128::from(end) - i128::from(start) } else { i128::from(start) - i128::from(end) };
    let items = (distance.max(0) + i128::from(step.unsigned_abs()) - 1) / i128::from(step.unsigned_abs());
    ops::alloc(meter, u64::try_from(items).unwrap_or(u64::MAX).saturating_add(1).saturating_mul(CELL))?;
    let last = i64::try_from(items).map_err(|_| Fail::FUEL)?;
    Ok(Value::list((0..last).map(|index| Value::Int(start.wrapping_add(step.wrapping_mul(index))))))
}
