//! `data.sort`: a stable sort by one or several keys; nulls stand where they are told to, whatever the direction.

use crate::{CELL, items, number, order::order};
use holon_flow::capability::{NodeError, Output, PureCall};
use holon_model::Value;
use std::cmp::Ordering;

struct Key {
    pointer: String,
    descending: bool,
    nulls_first: bool,
}

pub(crate) fn run(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let subject = items(call)?;
    let list = subject.as_list().unwrap_or_default();
    let by = call.config.get("by").and_then(Value::as_list).unwrap_or_default();
    let is = |key: &Value, field: &str, word: &str| key.get(field).and_then(Value::as_str) == Some(word);
    let keys: Vec<Key> = (by.iter().enumerate())
        .map(|(at, key)| Key {
            pointer: format!("/by/{at}/key"),
            descending: is(key, "order", "desc"),
            nulls_first: is(key, "nulls", "first"),
        })
        .collect();

    // What sorting compares, at most: known before it starts, so the budget is charged the same on every platform.
    let length = list.len() as u64;
    let comparisons = length * u64::from(length.checked_ilog2().unwrap_or(0) + 1);
    call.meter.step(comparisons.saturating_mul(keys.len().max(1) as u64))?;
    call.meter.alloc(length.saturating_mul(CELL * (1 + keys.len() as u64)))?;

    let mut rows = Vec::with_capacity(list.len());
    for (index, item) in list.iter().enumerate() {
        let mut values = Vec::with_capacity(keys.len());
        if keys.is_empty() {
            values.push(item.clone());
        }
        for key in &keys {
            values.push(call.per_item(&key.pointer, item, number(index))?);
        }
        rows.push((values, item));
    }
    rows.sort_by(|(a, _), (b, _)| {
        let pairs = a.iter().zip(b).enumerate();
        let mut orders = pairs.map(|(at, (a, b))| keys.get(at).map_or_else(|| order(a, b), |key| key.compare(a, b)));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    });
    Ok(Output::One(Value::list(rows.into_iter().map(|(_, item)| item.clone()))))
}

impl Key {
    fn compare(&self, a: &Value, b: &Value) -> Ordering {
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (false, false) if self.descending => order(b, a),
            (false, false) => order(a, b),
            (null, _) if null == self.nulls_first => Ordering::Less,
            _ => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{call_with, fails, gives};
    use holon_flow::expr::Meter;

    const KIND: &str = "data.sort@1";

    #[test]
    fn items_are_sorted_by_each_key_in_turn() {
        let config = r#"{"by":[{"key":{"$cel":"item.a"}},{"key":{"$cel":"item.b"},"order":"desc"}]}"#;
        let input = r#"[{"a":2,"b":1},{"a":1,"b":1},{"a":1,"b":2}]"#;
        gives(KIND, config, input, r#"[{"a":1,"b":2},{"a":1,"b":1},{"a":2,"b":1}]"#);
    }

    #[test]
    fn items_that_are_equal_keep_their_order() {
        let input = r#"[{"a":1,"n":1},{"a":0,"n":2},{"a":1.0,"n":3},{"a":0,"n":4}]"#;
        let expected = r#"[{"a":0,"n":2},{"a":0,"n":4},{"a":1,"n":1},{"a":1.0,"n":3}]"#;
        gives(KIND, r#"{"by":[{"key":{"$cel":"item.a"}}]}"#, input, expected);
        let reversed = r#"[{"a":1,"n":1},{"a":1.0,"n":3},{"a":0,"n":2},{"a":0,"n":4}]"#;
        gives(KIND, r#"{"by":[{"key":{"$cel":"item.a"},"order":"desc"}]}"#, input, reversed);
    }

    #[test]
    fn nulls_stand_last_unless_they_are_wanted_first() {
        let input = r#"[{"a":null},{"a":2},{"a":1}]"#;
        for (options, expected) in [
            ("", r#"[{"a":1},{"a":2},{"a":null}]"#),
            (r#","order":"desc""#, r#"[{"a":2},{"a":1},{"a":null}]"#),
            (r#","nulls":"first""#, r#"[{"a":null},{"a":1},{"a":2}]"#),
            (r#","nulls":"first","order":"desc""#, r#"[{"a":null},{"a":2},{"a":1}]"#),
        ] {
            gives(KIND, &format!(r#"{{"by":[{{"key":{{"$cel":"item.a"}}{options}}}]}}"#), input, expected);
        }
    }

    #[test]
    fn without_keys_the_items_themselves_are_compared() {
        gives(KIND, "{}", r#"[3,"a",null,1.5,true]"#, r#"[null,true,1.5,3,"a"]"#);
        gives(KIND, "{}", "[]", "[]");
    }

    #[test]
    fn what_is_no_list_is_refused_and_the_budget_is_charged_first() {
        fails(KIND, "{}", r#"{"a":1}"#, "bad_input");
        let failed = call_with(KIND, "{}", "[1,2,3,4]", &mut Meter::new(11, 1_000)).unwrap_err();
        assert_eq!(failed.code, "out_of_fuel");
    }
}
