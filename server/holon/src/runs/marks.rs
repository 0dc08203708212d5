//! What runs are found by: the labels and the correlation of those who start them, checked; and those that a trigger's config
//! gives to the runs that it starts.

use std::collections::BTreeMap;

use holon_flow::definition::pointer::escape;
use holon_flow::expr::{ExprError, Meter, Program, Scope};
use holon_model::context::Budget;
use holon_model::error::FieldError;
use holon_model::{Map, Value};
use holon_runtime::store::Marks;

/// Labels of one run.
const MOST_LABELS: usize = 16;
/// Characters of a label's key.
const LONGEST_KEY: usize = 64;
/// Characters of a label's value, and of a correlation.
const LONGEST_VALUE: usize = 256;

/// Checks what somebody gives a run to be found by.
///
/// # Errors
/// All that is wrong, each with its place in the body.
pub fn checked(labels: BTreeMap<String, String>, correlation: Option<String>) -> Result<Marks, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let mut refuse = |pointer: String, detail: String| wrong.push(FieldError { pointer, detail, code: None });
    if labels.len() > MOST_LABELS {
        refuse("/labels".into(), format!("must have at most {MOST_LABELS} labels"));
    }
    for (key, value) in &labels {
        let pointer = format!("/labels/{}", escape(key));
        if !is_key(key) {
            let must = format!("the key must have 1 to {LONGEST_KEY} characters, none of them `:` or U+0000");
            refuse(pointer, must);
        } else if !is_value(value) {
            refuse(pointer, format!("must have at most {LONGEST_VALUE} characters, none of them U+0000"));
        }
    }
    if correlation.as_deref().is_some_and(|text| text.is_empty() || !is_value(text)) {
        let must = format!("must have 1 to {LONGEST_VALUE} characters, none of them U+0000");
        refuse("/correlation".into(), must);
    }
    if wrong.is_empty() { Ok(Marks { labels, correlation, fork_of: None }) } else { Err(wrong) }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.chars().count() <= LONGEST_KEY && !key.contains([':', '\0'])
}

fn is_value(value: &str) -> bool {
    value.chars().count() <= LONGEST_VALUE && !value.contains('\0')
}

/// What the runs of a trigger are found by: `found_by` in its config, over the value that it gives. What does not come out as it
/// must is left out: nobody is refused because a run would be harder to find.
pub fn of_trigger(config: &Value, value: &Value) -> Marks {
    let Some(found_by) = config.get("found_by") else { return Marks::default() };
    let labels = found_by.get("labels").and_then(Value::as_map).into_iter().flatten();
    let labels = labels.filter_map(|(key, value)| Some((key.to_string(), value.as_str()?.to_owned())));
    let labels = labels.filter(|(key, value)| is_key(key) && is_value(value)).take(MOST_LABELS).collect();
    let source = found_by.pointer("/correlation/$cel").and_then(Value::as_str);
    let correlation = source.and_then(|source| match evaluated(source, value) {
        Ok(text) => text.filter(|text| !text.is_empty() && is_value(text)),
        Err(error) => {
            tracing::debug!(%error, "a run starts without a correlation: the trigger's expression fails");
            None
        }
    });
    Marks { labels, correlation, fork_of: None }
}

/// What a trigger's expression says of the value that the trigger gives, as text; nothing when it says null.
///
/// # Errors
/// When it fails on this value.
pub fn evaluated(source: &str, value: &Value) -> Result<Option<String>, ExprError> {
    let budget = Budget::default();
    let mut meter = Meter::new(budget.fuel / 100, budget.bytes / 100);
    let found = Program::compile(source).and_then(|program| program.eval(&Trigger(value), &mut meter))?;
    Ok(match found {
        Value::Null => None,
        Value::Str(text) => Some(text.to_string()),
        other => Some(other.to_json()),
    })
}

/// The names there are before a run exists.
struct Trigger<'a>(&'a Value);

impl Scope for Trigger<'_> {
    fn name(&self, name: &str) -> Option<Value> {
        matches!(name, "trigger" | "input").then(|| self.0.clone())
    }

    fn node(&self, _: &str) -> Option<Value> {
        None
    }

    fn nodes(&self) -> Value {
        Value::from(Map::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn wrong(pairs: &[(&str, &str)], correlation: Option<&str>) -> Vec<String> {
        let found = checked(labels(pairs), correlation.map(str::to_owned)).err().unwrap_or_default();
        found.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn labels_and_correlations_have_bounds_and_each_breach_is_said_with_its_place() {
        assert_eq!(wrong(&[("team", ""), ("käse", "ü")], Some("7")), Vec::<String>::new());
        let long = "x".repeat(65);
        let pairs = [("", "a"), ("a/b:c", "a"), (long.as_str(), "a"), ("nul", "a\0")];
        let places = ["/labels/", "/labels/a~1b:c", "/labels/nul", &format!("/labels/{long}")];
        assert_eq!(wrong(&pairs, Some("")), [places.as_slice(), &["/correlation"]].concat());
        assert_eq!(wrong(&[("a", &"x".repeat(257))], Some(&"x".repeat(257))), ["/labels/a", "/correlation"]);
        let many: Vec<String> = (0..17).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), "")).collect();
        assert_eq!(wrong(&many, None), ["/labels"]);
    }

    #[test]
    fn a_trigger_names_what_its_runs_are_about_and_what_fails_is_left_out() {
        let value = Value::map([("body", Value::map([("order", Value::Int(7))]))]);
        let marks = |config: &str| of_trigger(&holon_model::json::parse(config.as_bytes()).unwrap(), &value);
        let found = marks(
            r#"{"found_by": {"labels": {"source": "shop", "n": 7}, "correlation": {"$cel": "trigger.body.order"}}}"#,
        );
        assert_eq!((found.labels, found.correlation.as_deref()), (labels(&[("source", "shop")]), Some("7")));
        for config in ["{}", r#"{"found_by": {"correlation": {"$cel": "trigger.body.none"}}}"#] {
            assert_eq!(marks(config), Marks::default(), "{config}");
        }
    }
}
