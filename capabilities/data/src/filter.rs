//! `data.filter`: the items of a list for which a condition holds; a single value goes one way or the other.

use crate::{CELL, number, with_article};
use holon_flow::capability::{NodeError, Output, PureCall};
use holon_model::Value;

pub(crate) fn run(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let subject = call.subject("items");
    let Some(items) = subject.as_list() else {
        let holds = holds(call, &subject, 0)?;
        return Ok(if holds { Output::One(subject) } else { Output::Port("rejected".into(), subject) });
    };
    let mut kept = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if holds(call, item, number(index))? {
            call.meter.alloc(CELL)?;
            kept.push(item.clone());
        }
    }
    Ok(Output::One(kept.into()))
}

fn holds(call: &mut PureCall<'_>, item: &Value, index: i64) -> Result<bool, NodeError> {
    call.meter.step(1)?;
    match call.per_item("/where", item, index)? {
        Value::Bool(holds) => Ok(holds),
        other => {
            let message =
                format!("the condition gave {} for item {index}; it must be true or false", with_article(&other));
            let mut error = NodeError::new("bad_condition", message);
            error.detail = Value::map([("index", Value::Int(index)), ("value", other)]);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, fails, gives, value};

    const KIND: &str = "data.filter@1";

    const WHERE: &str = r#"{"where":{"$cel":"item.ok"}}"#;

    #[test]
    fn items_for_which_the_condition_holds_stay_in_order() {
        let list = r#"[{"n":1,"ok":true},{"n":2,"ok":false},{"n":3,"ok":true}]"#;
        gives(KIND, WHERE, list, r#"[{"n":1,"ok":true},{"n":3,"ok":true}]"#);
        gives(KIND, WHERE, "[]", "[]");
        gives(KIND, r#"{"where":false,"items":[1,2]}"#, "null", "[]");
    }

    #[test]
    fn a_single_value_leaves_on_one_port_or_the_other() {
        gives(KIND, WHERE, r#"{"ok":true}"#, r#"{"ok":true}"#);
        let rejected = call(KIND, WHERE, r#"{"ok":false}"#);
        assert_eq!(rejected, Ok(Output::Port("rejected".into(), value(r#"{"ok":false}"#))));
    }

    #[test]
    fn a_condition_that_is_not_a_boolean_fails_at_its_item() {
        fails(KIND, WHERE, r#"[{"ok":1}]"#, "bad_condition");
        fails(KIND, "{}", "[1]", "bad_condition");
        let error = call(KIND, WHERE, r#"[{"ok":true},{}]"#).unwrap_err();
        assert_eq!((error.code.as_str(), error.detail.get("index")), ("no_such_field", Some(&Value::Int(1))));
    }
}
