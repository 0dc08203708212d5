//! What a node says of how long its answer is good (`policies.cache`, docs/caching.md). The machine computes which effects have the
//! same answer; the host looks it up, or does the effect.

use super::{KindRef, duration, dynamic::Dynamic, intake, limits, parse::Reader, pointer::Pointer};
use crate::{
    expr::{ExprError, MapScope, Meter, Program},
    validate::DiagnosticCode as Code,
};
use holon_model::{Map, Millis, Value, canon::Canon, wire::flows::Diagnostic};

/// Steps and bytes that a key may cost.
const FUEL: u64 = 10_000;
const BYTES: u64 = 64 << 10;
/// What keys can name: what is frozen for all attempts, so that a key is the same whenever it is asked for.
const ROOTS: &[&str] = &["input", "config"];

/// For how long an answer stands for the next effect too.
#[derive(Debug, Clone, PartialEq)]
pub struct Cache {
    /// So long after it was given.
    pub ttl: Millis,
    /// Effects of this node for which it gives the same have one answer, as a dynamic value. Without it all effects of the same kind
    /// with the same config and input have.
    pub key: Option<Value>,
}

impl Cache {
    /// What effects with the same answer share. `flow` is the hash of the definition and `path` the node's without indices: a key of
    /// one's own means something in one place only.
    ///
    /// # Errors
    /// When the key cannot be computed.
    pub fn answer_of(
        &self,
        (flow, path): ([u8; 32], &str),
        kind: &KindRef,
        (config, input): (&Value, &Value),
    ) -> Result<[u8; 32], ExprError> {
        let mut canon = Canon::new();
        canon.text("holon.cache/1").text(&kind.name).u64(kind.version.into());
        match &self.key {
            None => canon.tag(b'c').value(config).value(input),
            Some(key) => canon.tag(b'k').bytes(&flow).text(path).value(&evaluated(key, config, input)?),
        };
        Ok(canon.hash())
    }

    /// The JSON form: `{ttl, key?}`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        map.insert("ttl".into(), duration::format(self.ttl).into());
        if let Some(key) = &self.key {
            map.insert("key".into(), key.clone());
        }
        map.into()
    }
}

fn evaluated(key: &Value, config: &Value, input: &Value) -> Result<Value, ExprError> {
    let program = match Dynamic::of(key) {
        None => return Ok(key.clone()),
        Some(Dynamic::Cel(source)) => Program::compile(source)?,
        Some(Dynamic::Text(source)) => Program::text(source)?,
    };
    let scope = MapScope(Value::map([("input", input.clone()), ("config", config.clone())]));
    program.eval(&scope, &mut Meter::new(FUEL, BYTES))
}

impl Reader {
    pub(super) fn cache(&mut self, value: &Value, at: &Pointer<'_>) -> Option<Cache> {
        let map = self.map(value, at, "a cache policy", &["ttl", "key"])?;
        let Some(ttl) = map.get("ttl") else {
            self.report(Code::MissingField.at(at, "`ttl` is missing: for how long an answer is good, such as `10m`"));
            return None;
        };
        let ttl = self.duration(ttl, &at.key("ttl"), 1)?;
        if ttl.0 > limits::MAX_TTL {
            self.report(Code::InvalidValue.at(&at.key("ttl"), "an answer is good for a day at most"));
            return None;
        }
        Some(Cache { ttl, key: map.get("key").cloned() })
    }
}

/// What is wrong with a key that can be known before there is an effect.
pub(crate) fn check_key(key: &Value, at: &Pointer<'_>) -> Option<Diagnostic> {
    let hint = "Use `input` and `config`: the node's input, and its settings as they were computed.";
    intake::check_names(key, at, (ROOTS, "in the key of a cache", hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Definition, dynamic};
    use holon_model::json;

    fn read(cache: &str) -> Result<Definition, Vec<Diagnostic>> {
        let text = format!(
            r#"{{"holon": 1, "name": "x", "nodes": {{"a": {{"kind": "a@1", "policies": {{"cache": {cache}}}}}}}, "edges": []}}"#
        );
        Definition::from_value(&json::parse(text.as_bytes()).unwrap())
    }

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_cache_reads_back_as_it_was_written_and_counts_in_the_hash() {
        let mut seen = Vec::new();
        for text in [r#"{"ttl": "10m"}"#, r#"{"ttl": "1d"}"#, r#"{"ttl": "10m", "key": {"$cel": "input.sku"}}"#] {
            let definition = read(text).unwrap();
            assert_eq!(Definition::from_value(&definition.to_value()).unwrap(), definition, "{text}");
            assert_eq!(definition.to_value().pointer("/nodes/a/policies/cache"), Some(&value(text)));
            assert!(!seen.contains(&definition.hash()), "{text}");
            seen.push(definition.hash());
            let mut without = definition;
            without.graph.nodes.get_mut("a").unwrap().policies.cache = None;
            assert!(!seen.contains(&without.hash()), "{text}");
        }
    }

    #[test]
    fn what_is_no_cache_is_said_where_it_stands() {
        for (text, pointer) in [
            ("{}", ""),
            (r#""10m""#, ""),
            (r#"{"ttl": 0}"#, "/ttl"),
            (r#"{"ttl": "25h"}"#, "/ttl"),
            (r#"{"ttl": "1m", "for": 1}"#, "/for"),
        ] {
            let found = read(text).unwrap_err();
            let pointer = format!("/nodes/a/policies/cache{pointer}");
            assert!(found.iter().any(|found| found.pointer == pointer), "{text}: {found:?}");
        }
    }

    #[test]
    fn effects_have_one_answer_where_kind_config_and_input_or_the_key_are_the_same() {
        let (one, other): (KindRef, KindRef) = ("http.request@1".parse().unwrap(), "http.request@2".parse().unwrap());
        let (config, input) = (value(r#"{"url": "a"}"#), value(r#"{"sku": 1, "n": 1}"#));
        let plain = Cache { ttl: Millis(1), key: None };
        let of = |cache: &Cache, place, kind, config: &str, input: &str| {
            cache.answer_of(place, kind, (&value(config), &value(input))).unwrap()
        };
        let (here, there) = (([1; 32], "call"), ([2; 32], "call"));
        let first = plain.answer_of(here, &one, (&config, &input)).unwrap();
        assert_eq!(first, of(&plain, there, &one, r#"{"url": "a"}"#, r#"{"n": 1.0, "sku": 1}"#));
        assert_ne!(first, of(&plain, here, &other, r#"{"url": "a"}"#, r#"{"sku": 1, "n": 1}"#));
        assert_ne!(first, of(&plain, here, &one, r#"{"url": "b"}"#, r#"{"sku": 1, "n": 1}"#));
        assert_ne!(first, of(&plain, here, &one, r#"{"url": "a"}"#, r#"{"sku": 1, "n": 2}"#));
        let keyed = Cache { ttl: Millis(1), key: Some(dynamic::cel("input.sku")) };
        let first = keyed.answer_of(here, &one, (&config, &input)).unwrap();
        assert_eq!(first, of(&keyed, here, &one, r#"{"url": "b"}"#, r#"{"sku": 1, "n": 2}"#));
        assert_ne!(first, of(&keyed, here, &one, r#"{"url": "a"}"#, r#"{"sku": 2}"#));
        for place in [there, ([1; 32], "other")] {
            assert_ne!(first, of(&keyed, place, &one, r#"{"url": "a"}"#, r#"{"sku": 1}"#), "a key is of one place");
        }
        keyed.answer_of(here, &one, (&config, &value("{}"))).unwrap_err();
    }

    #[test]
    fn a_key_names_only_the_input_and_the_config() {
        let root = Pointer::ROOT;
        let code = |key: Value| check_key(&key, &root).map(|found| found.code);
        assert_eq!(code(dynamic::cel("input.sku + config.url")), None);
        assert_eq!(code(Value::from("all")), None);
        assert_eq!(code(dynamic::cel("nodes.hook.sku")).as_deref(), Some("unknown_name"));
        assert_eq!(code(dynamic::text("{{ input. }}")).as_deref(), Some("invalid_expression"));
    }
}
