//! What a flow says of how its runs begin: how many of them go on at a time, and how many begin in a time (docs/limits.md). It
//! bounds when a run begins and changes nothing of what the run does.

use super::{duration, dynamic::Dynamic, limits, parse::Reader, pointer::Pointer};
use crate::{
    expr::{ExprError, MapScope, Meter, Program},
    validate::DiagnosticCode as Code,
};
use holon_model::{
    Map, Millis, Value,
    canon::{Canon, hex},
    wire::flows::Diagnostic,
};

/// How many runs may wait where the flow does not say.
pub const USUAL_QUEUE: u32 = 1_000;
/// Steps and bytes that a key may cost.
const FUEL: u64 = 10_000;
const BYTES: u64 = 64 << 10;
/// Bytes of a key as it is; of a longer one its hash stands for it.
const LONGEST_KEY: usize = 200;
/// What keys can name: nothing has run yet.
const ROOTS: &[&str] = &["trigger", "input"];

/// How many runs of a flow go on at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Concurrency {
    /// So many, of each key.
    pub limit: u32,
    /// What divides runs into lines of their own, as a dynamic value; without it all of them stand in one.
    pub key: Option<Value>,
    /// What becomes of a start when so many go on.
    pub when_full: WhenFull,
    /// How many may wait, of each key.
    pub queue: u32,
}

/// What becomes of a start when as many runs go on as may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is accepted, and begins when there is a place, in the order of arrival.
    #[default]
    Queue,
    /// It is refused.
    Refuse,
    /// It is accepted, and the oldest that goes on is cancelled.
    Replace,
}

impl WhenFull {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Queue, Self::Refuse, Self::Replace];

    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Refuse => "refuse",
            Self::Replace => "replace",
        }
    }
}

/// How many runs of a flow begin in a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// So many, of each key.
    pub limit: u32,
    /// In this time.
    pub per: Millis,
    /// So many at once, when none began for a while; as many as `limit` unless it is said.
    pub burst: Option<u32>,
    /// As with [`Concurrency::key`].
    pub key: Option<Value>,
}

/// The line of a run: what `key` gives for what it is started with, as text. Empty without a key, and where it gives null.
///
/// # Errors
/// When it cannot be computed.
pub fn line_of(key: Option<&Value>, input: &Value) -> Result<String, ExprError> {
    let Some(key) = key else { return Ok(String::new()) };
    let value = match Dynamic::of(key) {
        None => key.clone(),
        Some(dynamic) => {
            let program = match dynamic {
                Dynamic::Cel(source) => Program::compile(source)?,
                Dynamic::Text(source) => Program::text(source)?,
            };
            let scope = MapScope(Value::map(ROOTS.iter().map(|root| (*root, input.clone()))));
            program.eval(&scope, &mut Meter::new(FUEL, BYTES))?
        }
    };
    let text = match value {
        Value::Null => String::new(),
        Value::Str(text) => text.replace('\0', "\u{fffd}"),
        other => other.to_json(),
    };
    Ok(if text.len() <= LONGEST_KEY { text } else { hex(&Canon::new().text(&text).hash()) })
}

impl Concurrency {
    /// The JSON form: `{limit, key?, when_full?, queue?}`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        map.insert("limit".into(), self.limit.into());
        if let Some(key) = &self.key {
            map.insert("key".into(), key.clone());
        }
        if self.when_full != WhenFull::default() {
            map.insert("when_full".into(), self.when_full.as_str().into());
        }
        if self.queue != USUAL_QUEUE {
            map.insert("queue".into(), self.queue.into());
        }
        map.into()
    }
}

impl Rate {
    /// The JSON form: `{limit, per, burst?, key?}`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        map.insert("limit".into(), self.limit.into());
        map.insert("per".into(), duration::format(self.per).into());
        if let Some(burst) = self.burst {
            map.insert("burst".into(), burst.into());
        }
        if let Some(key) = &self.key {
            map.insert("key".into(), key.clone());
        }
        map.into()
    }
}

impl Reader {
    pub(super) fn concurrency(&mut self, value: &Value, at: &Pointer<'_>) -> Option<Concurrency> {
        let map = self.map(value, at, "a concurrency limit", &["limit", "key", "when_full", "queue"])?;
        let limit = self.count(map, at, "limit", 1, limits::MAX_CONCURRENCY);
        if limit.is_none() && !map.contains_key("limit") {
            self.report(Code::MissingField.at(at, "`limit` is missing: how many runs go on at a time"));
        }
        let when_full = match map.get("when_full") {
            None => Some(WhenFull::default()),
            Some(value) => WhenFull::ALL.into_iter().find(|one| value.as_str() == Some(one.as_str())),
        };
        if when_full.is_none() {
            let message = "`when_full` is `queue`, `refuse` or `replace`";
            self.report(Code::InvalidValue.at(&at.key("when_full"), message));
        }
        let queue = match map.contains_key("queue") {
            true => self.count(map, at, "queue", 1, limits::MAX_QUEUE),
            false => Some(USUAL_QUEUE),
        };
        Some(Concurrency { limit: limit?, key: map.get("key").cloned(), when_full: when_full?, queue: queue? })
    }

    pub(super) fn rate(&mut self, value: &Value, at: &Pointer<'_>) -> Option<Rate> {
        let map = self.map(value, at, "a rate limit", &["limit", "per", "burst", "key"])?;
        let limit = self.count(map, at, "limit", 1, limits::MAX_RATE);
        let per = map.get("per").and_then(|value| self.duration(value, &at.key("per"), 1));
        for (field, what) in [("limit", "how many runs begin"), ("per", "in which time, such as `1m`")] {
            if !map.contains_key(field) {
                self.report(Code::MissingField.at(at, format!("`{field}` is missing: {what}")));
            }
        }
        let burst = map.contains_key("burst").then(|| self.count(map, at, "burst", 1, limits::MAX_RATE));
        let burst = burst.map_or(Some(None), |burst| burst.map(Some));
        Some(Rate { limit: limit?, per: per?, burst: burst?, key: map.get("key").cloned() })
    }

    /// A whole number within bounds; nothing when it is not there or was reported.
    pub(super) fn count(&mut self, map: &Map, at: &Pointer<'_>, field: &str, least: u32, most: u32) -> Option<u32> {
        let value = map.get(field)?;
        let number = value.as_int().and_then(|n| u32::try_from(n).ok()).filter(|n| (least..=most).contains(n));
        if number.is_none() {
            let message = format!("`{field}` is a whole number from {least} to {most}");
            self.report(Code::InvalidValue.at(&at.key(field), message));
        }
        number
    }
}

/// What is wrong with a key that can be known before there is a run.
pub(crate) fn check_key(key: &Value, at: &Pointer<'_>) -> Option<Diagnostic> {
    check_names(key, at, (ROOTS, "before a run begins", "Use `trigger`, what the run is started with."))
}

/// What is wrong with a dynamic value that can name only these; `place` says where they have a value.
pub(super) fn check_names(
    key: &Value,
    at: &Pointer<'_>,
    (roots, place, hint): (&[&str], &str, &str),
) -> Option<Diagnostic> {
    let (program, member) = match Dynamic::of(key)? {
        Dynamic::Cel(source) => (Program::compile(source), "$cel"),
        Dynamic::Text(source) => (Program::text(source), "$text"),
    };
    let at = at.key(member);
    match program {
        Err(error) => Some(Code::InvalidExpression.hinted(&at, error.to_string(), error.hint().map(str::to_owned))),
        Ok(program) => {
            let name = program.names().iter().find(|name| !roots.contains(&&*name.root))?;
            let message = format!("`{}` has no value {place}", name.root);
            Some(Code::UnknownName.hinted(&at, message, hint.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Definition, dynamic};
    use holon_model::json;

    fn read(limits: &str) -> Result<Definition, Vec<Diagnostic>> {
        let text = format!(r#"{{"holon": 1, "name": "x", "limits": {limits}, "nodes": {{}}, "edges": []}}"#);
        Definition::from_value(&json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn limits_read_back_as_they_were_written_and_count_in_the_hash_only_where_they_are() {
        let none = read("{}").unwrap();
        for text in [
            r#"{"concurrency": {"limit": 3}}"#,
            r#"{"concurrency": {"limit": 1, "key": {"$cel": "trigger.customer"}, "when_full": "replace", "queue": 5}}"#,
            r#"{"rate": {"limit": 100, "per": "1m"}}"#,
            r#"{"deadline": "1h", "rate": {"limit": 100, "per": "1m", "burst": 5, "key": "all"}}"#,
        ] {
            let definition = read(text).unwrap();
            assert_eq!(Definition::from_value(&definition.to_value()).unwrap(), definition, "{text}");
            assert_ne!(definition.hash(), none.hash(), "{text}");
            assert_eq!(definition.to_value().get("limits"), Some(&json::parse(text.as_bytes()).unwrap()));
        }
    }

    #[test]
    fn what_is_no_limit_is_said_where_it_stands() {
        for (text, pointer) in [
            (r#"{"concurrency": {}}"#, "/limits/concurrency"),
            (r#"{"concurrency": {"limit": 0}}"#, "/limits/concurrency/limit"),
            (r#"{"concurrency": {"limit": 1, "when_full": "wait"}}"#, "/limits/concurrency/when_full"),
            (r#"{"concurrency": {"limit": 1, "queue": -1}}"#, "/limits/concurrency/queue"),
            (r#"{"rate": {"limit": 1}}"#, "/limits/rate"),
            (r#"{"rate": {"limit": 1, "per": 0}}"#, "/limits/rate/per"),
        ] {
            let found = read(text).unwrap_err();
            assert!(found.iter().any(|found| found.pointer == pointer), "{text}: {found:?}");
        }
    }

    #[test]
    fn runs_with_the_same_key_stand_in_one_line_and_a_key_that_cannot_be_computed_is_an_error() {
        let input = json::parse(br#"{"customer": "ada", "n": 7}"#).unwrap();
        let line = |key: Value| line_of(Some(&key), &input);
        assert_eq!(line_of(None, &input).unwrap(), "");
        assert_eq!(line(dynamic::cel("trigger.customer")).unwrap(), "ada");
        assert_eq!(line(dynamic::text("c-{{ input.n }}")).unwrap(), "c-7");
        assert_eq!(line(dynamic::cel("trigger.n")).unwrap(), "7");
        assert_eq!(line(dynamic::cel("null")).unwrap(), "");
        assert_eq!(line(Value::from("x".repeat(300))).unwrap().len(), 64);
        line(dynamic::cel("trigger.nothing")).unwrap_err();
    }

    #[test]
    fn a_key_names_only_what_a_run_is_started_with() {
        let root = Pointer::ROOT;
        let code = |key: Value| check_key(&key, &root).map(|found| found.code);
        assert_eq!(code(dynamic::cel("trigger.customer")), None);
        assert_eq!(code(Value::from("all")), None);
        assert_eq!(code(dynamic::cel("nodes.hook.customer")).as_deref(), Some("unknown_name"));
        assert_eq!(code(dynamic::cel("trigger.")).as_deref(), Some("invalid_expression"));
    }
}
