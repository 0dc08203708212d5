//! Definitions as JSON: what is read, what is refused and where, that writing reads back, and what the hash covers.

use holon_flow::definition::{Definition, Edge, Graph, Join, Node, Policies, Retry, cache::Cache};
use holon_model::{Millis, SchemaRef, Value, json};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

fn codes(text: &str) -> Vec<(String, String)> {
    let found = Definition::from_value(&value(text)).expect_err("it should be refused");
    found.into_iter().map(|diagnostic| (diagnostic.code, diagnostic.pointer)).collect()
}

fn one(text: &str) -> (String, String) {
    let mut found = codes(text);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn expect(text: &str, code: &str, pointer: &str) {
    assert_eq!(one(text), (code.to_owned(), pointer.to_owned()), "{text}");
}

#[test]
fn a_definition_with_everything_reads_and_writes_back() {
    let text = r#"{"description":"d","edges":[{"from":"hook.out","to":"each.in"}],"holon":1,"input":{"type":"object"},
        "layout":{"hook":{"x":1}},"name":"order-intake","nodes":{
          "each":{"bodies":{"body":{"edges":[],"nodes":{"call":{"kind":"http.request@1",
            "policies":{"retry":{"attempts":4,"factor":1.5,"initial":"2s","jitter":false},"timeout":"1m30s"}}},"result":{"$cel":"item"}}},
            "config":{"items":{"$cel":"input.lines"}},"disabled":true,"join":"all","kind":"map@1","note":"n"},
          "hook":{"kind":"trigger.webhook@1"}},
        "output":true,"result":{"$cel":"nodes.each"},"samples":{"each/call":{"a":1}},"tags":["a"],"tests":[]}"#;
    let value = value(text);
    let definition = Definition::from_value(&value).unwrap();
    assert_eq!(definition.to_value(), value);
    let call = &definition.graph.nodes["each"].bodies["body"].nodes["call"];
    assert_eq!(call.policies.timeout, Some(Millis(90_000)));
    assert_eq!(call.policies.retry.as_ref().unwrap().factor_percent, 150);
}

#[test]
fn what_is_not_a_definition_is_refused_at_its_place() {
    expect("[]", "wrong_type", "");
    expect(r#"{"nodes":{}}"#, "missing_field", "");
    expect(r#"{"holon":1}"#, "missing_field", "");
    expect(r#"{"holon":2,"nodes":{}}"#, "unsupported_version", "/holon");
    expect(r#"{"holon":1,"nodes":{},"node":{}}"#, "unknown_field", "/node");
    expect(r#"{"holon":1,"nodes":[]}"#, "wrong_type", "/nodes");
    expect(r#"{"holon":1,"name":7,"nodes":{}}"#, "wrong_type", "/name");
    expect(r#"{"holon":1,"tags":["",1],"nodes":{}}"#.replace("\"\",", "").as_str(), "wrong_type", "/tags/0");
    expect(r#"{"holon":1,"input":[],"nodes":{}}"#, "wrong_type", "/input");
    expect(r#"{"holon":1,"samples":[],"nodes":{}}"#, "wrong_type", "/samples");
    expect(r#"{"holon":1,"nodes":{"A":{"kind":"when@1"}}}"#, "invalid_key", "/nodes/A");
    expect(r#"{"holon":1,"nodes":{"in":{"kind":"when@1"}}}"#, "invalid_key", "/nodes/in");
    expect(r#"{"holon":1,"nodes":{"a/b":{"kind":"when@1"}}}"#, "invalid_key", "/nodes/a~1b");
    expect(r#"{"holon":1,"nodes":{"a":7}}"#, "wrong_type", "/nodes/a");
    expect(r#"{"holon":1,"nodes":{"a":{}}}"#, "missing_field", "/nodes/a");
    expect(r#"{"holon":1,"nodes":{"a":{"kind":"when"}}}"#, "invalid_kind", "/nodes/a/kind");
    expect(r#"{"holon":1,"nodes":{"a":{"kind":"when@0"}}}"#, "invalid_kind", "/nodes/a/kind");
    expect(r#"{"holon":1,"nodes":{"a":{"kind":"when@1","config":[]}}}"#, "wrong_type", "/nodes/a/config");
    expect(r#"{"holon":1,"nodes":{"a":{"kind":"when@1","join":"some"}}}"#, "invalid_value", "/nodes/a/join");
    expect(r#"{"holon":1,"nodes":{"a":{"kind":"when@1","disabled":"yes"}}}"#, "wrong_type", "/nodes/a/disabled");
    expect(r#"{"holon":1,"nodes":{"a":{"kind":"map@1","bodies":{"body":7}}}}"#, "wrong_type", "/nodes/a/bodies/body");
    expect(
        r#"{"holon":1,"nodes":{"a":{"kind":"map@1","bodies":{"body":{"nodes":{},"x":1}}}}}"#,
        "unknown_field",
        "/nodes/a/bodies/body/x",
    );
    expect(r#"{"holon":1,"nodes":{},"edges":[{"from":"a.out"}]}"#, "missing_field", "/edges/0");
    expect(r#"{"holon":1,"nodes":{},"edges":[{"from":"a","to":"b.in"}]}"#, "invalid_port", "/edges/0/from");
    expect(r#"{"holon":1,"nodes":{},"edges":[{"from":"a.b.c","to":"b.in"}]}"#, "invalid_port", "/edges/0/from");
    for (policy, place) in [
        (r#"{"retry":{"attempts":0}}"#, "retry/attempts"),
        (r#"{"retry":{"attempts":101}}"#, "retry/attempts"),
        (r#"{"retry":{"factor":0.5}}"#, "retry/factor"),
        (r#"{"retry":{"factor":1.005}}"#, "retry/factor"),
        (r#"{"timeout":"soon"}"#, "timeout"),
        (r#"{"timeout":0}"#, "timeout"),
        (r#"{"cache":{"ttl":"2d"}}"#, "cache/ttl"),
        (r#"{"concurrency":{"limit":0}}"#, "concurrency/limit"),
        (r#"{"concurrency":{"limit":10001}}"#, "concurrency/limit"),
    ] {
        let text = format!(r#"{{"holon":1,"nodes":{{"a":{{"kind":"when@1","policies":{policy}}}}}}}"#);
        expect(&text, "invalid_value", &format!("/nodes/a/policies/{place}"));
    }
}

#[test]
fn every_problem_is_reported_not_only_the_first() {
    let found = codes(r#"{"holon":1,"nodes":{"A":{},"b":{"kind":"x","conf":{}}},"edges":[{"from":"a","to":7}]}"#);
    let found: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(found, ["invalid_key", "unknown_field", "invalid_kind", "invalid_port", "wrong_type"]);
}

#[test]
fn a_slip_in_a_field_gets_a_hint() {
    let found =
        Definition::from_value(&value(r#"{"holon":1,"nodes":{"a":{"kind":"when@1","confg":{}}}}"#)).unwrap_err();
    assert_eq!(found[0].hint.as_deref(), Some("Did you mean `config`?"));
}

#[test]
fn scopes_nest_sixteen_deep_and_no_deeper() {
    fn nested(depth: usize) -> Value {
        let mut graph = Graph::default();
        graph.nodes.insert("leaf".into(), Node::new("data.set@1".parse().unwrap()));
        for _ in 0..depth {
            let mut scope = Node::new("map@1".parse().unwrap());
            scope.bodies.insert("body".into(), graph);
            graph = Graph { nodes: BTreeMap::from([("s".into(), scope)]), ..Graph::default() };
        }
        Definition { graph, ..Definition::default() }.to_value()
    }
    assert!(Definition::from_value(&nested(16)).is_ok());
    let found = Definition::from_value(&nested(17)).unwrap_err();
    assert_eq!((found.len(), found[0].code.as_str()), (1, "limit_exceeded"));
}

#[test]
fn ten_thousand_nodes_are_read_and_one_more_is_refused() {
    let with = |count: usize| {
        let nodes = (0..count).map(|n| (format!("n{n}"), value(r#"{"kind":"data.set@1"}"#)));
        Value::map([("holon", Value::Int(1)), ("nodes", Value::map(nodes))])
    };
    assert_eq!(Definition::from_value(&with(10_000)).unwrap().graph.nodes.len(), 10_000);
    assert_eq!(Definition::from_value(&with(10_001)).unwrap_err()[0].code, "limit_exceeded");
}

#[test]
fn the_list_of_problems_is_bounded() {
    let nodes = (0..5_000).map(|n| (format!("n{n}"), Value::Int(1)));
    let found =
        Definition::from_value(&Value::map([("holon", Value::Int(1)), ("nodes", Value::map(nodes))])).unwrap_err();
    assert_eq!((found.len(), found[200].code.as_str()), (201, "more_problems"));
}

#[test]
fn the_hash_is_pinned() {
    let text = r#"{"holon":1,"nodes":{"a":{"kind":"trigger.manual@1"},"b":{"kind":"data.set@1","config":{"fields":{"x":1.50}}}},
        "edges":[{"from":"a.out","to":"b.in"}]}"#;
    let hash = holon_model::canon::hex(&Definition::from_value(&value(text)).unwrap().hash());
    assert_eq!(hash, "7a6980c8d5bc8bde3ca2b451b7592363866fe3cbd91f3e68470d6e0edd76a0b5");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (any::<i32>(), 0u32..6).prop_map(|(n, scale)| Value::Decimal(holon_model::Decimal::new(n.into(), scale))),
        "[a-zé\"]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z$]{1,5}", inner, 0..4).prop_map(Value::map),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,3}".prop_filter("reserved", |key| holon_flow::definition::names::check_key(key).is_ok())
}

fn policies() -> impl Strategy<Value = Policies> {
    let retry = (1u32..=100, 0u64..100_000_000, 100u32..=10_000, 0u64..100_000_000, any::<bool>()).prop_map(
        |(attempts, initial, factor_percent, max, jitter)| Retry {
            attempts,
            initial: Millis(initial),
            factor_percent,
            max: Millis(max),
            jitter,
        },
    );
    (prop::option::of(retry), prop::option::of(1u64..1_000_000_000)).prop_map(|(retry, timeout)| {
        let fallback = timeout
            .filter(|millis| millis % 3 == 0)
            .map(|millis| Value::map([("after", Value::from(millis.to_string()))]));
        let keyed = timeout.filter(|millis| millis % 4 == 0).map(|millis| Value::from(millis.to_string()));
        let good = timeout.filter(|millis| millis % 2 == 0).map(|millis| Millis(millis % 1_000 + 1));
        let cache = good.map(|ttl| Cache { ttl, key: keyed });
        let concurrency = timeout.filter(|millis| millis % 5 == 0).map(|millis| u32::try_from(millis % 9).unwrap() + 1);
        let redact = timeout.filter(|millis| millis % 7 == 0).map(|millis| format!("/body/*/{millis}"));
        let redact = redact.into_iter().collect();
        Policies { retry, timeout: timeout.map(Millis), fallback, cache, concurrency, redact }
    })
}

fn node(inner: BoxedStrategy<BTreeMap<String, Graph>>) -> impl Strategy<Value = Node> {
    let config = prop::collection::btree_map("[a-z]{1,4}", any_value(), 0..3).prop_map(Value::map);
    let join = prop_oneof![Just(Join::Any), Just(Join::All), Just(Join::First)];
    (("[a-z]{1,6}", 1u32..9), config, join, policies(), inner, any::<bool>(), "[a-z ]{0,8}").prop_map(
        |((name, version), config, join, policies, bodies, disabled, note)| Node {
            kind: format!("{name}@{version}").parse().unwrap(),
            config,
            join,
            policies,
            bodies: bodies.into_iter().map(|(name, body)| (name.into(), body)).collect(),
            disabled,
            note,
        },
    )
}

fn graph(depth: u32) -> BoxedStrategy<Graph> {
    let bodies = if depth == 0 {
        Just(BTreeMap::new()).boxed()
    } else {
        prop::collection::btree_map(key(), graph(depth - 1), 0..2).boxed()
    };
    let edge = (key(), key(), key(), key()).prop_map(|(a, b, c, d)| Edge {
        from: format!("{a}.{b}").parse().unwrap(),
        to: format!("{c}.{d}").parse().unwrap(),
    });
    (
        prop::collection::btree_map(key(), node(bodies), 0..4),
        prop::collection::vec(edge, 0..4),
        prop::option::of(any_value()),
    )
        .prop_map(|(nodes, edges, result)| Graph {
            nodes: nodes.into_iter().map(|(k, n)| (k.into(), n)).collect(),
            edges,
            result,
        })
        .boxed()
}

fn definition() -> impl Strategy<Value = Definition> {
    let schema = prop::option::of(prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        prop::collection::btree_map("[a-z]{1,4}", any_value(), 0..2).prop_map(Value::map)
    ]);
    (graph(2), schema.clone(), schema, "[a-z ]{0,9}", prop::collection::btree_map("[a-z/]{1,6}", any_value(), 0..3))
        .prop_map(|(graph, input, output, name, samples)| Definition {
            name,
            graph,
            input: input.map(SchemaRef),
            output: output.map(SchemaRef),
            samples,
            ..Definition::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_back(definition in definition()) {
        let text = definition.to_value().to_json();
        let read = Definition::from_value(&value(&text)).unwrap();
        prop_assert_eq!(read.hash(), definition.hash());
        prop_assert_eq!(read, definition);
    }

    #[test]
    fn the_hash_covers_meaning_and_nothing_else(definition in definition(), seed in any::<u64>(), note in "[a-z]{1,9}") {
        let hash = definition.hash();
        let mut same = definition.clone();
        same.name = note.clone();
        same.description = note.clone();
        same.tags = vec![note.clone()];
        same.layout = Value::map([("x", Value::Int(1))]);
        same.tests = Value::list([Value::Int(1)]);
        same.samples.insert("z".into(), Value::Int(9));
        if !same.graph.edges.is_empty() {
            let by = usize::try_from(seed % same.graph.edges.len() as u64).unwrap();
            same.graph.edges.rotate_left(by);
        }
        for node in same.graph.nodes.values_mut() {
            node.note = note.clone();
        }
        prop_assert_eq!(same.hash(), hash);

        let mut other = definition.clone();
        other.graph.result = if definition.graph.result.is_some() { None } else { Some(Value::Null) };
        prop_assert_ne!(other.hash(), hash);
        for change in 0..6 {
            let mut other = definition.clone();
            if let Some(node) = other.graph.nodes.values_mut().next() {
                match change {
                    0 => node.kind.version += 1,
                    1 => node.disabled = !node.disabled,
                    2 => node.join = if node.join == Join::Any { Join::All } else { Join::Any },
                    3 => node.policies.timeout = Some(Millis(node.policies.timeout.map_or(1, |timeout| timeout.0 + 1))),
                    4 => node.policies.concurrency = Some(node.policies.concurrency.unwrap_or_default() + 1),
                    _ => node.config = Value::map([("zzzzz", node.config.clone())]),
                }
                prop_assert_ne!(other.hash(), hash);
            }
        }
    }
}
