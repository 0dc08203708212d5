//! A poll asks as an HTTP request does: its settings are those, with the same meaning.

use holon_catalogue::catalogue;
use holon_model::{Map, Value};

/// What may differ: where a field stands in its form, what expressions see in it, and how it is explained.
const OWN: [&str; 9] = [
    "title",
    "description",
    "x-holon-order",
    "x-holon-names",
    "x-holon-static",
    "x-holon-advanced",
    "x-holon-when",
    "x-holon-max",
    "x-holon-placeholder",
];

fn meaning(schema: &Value) -> Value {
    match schema {
        Value::Map(map) => {
            let kept = map.iter().filter(|(name, _)| !OWN.contains(&&***name));
            Value::from(kept.map(|(name, value)| (name.clone(), meaning(value))).collect::<Map>())
        }
        Value::List(items) => Value::list(items.iter().map(meaning)),
        other => other.clone(),
    }
}

#[test]
fn the_request_of_a_poll_is_an_http_request_but_for_what_no_look_needs() {
    let catalogue = catalogue();
    let fields = |kind: &str| {
        let kind = kind.parse().unwrap();
        let kind = catalogue.get(&kind).unwrap();
        kind.config.as_value().get("properties").and_then(Value::as_map).unwrap().clone()
    };
    let (poll, request) = (fields("trigger.poll@1"), fields("http.request@1"));
    let mut compared = Vec::new();
    for (name, schema) in &request {
        // A look reads, fails from status 400 on, has no key, and may be had again.
        if ["method", "fail_on_status", "idempotency_header", "delivery", "when_unknown"].contains(&&**name) {
            continue;
        }
        assert_eq!(poll.get(name).map(meaning), Some(meaning(schema)), "{name}");
        compared.push(&**name);
    }
    assert_eq!(compared.len(), 10, "{compared:?}");
}
