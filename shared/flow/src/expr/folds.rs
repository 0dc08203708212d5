//! Macros over lists and maps: `all`, `map`, `filter`, `sort_by` and their kin. Every item costs a step and what its body costs.

use super::ast::{Arith, Fold, FoldOp, Node};
use super::eval::{self, Env, Frame, V};
use super::fail::Fail;
use super::lexer::Span;
use super::lib::{convert, lists};
use super::ops::{self, CELL};
use super::{Meter, eval::truth};
use holon_model::{Map, Value};
use std::cmp::Ordering;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// One step of a walk: the names' frame, the key or index, and the item.
struct Step<'w> {
    env: Env<'w>,
    key: &'w Value,
    /// What the single name stands for: the item of a list, the key of a map.
    subject: &'w Value,
}

/// Walks `source` as long as `each` says so.
fn walk(
    fold: &Fold,
    source: &Value,
    env: Env<'_>,
    meter: &mut Meter,
    mut each: impl FnMut(Step<'_>, &mut Meter) -> Result<bool, Fail>,
) -> Result<(), Fail> {
    let mut step = |key: &Value, item: &Value, subject: &Value, meter: &mut Meter| {
        ops::work(meter, 1)?;
        if fold.two {
            let outer = Frame { value: key, outer: env.frame };
            let inner = Frame { value: item, outer: Some(&outer) };
            return each(Step { env: Env { scope: env.scope, frame: Some(&inner) }, key, subject }, meter);
        }
        let inner = Frame { value: subject, outer: env.frame };
        each(Step { env: Env { scope: env.scope, frame: Some(&inner) }, key, subject }, meter)
    };
    match source {
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let key = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
                if !step(&key, item, item, meter)? {
                    break;
                }
            }
            Ok(())
        }
        Value::Map(map) => {
            for (key, value) in map.iter() {
                let key = Value::Str(key.clone());
                if !step(&key, value, &key, meter)? {
                    break;
                }
            }
            Ok(())
        }
        other => {
            let fail = Fail::overload(format!("{} has no items to walk", other.type_name())).at(fold.list.span);
            Err(if other.is_null() { fail.hint("give a list for null first: coalesce(value, [])") } else { fail })
        }
    }
}

/// The value of a macro.
pub(super) fn eval<'e>(fold: &'e Fold, span: Span, env: Env<'e>, meter: &mut Meter) -> Result<V<'e>, Fail> {
    let source = eval::eval(&fold.list, env, meter)?;
    let value = match fold.op {
        FoldOp::All => quantify(fold, &source, false, env, meter)?,
        FoldOp::Exists => quantify(fold, &source, true, env, meter)?,
        FoldOp::ExistsOne => Value::Bool(count(fold, &source, env, meter)? == 1),
        FoldOp::Count => Value::Int(count(fold, &source, env, meter)?),
        FoldOp::Map => map(fold, &source, env, meter)?,
        FoldOp::Filter => filter(fold, &source, env, meter)?,
        FoldOp::First => first(fold, &source, env, meter)?,
        FoldOp::TransformMap | FoldOp::TransformMapEntry => transform(fold, &source, env, meter)?,
        FoldOp::Sum | FoldOp::Avg => total(fold, &source, env, meter).map_err(|fail| fail.at(span))?,
        FoldOp::MinBy | FoldOp::MaxBy => extreme(fold, &source, env, meter).map_err(|fail| fail.at(span))?,
        FoldOp::GroupBy => group(fold, &source, env, meter)?,
        FoldOp::SortBy | FoldOp::DistinctBy => arrange(fold, &source, env, meter)?,
    };
    Ok(V::Own(value))
}

/// `all` and `exists`: an item that decides wins over items that fail.
fn quantify(fold: &Fold, source: &Value, decides: bool, env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    let mut found = false;
    let mut failed = None;
    walk(fold, source, env, meter, |step, meter| {
        match truth(&fold.body, step.env, meter) {
            Ok(value) => found = value == decides,
            Err(fail) if fail.is_fuel() => return Err(fail),
            Err(fail) => failed = failed.take().or(Some(fail)),
        }
        Ok(!found)
    })?;
    match failed {
        Some(fail) if !found => Err(fail),
        _ => Ok(Value::Bool(found == decides)),
    }
}

fn count(fold: &Fold, source: &Value, env: Env<'_>, meter: &mut Meter) -> Result<i64, Fail> {
    let mut count = 0;
    walk(fold, source, env, meter, |step, meter| {
        count += i64::from(truth(&fold.body, step.env, meter)?);
        Ok(true)
    })?;
    Ok(count)
}

fn passes(filter: Option<&Node>, env: Env<'_>, meter: &mut Meter) -> Result<bool, Fail> {
    filter.map_or(Ok(true), |filter| truth(filter, env, meter))
}

fn map(fold: &Fold, source: &Value, env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    ops::alloc(meter, CELL)?;
    let mut out = Vec::new();
    walk(fold, source, env, meter, |step, meter| {
        if passes(fold.filter.as_ref(), step.env, meter)? {
            let value = eval::eval(&fold.body, step.env, meter)?;
            ops::charge(meter, &value)?;
            out.push(value.into_owned());
        }
        Ok(true)
    })?;
    Ok(Value::from(out))
}

fn filter(fold: &Fold, source: &Value, env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    ops::alloc(meter, CELL)?;
    let mut out = Vec::new();
    walk(fold, source, env, meter, |step, meter| {
        if truth(&fold.body, step.env, meter)? {
            // What is kept was there before, so only its place is new.
            ops::alloc(meter, CELL)?;
            out.push(step.subject.clone());
        }
        Ok(true)
    })?;
    Ok(Value::from(out))
}

fn first(fold: &Fold, source: &Value, env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    let mut found = Value::Null;
    walk(fold, source, env, meter, |step, meter| {
        let this = truth(&fold.body, step.env, meter)?;
        if this {
            found = step.subject.clone();
        }
        Ok(!this)
    })?;
    Ok(found)
}

fn transform(fold: &Fold, source: &Value, env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    ops::alloc(meter, CELL)?;
    let mut out = Map::new();
    walk(fold, source, env, meter, |step, meter| {
        if !passes(fold.filter.as_ref(), step.env, meter)? {
            return Ok(true);
        }
        let value = eval::eval(&fold.body, step.env, meter)?;
        if fold.op == FoldOp::TransformMap {
            let key = key_text(step.key, &fold.list)?;
            eval::insert(&mut out, key, value.into_owned(), meter)?;
        } else {
            let Value::Map(entries) = &*value else {
                let fail = Fail::overload(format!("a map of new fields was expected, not {}", value.type_name()));
                return Err(fail.hint("write {key: value}").at(fold.body.span));
            };
            for (key, value) in entries.iter() {
                eval::insert(&mut out, key.clone(), value.clone(), meter).map_err(|fail| fail.at(fold.body.span))?;
            }
        }
        Ok(true)
    })?;
    Ok(Value::from(out))
}

/// Items that are maps or lists cannot be keys; everything else has a text.
fn key_text(key: &Value, node: &Node) -> Result<Arc<str>, Fail> {
    match key {
        Value::Str(text) => Ok(text.clone()),
        Value::Null => Ok("null".into()),
        Value::Int(_) | Value::Decimal(_) | Value::Bool(_) => Ok(convert::key(key).into()),
        other => Err(Fail::overload(format!("{} cannot be a key", other.type_name()))
            .hint("give text or a number")
            .at(node.span)),
    }
}

fn total(fold: &Fold, source: &Value, env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    let mut sum = Value::Int(0);
    let mut items = 0i64;
    walk(fold, source, env, meter, |step, meter| {
        let value = eval::eval(&fold.body, step.env, meter)?;
        sum = lists::add_number(&sum, &value, meter).map_err(|fail| fail.at(fold.body.span))?;
        items += 1;
        Ok(true)
    })?;
    match fold.op {
        FoldOp::Avg if items == 0 => Ok(Value::Null),
        FoldOp::Avg => ops::arithmetic(Arith::Div, &sum, &Value::Int(items), meter),
        _ => Ok(sum),
    }
}

fn extreme(fold: &Fold, source: &Value, env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    let wanted = if fold.op == FoldOp::MinBy { Ordering::Less } else { Ordering::Greater };
    let mut best: Option<(Value, Value)> = None;
    walk(fold, source, env, meter, |step, meter| {
        let key = eval::eval(&fold.body, step.env, meter)?;
        let better = match &best {
            Some((known, _)) => ops::order(&key, known, meter).map_err(|fail| fail.at(fold.body.span))? == wanted,
            None => true,
        };
        if better {
            best = Some((key.into_owned(), step.subject.clone()));
        }
        Ok(true)
    })?;
    Ok(best.map_or(Value::Null, |(_, item)| item))
}

fn group(fold: &Fold, source: &Value, env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    ops::alloc(meter, CELL)?;
    let mut groups: std::collections::BTreeMap<Arc<str>, Vec<Value>> = std::collections::BTreeMap::new();
    walk(fold, source, env, meter, |step, meter| {
        let key = eval::eval(&fold.body, step.env, meter)?;
        let key = key_text(&key, &fold.body)?;
        ops::alloc(meter, CELL)?;
        match groups.entry(key) {
            Entry::Vacant(vacant) => {
                ops::alloc(meter, CELL + vacant.key().len() as u64)?;
                vacant.insert(vec![step.subject.clone()]);
            }
            Entry::Occupied(mut items) => items.get_mut().push(step.subject.clone()),
        }
        Ok(true)
    })?;
    Ok(Value::map(groups.into_iter().map(|(key, items)| (key, Value::from(items)))))
}

fn arrange(fold: &Fold, source: &Value, env: Env<'_>, meter: &mut Meter) -> Result<Value, Fail> {
    ops::alloc(meter, CELL)?;
    let mut pairs = Vec::new();
    walk(fold, source, env, meter, |step, meter| {
        let key = eval::eval(&fold.body, step.env, meter)?;
        ops::alloc(meter, CELL)?;
        pairs.push((key.into_owned(), step.subject.clone()));
        Ok(true)
    })?;
    lists::charge_sorting(pairs.iter().map(|(key, _)| key), pairs.len(), meter)?;
    if fold.op == FoldOp::SortBy {
        pairs.sort_by(|(a, _), (b, _)| lists::sorting_order(a, b));
    } else {
        pairs = lists::distinct_by_key(pairs);
    }
    Ok(Value::list(pairs.into_iter().map(|(_, item)| item)))
}
