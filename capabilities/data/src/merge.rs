//! `data.merge`: lists one after another, maps laid over each other, or two lists joined by a key.

use crate::{CELL, not_a_list, number, with_article};
use holon_flow::capability::{NodeError, Output, PureCall};
use holon_model::{Map, Value, canon::Canon};
use std::collections::BTreeMap;

pub(crate) fn run(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    match call.config.get("mode").and_then(Value::as_str).unwrap_or("append") {
        "append" => append(call),
        "combine" => combine(call),
        "join" => join(call),
        other => Err(NodeError::new("bad_config", format!("`{other}` is not a way to merge"))),
    }
}

/// What is merged: the list `values`, else what came in, in the order of the source nodes' keys.
fn parts(call: &PureCall<'_>) -> Result<Vec<Value>, NodeError> {
    match (call.config.get("values"), call.input) {
        (Some(Value::List(values)), _) => Ok(values.to_vec()),
        (Some(other), _) => Err(not_a_list(other, "values")),
        (None, Value::Map(sources)) => Ok(sources.values().cloned().collect()),
        (None, other) => {
            let what = with_article(other);
            let message =
                format!("there is nothing to merge: the input is {what}; connect several nodes, or fill in `values`");
            Err(NodeError::new("bad_input", message))
        }
    }
}

fn append(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let mut all = Vec::new();
    for part in parts(call)? {
        match &part {
            Value::List(items) => {
                call.meter.step(1 + items.len() as u64)?;
                call.meter.alloc(items.len() as u64 * CELL)?;
                all.extend(items.iter().cloned());
            }
            Value::Null => {}
            single => {
                call.meter.step(1)?;
                call.meter.alloc(CELL)?;
                all.push(single.clone());
            }
        }
    }
    Ok(Output::One(all.into()))
}

fn combine(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let mut all = Map::new();
    for part in parts(call)? {
        match &part {
            Value::Map(map) => {
                call.meter.step(1 + map.len() as u64)?;
                call.meter.alloc(map.len() as u64 * CELL)?;
                all.extend(map.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            Value::Null => {}
            other => {
                let message = format!("only maps can be combined, one of the values is {}", with_article(other));
                return Err(NodeError::new("bad_input", message));
            }
        }
    }
    Ok(Output::One(all.into()))
}

fn join(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let (left, right) = (side(call, "left")?, side(call, "right")?);
    let (left, right) = (left.as_list().unwrap_or_default(), right.as_list().unwrap_or_default());
    let kind = call.config.get("join").and_then(Value::as_str).unwrap_or("inner");
    let pairs = call.config.get("shape").and_then(Value::as_str) == Some("pairs");

    let mut by_key: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    for (index, item) in right.iter().enumerate() {
        if let Some(key) = key(call, "/right_key", item, index)? {
            call.meter.alloc(key.len() as u64 + CELL)?;
            by_key.entry(key).or_default().push(index);
        }
    }
    let mut used = vec![false; right.len()];
    let mut rows = Vec::new();
    for (index, item) in left.iter().enumerate() {
        let key = key(call, "/left_key", item, index)?;
        let matches = key.and_then(|key| by_key.get(&key)).map(Vec::as_slice).unwrap_or_default();
        for at in matches {
            used[*at] = true;
            rows.push(row(call, item, &right[*at], pairs)?);
        }
        if matches.is_empty() && kind != "inner" {
            rows.push(row(call, item, &Value::Null, pairs)?);
        }
    }
    if kind == "full" {
        for (item, _) in right.iter().zip(used).filter(|(_, used)| !used) {
            rows.push(row(call, &Value::Null, item, pairs)?);
        }
    }
    Ok(Output::One(rows.into()))
}

fn side(call: &PureCall<'_>, field: &str) -> Result<Value, NodeError> {
    let value = call.config.get(field).cloned().unwrap_or_default();
    if value.as_list().is_some() { Ok(value) } else { Err(not_a_list(&value, field)) }
}

/// The canonical bytes of an item's key, so that `1` meets `1.0`; like in SQL, null meets nothing.
fn key(call: &mut PureCall<'_>, pointer: &str, item: &Value, index: usize) -> Result<Option<Vec<u8>>, NodeError> {
    call.meter.step(1)?;
    let value = call.per_item(pointer, item, number(index))?;
    if value.is_null() {
        return Ok(None);
    }
    let mut canon = Canon::new();
    canon.value(&value);
    Ok(Some(canon.as_bytes().to_vec()))
}

fn row(call: &mut PureCall<'_>, left: &Value, right: &Value, pairs: bool) -> Result<Value, NodeError> {
    if pairs {
        call.meter.step(1)?;
        call.meter.alloc(CELL * 3)?;
        return Ok(Value::map([("left", left.clone()), ("right", right.clone())]));
    }
    let mut fields = Map::new();
    // The left one's fields win: they are laid over the right one's.
    for item in [right, left] {
        match item {
            Value::Map(map) => fields.extend(map.iter().map(|(key, value)| (key.clone(), value.clone()))),
            Value::Null => {}
            other => {
                let message = format!(
                    "an item is {}, and only maps can be joined flat; choose the shape `pairs`",
                    with_article(other)
                );
                return Err(NodeError::new("bad_input", message));
            }
        }
    }
    call.meter.step(1 + fields.len() as u64)?;
    call.meter.alloc(CELL * (1 + fields.len() as u64))?;
    Ok(fields.into())
}

#[cfg(test)]
mod tests {
    use crate::testing::{call_with, fails, gives};
    use holon_flow::expr::Meter;

    const KIND: &str = "data.merge@1";

    #[test]
    fn lists_are_appended_and_single_values_join_them() {
        gives(KIND, "{}", r#"{"b":[3],"a":[1,2],"c":null,"d":4}"#, "[1,2,3,4]");
        gives(KIND, r#"{"values":[[2],[1]]}"#, "null", "[2,1]");
        fails(KIND, "{}", "[1]", "bad_input");
        fails(KIND, r#"{"values":7}"#, "null", "bad_input");
    }

    #[test]
    fn maps_are_combined_and_the_later_wins() {
        gives(KIND, r#"{"mode":"combine"}"#, r#"{"a":{"x":1,"y":1},"b":{"y":2},"c":null}"#, r#"{"x":1,"y":2}"#);
        fails(KIND, r#"{"mode":"combine"}"#, r#"{"a":[1]}"#, "bad_input");
    }

    fn config(join: &str, rest: &str) -> String {
        format!(
            r#"{{"mode":"join","join":"{join}"{rest},"left_key":{{"$cel":"item.id"}},"right_key":{{"$cel":"item.of"}},
            "left":[{{"id":1,"n":"a"}},{{"id":2,"n":"b"}},{{"id":null,"n":"c"}}],
            "right":[{{"of":1.0,"v":10,"n":"r"}},{{"of":1,"v":11}},{{"of":3,"v":30}},{{"of":null,"v":40}}]}}"#
        )
    }

    #[test]
    fn lists_are_joined_by_key_like_in_sql() {
        let inner = r#"{"id":1,"n":"a","of":1,"v":10},{"id":1,"n":"a","of":1,"v":11}"#;
        gives(KIND, &config("inner", ""), "null", &format!("[{inner}]"));
        let left = format!(r#"{inner},{{"id":2,"n":"b"}},{{"id":null,"n":"c"}}"#);
        gives(KIND, &config("left", ""), "null", &format!("[{left}]"));
        let full = format!(r#"{left},{{"of":3,"v":30}},{{"of":null,"v":40}}"#);
        gives(KIND, &config("full", ""), "null", &format!("[{full}]"));
    }

    #[test]
    fn pairs_keep_both_sides_whole() {
        let expected = r#"[{"left":{"id":1,"n":"a"},"right":{"of":1,"v":10,"n":"r"}},{"left":{"id":1,"n":"a"},"right":{"of":1,"v":11}}]"#;
        gives(KIND, &config("inner", r#","shape":"pairs""#), "null", expected);
        fails(KIND, r#"{"mode":"join","left":[1],"right":[1],"left_key":1,"right_key":1}"#, "null", "bad_input");
        fails(KIND, r#"{"mode":"join","left":{},"right":[]}"#, "null", "bad_input");
    }

    #[test]
    fn a_join_that_grows_large_runs_out_of_budget() {
        let many = vec!["1"; 1000].join(",");
        let config =
            format!(r#"{{"mode":"join","shape":"pairs","left":[{many}],"right":[{many}],"left_key":1,"right_key":1}}"#);
        let failed = call_with(KIND, &config, "null", &mut Meter::new(100_000, 10_000_000)).unwrap_err();
        assert_eq!(failed.code, "out_of_fuel");
    }
}
