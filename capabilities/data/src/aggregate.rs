//! `data.aggregate`: groups of a list and what is computed over each, exactly. Groups stand in the order in which they
//! first appear. Like in SQL, nulls are left out of everything except `collect`, `first` and `last`.

use crate::{CELL, items, number, order::order, with_article};
use holon_flow::capability::{NodeError, Output, PureCall};
use holon_flow::expr::{add as plus, divide};
use holon_model::{Decimal, Map, Value, canon::Canon};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

struct Column {
    name: Arc<str>,
    pointer: String,
    /// Whether the field is there; `count` needs none.
    has_field: bool,
    op: Op,
}

#[derive(Clone, Copy, PartialEq)]
enum Op {
    Sum,
    Count,
    CountDistinct,
    Min,
    Max,
    Avg,
    First,
    Last,
    Collect,
}

#[derive(Default)]
struct State {
    total: Option<Value>,
    count: i64,
    seen: BTreeSet<Vec<u8>>,
    list: Vec<Value>,
}

pub(crate) fn run(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let subject = items(call)?;
    let list = subject.as_list().unwrap_or_default();
    let keys = named(call.config, "group_by");
    let pointers: Vec<String> = (0..keys.len()).map(|at| format!("/group_by/{at}/by")).collect();
    let columns = columns(call.config)?;

    let mut index_of: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut groups: Vec<(Vec<Value>, Vec<State>)> = Vec::new();
    if keys.is_empty() {
        groups.push((Vec::new(), columns.iter().map(|_| State::default()).collect()));
    }
    let mut canon = Canon::new();
    for (index, item) in list.iter().enumerate() {
        let index = number(index);
        call.meter.step(1 + (keys.len() + columns.len()) as u64)?;
        let mut values = Vec::with_capacity(keys.len());
        canon.clear();
        for pointer in &pointers {
            let value = call.per_item(pointer, item, index)?;
            canon.value(&value);
            values.push(value);
        }
        let group = if keys.is_empty() {
            0
        } else if let Some(group) = index_of.get(canon.as_bytes()) {
            *group
        } else {
            call.meter.alloc(canon.as_bytes().len() as u64 + CELL * (2 + columns.len() as u64))?;
            index_of.insert(canon.as_bytes().to_vec(), groups.len());
            groups.push((values, columns.iter().map(|_| State::default()).collect()));
            groups.len() - 1
        };
        for (column, state) in columns.iter().zip(&mut groups[group].1) {
            let value = if column.has_field { call.per_item(&column.pointer, item, index)? } else { item.clone() };
            column.take(state, value, index, call)?;
        }
    }

    let mut rows = Vec::with_capacity(groups.len());
    for (values, states) in groups {
        call.meter.alloc(CELL * (1 + keys.len() + columns.len()) as u64)?;
        let mut row: Map = keys.iter().cloned().zip(values).collect();
        for (column, state) in columns.iter().zip(states) {
            row.insert(column.name.clone(), column.finish(state)?);
        }
        rows.push(Value::from(row));
    }
    // Without groups there is one answer, not a list of one.
    let one = keys.is_empty().then(|| rows.pop()).flatten();
    Ok(Output::One(one.unwrap_or_else(|| rows.into())))
}

fn named(config: &Value, field: &str) -> Vec<Arc<str>> {
    let items = config.get(field).and_then(Value::as_list).unwrap_or_default();
    items.iter().map(|item| item.get("name").and_then(Value::as_str).unwrap_or_default().into()).collect()
}

fn columns(config: &Value) -> Result<Vec<Column>, NodeError> {
    let items = config.get("values").and_then(Value::as_list).unwrap_or_default();
    let column = |(at, (item, name)): (usize, (&Value, Arc<str>))| {
        let op = match item.get("op").and_then(Value::as_str).unwrap_or("count") {
            "sum" => Op::Sum,
            "count" => Op::Count,
            "count_distinct" => Op::CountDistinct,
            "min" => Op::Min,
            "max" => Op::Max,
            "avg" => Op::Avg,
            "first" => Op::First,
            "last" => Op::Last,
            "collect" => Op::Collect,
            other => {
                return Err(NodeError::new("bad_config", format!("`{other}` is not something that can be computed")));
            }
        };
        Ok(Column { name, pointer: format!("/values/{at}/of"), has_field: item.get("of").is_some(), op })
    };
    items.iter().zip(named(config, "values")).enumerate().map(column).collect()
}

impl Column {
    fn take(&self, state: &mut State, value: Value, index: i64, call: &mut PureCall<'_>) -> Result<(), NodeError> {
        match self.op {
            Op::Collect => {
                call.meter.alloc(CELL)?;
                state.list.push(value);
            }
            Op::First if state.count == 0 => (state.total, state.count) = (Some(value), 1),
            Op::First => {}
            Op::Last => state.total = Some(value),
            _ if value.is_null() => {}
            Op::Count => state.count += 1,
            Op::CountDistinct => {
                let mut canon = Canon::new();
                canon.value(&value);
                if !state.seen.contains(canon.as_bytes()) {
                    call.meter.alloc(canon.as_bytes().len() as u64 + CELL)?;
                    state.seen.insert(canon.as_bytes().to_vec());
                }
            }
            Op::Min if state.total.as_ref().is_none_or(|least| order(&value, least).is_lt()) => {
                state.total = Some(value)
            }
            Op::Max if state.total.as_ref().is_none_or(|most| order(&value, most).is_gt()) => state.total = Some(value),
            Op::Min | Op::Max => {}
            Op::Sum | Op::Avg => {
                if value.as_decimal().is_none() {
                    let message = format!("`{}`: item {index} gives {}, not a number", self.name, with_article(&value));
                    let mut error = NodeError::new("bad_input", message);
                    error.detail = Value::map([
                        ("index", Value::Int(index)),
                        ("name", self.name.clone().into()),
                        ("value", value),
                    ]);
                    return Err(error);
                }
                let total = state.total.take().unwrap_or(Value::Int(0));
                state.total = Some(add(&total, &value).ok_or_else(|| self.overflow())?);
                state.count += 1;
            }
        }
        Ok(())
    }

    fn finish(&self, state: State) -> Result<Value, NodeError> {
        Ok(match self.op {
            Op::Collect => state.list.into(),
            Op::Count => Value::Int(state.count),
            Op::CountDistinct => Value::Int(number(state.seen.len())),
            Op::Sum => state.total.unwrap_or(Value::Int(0)),
            Op::Avg => match state.total.as_ref().and_then(Value::as_decimal) {
                // The same rounding as `sum / count` in an expression.
                Some(total) => {
                    divide(total, Decimal::from(state.count)).ok_or_else(|| self.overflow())?.normalize().into()
                }
                None => Value::Null,
            },
            Op::Min | Op::Max | Op::First | Op::Last => state.total.unwrap_or_default(),
        })
    }

    fn overflow(&self) -> NodeError {
        NodeError::new("overflow", format!("`{}` does not fit: numbers have at most 28 digits", self.name))
    }
}

/// Ints stay ints while they fit; with a decimal among them the sum is one.
fn add(a: &Value, b: &Value) -> Option<Value> {
    if let (Value::Int(a), Value::Int(b)) = (a, b) {
        return a.checked_add(*b).map(Value::Int);
    }
    plus(a.as_decimal()?, b.as_decimal()?).map(Value::Decimal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, call_with, fails, gives};
    use holon_flow::expr::Meter;

    const KIND: &str = "data.aggregate@1";

    fn one(op: &str) -> String {
        format!(r#"{{"values":[{{"name":"x","op":"{op}","of":{{"$cel":"item.v"}}}}]}}"#)
    }

    #[test]
    fn everything_is_computed_over_a_list_without_groups() {
        let list = r#"[{"v":2},{"v":0.1},{"v":null},{"v":2.0},{"v":0.2}]"#;
        for (op, expected) in [
            ("sum", "4.3"),
            ("count", "4"),
            ("count_distinct", "3"),
            ("min", "0.1"),
            ("max", "2"),
            ("avg", "1.075"),
            ("first", "2"),
            ("last", "0.2"),
            ("collect", "[2,0.1,null,2.0,0.2]"),
        ] {
            gives(KIND, &one(op), list, &format!(r#"{{"x":{expected}}}"#));
        }
        gives(KIND, r#"{"values":[{"name":"n","op":"count"}]}"#, "[1,2,3]", r#"{"n":3}"#);
    }

    #[test]
    fn nothing_gives_zero_or_null() {
        for (op, expected) in
            [("sum", "0"), ("count", "0"), ("min", "null"), ("avg", "null"), ("first", "null"), ("collect", "[]")]
        {
            gives(KIND, &one(op), "[]", &format!(r#"{{"x":{expected}}}"#));
        }
        gives(KIND, r#"{"group_by":[{"name":"k","by":{"$cel":"item.k"}}]}"#, "[]", "[]");
    }

    #[test]
    fn groups_stand_in_the_order_of_their_first_item() {
        let config = r#"{"group_by":[{"name":"k","by":{"$cel":"item.k"}},{"name":"l","by":{"$cel":"item.l"}}],
            "values":[{"name":"n","op":"count"},{"name":"sum","op":"sum","of":{"$cel":"item.v"}}]}"#;
        let list = r#"[{"k":"b","l":1,"v":1},{"k":"a","l":1,"v":2},{"k":"b","l":1.0,"v":3},{"k":"b","l":null,"v":4}]"#;
        let expected =
            r#"[{"k":"b","l":1,"n":2,"sum":4},{"k":"a","l":1,"n":1,"sum":2},{"k":"b","l":null,"n":1,"sum":4}]"#;
        gives(KIND, config, list, expected);
    }

    #[test]
    fn money_adds_up_exactly() {
        let list = format!("[{}]", vec![r#"{"v":19.90}"#; 1000].join(","));
        gives(KIND, &one("sum"), &list, r#"{"x":19900}"#);
    }

    #[test]
    fn an_average_is_rounded_like_a_division_in_an_expression() {
        for (list, expected) in [
            (r#"[{"v":1},{"v":2},{"v":7}]"#, "3.333333333333333333333333333"),
            (r#"[{"v":1},{"v":0},{"v":1}]"#, "0.6666666666666666666666666667"),
            (r#"[{"v":9999999999999999999999999999},{"v":0},{"v":0}]"#, "3333333333333333333333333333"),
        ] {
            gives(KIND, &one("avg"), list, &format!(r#"{{"x":{expected}}}"#));
            let quotient = r#"{"fields":{"x":{"$cel":"input.map(i, i.v).sum() / size(input)"}},"keep":false}"#;
            gives("data.set@1", quotient, list, &format!(r#"{{"x":{expected}}}"#));
        }
        fails(KIND, &one("sum"), r#"[{"v":9999999999999999999999999999},{"v":0.5}]"#, "overflow");
    }

    #[test]
    fn what_cannot_be_added_fails_at_its_item() {
        let error = call(KIND, &one("sum"), r#"[{"v":1},{"v":"2"}]"#).unwrap_err();
        assert_eq!((error.code.as_str(), error.detail.get("index")), ("bad_input", Some(&Value::Int(1))));
        fails(KIND, &one("sum"), r#"[{"v":9223372036854775807},{"v":1}]"#, "overflow");
        fails(KIND, &one("sum"), r#"{"v":1}"#, "bad_input");
        let failed = call_with(KIND, &one("sum"), r#"[{"v":1},{"v":1}]"#, &mut Meter::new(3, 1_000)).unwrap_err();
        assert_eq!(failed.code, "out_of_fuel");
    }
}
