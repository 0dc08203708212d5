//! The published schema: what stands in `docs/`, and that it and the reader agree.

use holon_flow::{
    Definition,
    definition::schema::definition_schema,
    expr::Meter,
    schema::{Options, check, well_formed},
};
use holon_model::{Value, json};

fn accepts(value: &Value) -> bool {
    check(&definition_schema(), value, Options::default(), &mut Meter::new(1_000_000, 0)).unwrap().is_empty()
}

#[test]
fn the_published_schema_is_the_one_in_docs() {
    let published = include_str!("../../../docs/flow.schema.json");
    let generated = json::to_string_pretty(&definition_schema());
    assert_eq!(
        published.trim_end(),
        generated,
        "write it anew: cargo run -p holon-flow --example schema > docs/flow.schema.json"
    );
    assert_eq!(well_formed(&definition_schema()), Ok(()));
}

#[test]
fn schema_and_reader_accept_and_refuse_the_same() {
    let node = |node: &str| format!(r#"{{"holon":1,"nodes":{{"a":{node}}}}}"#);
    let good = [
        r#"{"holon":1,"nodes":{}}"#.to_owned(),
        r#"{"holon":1,"name":"n","tags":["t"],"input":true,"nodes":{},"edges":[{"from":"a.out","to":"b.in"}],"result":7,"tests":[],"samples":{},"layout":{}}"#
            .to_owned(),
        node(r#"{"kind":"map@1","config":{"x":[1]},"join":"all","disabled":true,"note":"n","bodies":{"body":{"nodes":{},"result":1}}}"#),
        node(r#"{"kind":"a.b@12","policies":{"retry":{"attempts":4,"initial":"1h 30m","factor":1.25,"max":5,"jitter":false},"timeout":"5s","concurrency":{"limit":3}}}"#),
    ];
    for text in good {
        let value = json::parse(text.as_bytes()).unwrap();
        assert!(Definition::from_value(&value).is_ok() && accepts(&value), "{text}");
    }
    let bad = [
        "[]".to_owned(),
        r#"{"nodes":{}}"#.to_owned(),
        r#"{"holon":2,"nodes":{}}"#.to_owned(),
        r#"{"holon":1}"#.to_owned(),
        r#"{"holon":1,"nodes":{},"extra":1}"#.to_owned(),
        r#"{"holon":1,"nodes":{"A":{"kind":"a@1"}}}"#.to_owned(),
        r#"{"holon":1,"nodes":{"for":{"kind":"a@1"}}}"#.to_owned(),
        r#"{"holon":1,"nodes":{},"edges":[{"from":"a","to":"b.in"}]}"#.to_owned(),
        r#"{"holon":1,"nodes":{},"edges":[{"from":"a.b","to":"b.in","x":1}]}"#.to_owned(),
        r#"{"holon":1,"nodes":{},"tags":[""]}"#.to_owned(),
        node("7"),
        node("{}"),
        node(r#"{"kind":"a"}"#),
        node(r#"{"kind":"a@0"}"#),
        node(r#"{"kind":"a@1","config":[]}"#),
        node(r#"{"kind":"a@1","join":"none"}"#),
        node(r#"{"kind":"a@1","bodies":{"b":{}}}"#),
        node(r#"{"kind":"a@1","policies":{"retry":{"attempts":0}}}"#),
        node(r#"{"kind":"a@1","policies":{"retry":{"factor":1.001}}}"#),
        node(r#"{"kind":"a@1","policies":{"cache":{"key":"all"}}}"#),
        node(r#"{"kind":"a@1","policies":{"concurrency":{}}}"#),
        node(r#"{"kind":"a@1","policies":{"concurrency":{"limit":0}}}"#),
        node(r#"{"kind":"a@1","policies":{"concurrency":{"limit":3,"key":"all"}}}"#),
        node(r#"{"kind":"a@1","policies":{"timeout":"5"}}"#),
    ];
    for text in bad {
        let value = json::parse(text.as_bytes()).unwrap();
        assert!(Definition::from_value(&value).is_err() && !accepts(&value), "{text}");
    }
}
