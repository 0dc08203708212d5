//! What a polling trigger says: how often it looks, what it asks for, and what it finds in the answer. Pure; sending the request,
//! remembering keys and starting runs is the server's.

use holon_flow::NodeKind;
use holon_flow::definition::duration;
use holon_flow::expr::{CompiledConfig, ExprError, MapScope, Meter, Program};
use holon_model::{Map, Millis, Value};

/// Between two looks at least.
pub const LEAST_EVERY: Millis = Millis(10_000);
/// And at most.
pub const MOST_EVERY: Millis = Millis(30 * 24 * 3_600_000);
/// Items that one answer may list.
pub const MOST_LISTED: usize = 10_000;
/// Bytes of a cursor as JSON.
pub const MOST_CURSOR: usize = 16 * 1024;

const EVERY: Millis = Millis(300_000);
/// Items whose runs one look starts, where the trigger says nothing.
const MOST: i64 = 100;
/// Budget of the expressions of one look.
const FUEL: u64 = 10_000_000;
const BYTES: u64 = 128 << 20;
/// What of the config is the request, as `http.request` understands it.
const REQUEST: [&str; 11] = [
    "method",
    "url",
    "connection",
    "query",
    "headers",
    "body",
    "pagination",
    "response",
    "redirects",
    "timeout",
    "max_bytes",
];
/// What decides what a cursor means and what an item is known by.
const MEANING: [&str; 4] = ["url", "items", "key", "cursor"];

/// Why a look found nothing, and where in the trigger's config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PollFault {
    /// Pointer into the config, such as `/items`.
    pub pointer: String,
    /// A code, such as `bad_items`.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
}

impl PollFault {
    fn new(pointer: &str, code: &str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), code: code.to_owned(), message: message.into() }
    }

    fn of(pointer: &str, error: &ExprError) -> Self {
        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        Self::new(pointer, error.code(), format!("{error}{hint}"))
    }
}

/// A polling trigger's config, read.
#[derive(Debug, Clone)]
pub struct Poll {
    /// Between two looks.
    pub every: Millis,
    /// Whether all that is new starts one run; else each item starts its own.
    pub together: bool,
    /// Whether the first look starts runs too; else it only notes what is there.
    pub first_starts: bool,
    /// Items that one look starts runs for.
    pub most: usize,
    compiled: CompiledConfig,
}

/// What an answer lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The items in order, each key once.
    pub items: Vec<Item>,
    /// What is kept for the next look.
    pub cursor: Value,
    /// Whether there were no more pages than the request may fetch.
    pub complete: bool,
}

/// An item and what it is known by.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its key.
    pub key: String,
    /// Itself.
    pub value: Value,
}

impl Poll {
    /// How often a config says to look.
    ///
    /// # Errors
    /// When it cannot be read, or is too often or too seldom.
    pub fn every(config: &Value) -> Result<Millis, String> {
        let every = config.get("every").filter(|value| !value.is_null()).map_or(Ok(EVERY), duration::parse)?;
        if (LEAST_EVERY..=MOST_EVERY).contains(&every) {
            Ok(every)
        } else {
            Err(format!("It is {} to {}.", duration::format(LEAST_EVERY), duration::format(MOST_EVERY)))
        }
    }

    /// Reads the config of a node of the kind.
    ///
    /// # Errors
    /// The first thing that is wrong; publishing has found it before.
    pub fn read(kind: &NodeKind, config: &Value) -> Result<Self, PollFault> {
        let every = Self::every(config).map_err(|message| PollFault::new("/every", "invalid_config", message))?;
        let compiled = CompiledConfig::new(config, &kind.each_pointers(config)).map_err(|errors| {
            let first = errors.into_iter().next();
            first.map_or_else(
                || PollFault::new("", "invalid_config", "the settings cannot be read"),
                |(pointer, error)| PollFault::of(&pointer, &error),
            )
        })?;
        let is = |name: &str, value: &str| config.get(name).and_then(Value::as_str) == Some(value);
        let most = config.get("most").and_then(Value::as_int).unwrap_or(MOST).clamp(1, 1000);
        Ok(Self {
            every,
            together: is("start", "all"),
            first_starts: is("first", "start"),
            most: usize::try_from(most).unwrap_or(1),
            compiled,
        })
    }

    /// What decides what the cursor and the keys mean: while it stays the same, they are good for a later version too.
    pub fn meaning(config: &Value) -> String {
        let parts = MEANING.iter().filter_map(|name| Some((*name, config.get(name)?.clone())));
        Value::map(parts).to_json()
    }

    /// What `http.request` is to do.
    ///
    /// # Errors
    /// An expression that fails, with its place.
    pub fn request(&self, cursor: &Value, now: &str) -> Result<Value, PollFault> {
        let scope = MapScope(Value::map([("cursor", cursor.clone()), ("now", Value::from(now))]));
        let whole = self
            .compiled
            .eval(&scope, &mut Meter::new(FUEL, BYTES))
            .map_err(|(pointer, error)| PollFault::of(&pointer, &error))?;
        let mut request: Map = Map::new();
        for name in REQUEST {
            if let Some(value) = whole.get(name) {
                request.insert(name.into(), value.clone());
            }
        }
        // Every look asks anew: whoever honours a key would give the answer of the look before.
        request.insert("idempotency_header".into(), Value::from(""));
        Ok(request.into())
    }

    /// What the answer of `http.request` lists.
    ///
    /// # Errors
    /// An expression that fails or gives what it must not, with its place.
    pub fn find(&self, response: &Value, cursor: &Value, now: &str) -> Result<Found, PollFault> {
        let mut meter = Meter::new(FUEL, BYTES);
        let mut names: Map = Map::new();
        names.insert("response".into(), response.clone());
        names.insert("cursor".into(), cursor.clone());
        names.insert("now".into(), Value::from(now));
        let listed = match self.compiled.each("/items") {
            Some(program) => eval(program, "/items", &MapScope(Value::from(names.clone())), &mut meter)?,
            None => response.get("body").cloned().unwrap_or_default(),
        };
        let values: Vec<Value> = match &listed {
            Value::List(values) => values.iter().cloned().collect(),
            // No content, or not modified.
            Value::Null => Vec::new(),
            other => {
                let message = format!("`items` gave {}; it must give a list", words(other));
                return Err(PollFault::new("/items", "bad_items", message));
            }
        };
        if values.len() > MOST_LISTED {
            let message = format!(
                "the answer lists {} items, more than the {MOST_LISTED} that are remembered; ask for fewer",
                values.len()
            );
            return Err(PollFault::new("/items", "too_many_items", message));
        }
        let items = self.keyed(values, &mut meter)?;
        let cursor = match self.compiled.each("/cursor") {
            None => Value::Null,
            Some(program) => {
                names.insert("items".into(), listed);
                eval(program, "/cursor", &MapScope(Value::from(names)), &mut meter)?
            }
        };
        let bytes = cursor.to_json().len();
        if bytes > MOST_CURSOR {
            let message = format!("the cursor has {bytes} bytes as JSON; at most {MOST_CURSOR} are kept");
            return Err(PollFault::new("/cursor", "cursor_too_large", message));
        }
        let complete = response.get("complete").and_then(Value::as_bool).unwrap_or(true);
        Ok(Found { items, cursor, complete })
    }

    /// Each key once, the first item of it.
    fn keyed(&self, values: Vec<Value>, meter: &mut Meter) -> Result<Vec<Item>, PollFault> {
        let program = self.compiled.each("/key");
        let mut seen = std::collections::BTreeSet::new();
        let mut items = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let key = match program {
                None => value.to_json(),
                Some(program) => {
                    let scope = MapScope(Value::map([("item", value.clone())]));
                    let at = |mut fault: PollFault| {
                        fault.message = format!("item {index}: {}", fault.message);
                        fault
                    };
                    match eval(program, "/key", &scope, meter).map_err(at)? {
                        Value::Null => {
                            let message = format!("item {index} has no key: `key` gave null");
                            return Err(PollFault::new("/key", "bad_key", message));
                        }
                        Value::Str(text) => text.to_string(),
                        other => other.to_json(),
                    }
                }
            };
            if seen.insert(key.clone()) {
                items.push(Item { key, value });
            }
        }
        Ok(items)
    }
}

fn eval(program: &Program, pointer: &str, scope: &MapScope, meter: &mut Meter) -> Result<Value, PollFault> {
    program.eval(scope, meter).map_err(|error| PollFault::of(pointer, &error))
}

fn words(value: &Value) -> &'static str {
    match value {
        Value::Str(_) => "text",
        Value::Map(_) => "a map",
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::Decimal(_) => "a number",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_flow::definition::dynamic::cel;
    use holon_model::json;

    const NOW: &str = "2026-01-05T08:00:00.000Z";

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap()
    }

    fn poll(config: &str) -> Poll {
        let capability = crate::capability().unwrap();
        let kind = capability.kinds.iter().find(|kind| &*kind.name == "trigger.poll").unwrap();
        Poll::read(kind, &value(config)).unwrap()
    }

    fn found(config: &str, response: &str) -> Result<Found, PollFault> {
        poll(config).find(&value(response), &Value::Int(4), NOW)
    }

    #[test]
    fn the_request_is_that_of_http_request_with_the_cursor_in_it_and_without_a_key() {
        let poll = poll(
            r#"{"url": {"$text": "https://a.example/{{ cursor == null ? 'all' : 'since' }}"}, "query": {"after": {"$cel": "cursor"}, "at": {"$cel": "now"}},
                "items": {"$cel": "response.body"}, "every": "1m", "most": 3, "start": "all", "pagination": {"link": {"items": {"$cel": "item.body"}}}}"#,
        );
        assert_eq!((poll.every, poll.together, poll.first_starts, poll.most), (Millis(60_000), true, false, 3));
        let first = poll.request(&Value::Null, NOW).unwrap();
        let expected = r#"{"idempotency_header":"","pagination":{"link":{"items":{"$cel":"item.body"}}},"query":{"after":null,"at":"2026-01-05T08:00:00.000Z"},"url":"https://a.example/all"}"#;
        assert_eq!(first, value(expected));
        let next = poll.request(&Value::Int(7), NOW).unwrap();
        assert_eq!(
            (next.get("url"), next.pointer("/query/after")),
            (Some(&"https://a.example/since".into()), Some(&Value::Int(7)))
        );
    }

    #[test]
    fn items_have_their_keys_once_in_order_and_the_cursor_sees_them_and_the_one_before() {
        let config = r#"{"url": "https://a.example", "items": {"$cel": "response.body.list"}, "key": {"$cel": "item.id"},
            "cursor": {"$cel": "items.size() > 0 ? items.last().id + cursor : cursor"}}"#;
        let all = found(config, r#"{"body": {"list": [{"id": 2}, {"id": 1}, {"id": 2, "n": 1}, {"id": 3}]}}"#).unwrap();
        assert_eq!(all.items.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(), ["2", "1", "3"]);
        assert_eq!((all.cursor, all.complete), (Value::Int(7), true));
        let none = found(config, r#"{"body": {"list": []}, "complete": false}"#).unwrap();
        assert_eq!(none, Found { items: vec![], cursor: Value::Int(4), complete: false });
        let plain = found(r#"{"url": "https://a.example"}"#, r#"{"body": [{"b": 1.50, "a": 1}, "x", "x"]}"#).unwrap();
        let keys: Vec<&str> = plain.items.iter().map(|item| item.key.as_str()).collect();
        assert_eq!((keys, plain.cursor), (vec![r#"{"a":1,"b":1.50}"#, r#""x""#], Value::Null));
        assert_eq!(found(r#"{"url": "https://a.example"}"#, r#"{"status": 304, "body": null}"#).unwrap().items, []);
    }

    #[test]
    fn what_goes_wrong_is_told_with_its_place() {
        let of = |fields: &[(&str, &str)], response: &str| {
            let mut config: Map = Map::new();
            config.insert("url".into(), "https://a.example".into());
            for (name, source) in fields {
                config.insert((*name).into(), cel(source));
            }
            let fault = found(&Value::from(config).to_json(), response).unwrap_err();
            (fault.pointer, fault.code, fault.message)
        };
        let (at, code, says) = of(&[("items", "response.body")], r#"{"body": "soon"}"#);
        assert_eq!(
            (at.as_str(), code.as_str(), says.as_str()),
            ("/items", "bad_items", "`items` gave text; it must give a list")
        );
        let (at, code, _) = of(&[("items", "response.body.none")], r#"{"body": {}}"#);
        assert_eq!((at.as_str(), code.as_str()), ("/items", "no_such_field"));
        let (at, code, says) = of(&[("key", "item.?id.orValue(null)")], r#"{"body": [{}]}"#);
        assert_eq!((at.as_str(), code.as_str()), ("/key", "bad_key"), "{says}");
        let (at, _, says) = of(&[("key", "item.id")], r#"{"body": [{"id": 1}, {}]}"#);
        assert!(at == "/key" && says.starts_with("item 1: "), "{at} {says}");
        let long = format!(r#"{{"body": ["{}"]}}"#, "x".repeat(MOST_CURSOR));
        let (at, code, _) = of(&[("cursor", "items.last()")], &long);
        assert_eq!((at.as_str(), code.as_str()), ("/cursor", "cursor_too_large"));
        let many = format!(r#"{{"body": [{}1]}}"#, "1,".repeat(MOST_LISTED));
        assert_eq!(of(&[], &many).1, "too_many_items");
    }

    #[test]
    fn how_often_has_bounds_and_what_a_cursor_means_is_the_address_the_items_the_key_and_the_cursor() {
        let every = |text: &str| Poll::every(&value(&format!(r#"{{"every": {text}}}"#)));
        assert_eq!(
            (every("\"10s\""), every("10000"), every("null")),
            (Ok(Millis(10_000)), Ok(Millis(10_000)), Ok(Millis(300_000)))
        );
        for wrong in ["\"9s\"", "\"31d\"", "\"soon\"", "true"] {
            assert!(every(wrong).is_err(), "{wrong}");
        }
        let meaning = |text: &str| Poll::meaning(&value(text));
        let one = meaning(r#"{"url": "https://a.example", "every": "1m", "headers": {"a": "b"}}"#);
        assert_eq!(one, meaning(r#"{"url": "https://a.example", "every": "2m", "most": 7}"#));
        assert_ne!(one, meaning(r#"{"url": "https://a.example", "key": {"$cel": "item.id"}}"#));
    }
}
