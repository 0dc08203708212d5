//! The same steps on the records of a preview.

use holon_flow::capability::{LocalRecords, NodeError};
use holon_model::Value;

use crate::step;

pub(crate) fn get(records: &mut LocalRecords, config: &Value, _: &Value) -> Result<Value, NodeError> {
    Ok(step::got(records.get(&step::key(config)?).cloned(), config))
}

pub(crate) fn put(records: &mut LocalRecords, config: &Value, input: &Value) -> Result<Value, NodeError> {
    let (key, value) = (step::key(config)?, step::put(config, input)?);
    records.insert(key, value.clone());
    Ok(value)
}

pub(crate) fn increment(records: &mut LocalRecords, config: &Value, _: &Value) -> Result<Value, NodeError> {
    let key = step::key(config)?;
    let sum = step::sum(records.get(&key), config)?;
    records.insert(key, sum.clone());
    Ok(sum)
}

pub(crate) fn delete(records: &mut LocalRecords, config: &Value, _: &Value) -> Result<Value, NodeError> {
    Ok(records.remove(&step::key(config)?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::json;

    #[test]
    fn what_is_put_is_got_counted_on_and_forgotten() {
        let mut records = LocalRecords::new();
        let config = |text: &str| json::parse(text.as_bytes()).unwrap();
        let n = config(r#"{"key":"n","default":"none"}"#);
        assert_eq!(get(&mut records, &n, &Value::Null), Ok("none".into()));
        assert_eq!(put(&mut records, &config(r#"{"key":"n"}"#), &Value::Int(4)), Ok(Value::Int(4)));
        assert_eq!(increment(&mut records, &config(r#"{"key":"n","by":3}"#), &Value::Null), Ok(Value::Int(7)));
        assert_eq!(get(&mut records, &n, &Value::Null), Ok(Value::Int(7)));
        assert_eq!(delete(&mut records, &n, &Value::Null), Ok(Value::Int(7)));
        assert_eq!(delete(&mut records, &n, &Value::Null), Ok(Value::Null));
    }

    #[test]
    fn the_manifest_is_right_and_every_kind_of_it_can_be_previewed() {
        let kinds = crate::capability().unwrap().kinds;
        assert!(kinds.len() == 4 && kinds.iter().all(|kind| kind.local.is_some()));
    }
}
