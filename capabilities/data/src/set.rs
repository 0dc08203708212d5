//! `data.set`: a map with fields set, kept and removed.

use crate::{CELL, with_article};
use holon_flow::capability::{NodeError, Output, PureCall};
use holon_model::{Map, Value};

pub(crate) fn run(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let fields = call.config.get("fields").and_then(Value::as_map);
    let remove = call.config.get("remove").and_then(Value::as_list).unwrap_or_default();
    let keep = call.config.get("keep").and_then(Value::as_bool).unwrap_or(true);
    let mut map = match (keep, call.input) {
        (false, _) | (true, Value::Null) => Map::new(),
        (true, Value::Map(map)) => (**map).clone(),
        (true, other) => {
            let what = with_article(other);
            let message =
                format!("the fields of the input are to be kept, but it is {what}; turn `keep` off or give it a map");
            return Err(NodeError::new("bad_input", message));
        }
    };
    let cells = (map.len() + fields.map_or(0, Map::len)) as u64;
    call.meter.step(cells + remove.len() as u64)?;
    call.meter.alloc(cells * CELL)?;
    for name in remove.iter().filter_map(Value::as_str) {
        map.remove(name);
    }
    for (name, value) in fields.into_iter().flatten() {
        map.insert(name.clone(), value.clone());
    }
    Ok(Output::One(map.into()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{call_with, fails, gives};
    use holon_flow::expr::Meter;

    const KIND: &str = "data.set@1";

    #[test]
    fn fields_are_set_over_what_is_kept() {
        gives(KIND, r#"{"fields":{"b":2,"c":[3]}}"#, r#"{"a":1,"b":1}"#, r#"{"a":1,"b":2,"c":[3]}"#);
        gives(KIND, r#"{"fields":{"b":2},"keep":false}"#, r#"{"a":1}"#, r#"{"b":2}"#);
        gives(KIND, r#"{"remove":["a","x"]}"#, r#"{"a":1,"b":1}"#, r#"{"b":1}"#);
        gives(KIND, "{}", r#"{"a":1}"#, r#"{"a":1}"#);
        gives(KIND, r#"{"fields":{"a":1},"remove":["a"]}"#, r#"{"a":0}"#, r#"{"a":1}"#);
    }

    #[test]
    fn null_has_no_fields_to_keep_and_a_list_is_refused() {
        gives(KIND, r#"{"fields":{"a":1}}"#, "null", r#"{"a":1}"#);
        gives(KIND, r#"{"fields":{"a":1},"keep":false}"#, "[1]", r#"{"a":1}"#);
        fails(KIND, r#"{"fields":{"a":1}}"#, "[1]", "bad_input");
    }

    #[test]
    fn the_budget_is_charged() {
        let failed = call_with(KIND, r#"{"fields":{"a":1}}"#, "{}", &mut Meter::new(0, 1_000)).unwrap_err();
        assert_eq!(failed.code, "out_of_fuel");
    }
}
