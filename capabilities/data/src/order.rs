//! One total order over all values, so that sorting and extremes never depend on chance.
//!
//! Null, then booleans (false first), numbers by value, text by UTF-8 bytes, lists item by item, maps by their pairs,
//! blobs by hash.

use holon_model::Value;
use std::cmp::Ordering;

/// Compares two values.
pub(crate) fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Int(_) | Value::Decimal(_), Value::Int(_) | Value::Decimal(_)) => a.as_decimal().cmp(&b.as_decimal()),
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => {
            let first = a.iter().zip(b.iter()).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
            first.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Map(a), Value::Map(b)) => {
            let pairs = a.iter().zip(b.iter());
            let first = pairs.map(|(a, b)| a.0.cmp(b.0).then_with(|| order(a.1, b.1))).find(|order| order.is_ne());
            first.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Blob(a), Value::Blob(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Decimal(_) => 2,
        Value::Str(_) => 3,
        Value::List(_) => 4,
        Value::Map(_) => 5,
        Value::Blob(_) => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::value;

    #[test]
    fn values_of_all_types_have_one_order() {
        let sorted =
            value(r#"[null,false,true,-1,0.5,1,1.5,2,"","B","a","é",[],[1],[1,0],[2],{},{"a":1},{"a":2},{"b":0}]"#);
        for (i, a) in sorted.as_list().unwrap().iter().enumerate() {
            for (j, b) in sorted.as_list().unwrap().iter().enumerate() {
                assert_eq!(order(a, b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
        assert_eq!(order(&value("1"), &value("1.00")), Ordering::Equal);
    }
}
