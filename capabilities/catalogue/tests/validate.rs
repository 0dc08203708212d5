//! What validation finds, with the built-in kinds: each diagnostic at its place, and nothing where nothing is wrong.

use holon_catalogue::catalogue;
use holon_flow::{
    Definition,
    definition::{Edge, KindRef, Node, limits},
    validate::{DiagnosticCode, is_publishable, validate},
};
use holon_model::{Value, json, wire::flows::Diagnostic};
use std::collections::BTreeSet;

fn of(text: &str) -> Vec<Diagnostic> {
    let value = json::parse(text.as_bytes()).unwrap();
    validate(&Definition::from_value(&value).unwrap(), &catalogue())
}

/// A flow with a trigger `t` and these nodes and edges.
fn flow(nodes: &str, edges: &str) -> Vec<Diagnostic> {
    of(&format!(r#"{{"holon":1,"name":"f","nodes":{{"t":{{"kind":"trigger.manual@1"}}{nodes}}},"edges":[{edges}]}}"#))
}

/// A node `n` of a kind with config after the trigger.
fn one(kind: &str, config: &str) -> Vec<Diagnostic> {
    flow(&format!(r#","n":{{"kind":"{kind}","config":{config}}}"#), r#"{"from":"t.out","to":"n.in"}"#)
}

#[track_caller]
fn expect(found: &[Diagnostic], expected: &[(&str, &str)]) {
    let found: Vec<(&str, &str)> = found.iter().map(|d| (d.code.as_str(), d.pointer.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_sound_flow_has_nothing_to_report() {
    expect(&one("data.set@1", r#"{"fields":{"a":{"$cel":"input.b + trigger.c"}}}"#), &[]);
}

#[test]
fn a_flow_needs_a_name_and_a_trigger() {
    expect(&of(r#"{"holon":1,"nodes":{}}"#), &[("no_name", "/name"), ("no_trigger", "/nodes")]);
    expect(&of(r#"{"holon":1,"name":"f","nodes":{"a":{"kind":"data.set@1"}}}"#), &[("no_trigger", "/nodes")]);
    let two = r#"{"holon":1,"name":"f","nodes":{"a":{"kind":"trigger.manual@1"},"b":{"kind":"trigger.webhook@1"}}}"#;
    expect(&of(two), &[]);
}

#[test]
fn unknown_kinds_are_guessed() {
    let found = one("http.requst@1", "{}");
    expect(&found, &[("unknown_kind", "/nodes/n/kind")]);
    assert_eq!(found[0].hint.as_deref(), Some("Did you mean `http.request@1`?"));
    assert_eq!(one("http.request@9", "{}")[0].hint.as_deref(), Some("There is `http.request@1`."));
}

#[test]
fn edges_lead_from_ports_that_exist_to_ports_that_exist_once() {
    let n = r#","n":{"kind":"when@1","config":{"if":true}}"#;
    let edge = r#"{"from":"t.out","to":"n.in"}"#;
    expect(
        &flow(n, r#"{"from":"t.out","to":"m.in"}"#),
        &[("unknown_node", "/edges/0/to"), ("unreachable", "/nodes/n")],
    );
    expect(&flow(n, r#"{"from":"t.aut","to":"n.in"}"#), &[("unknown_port", "/edges/0/from")]);
    expect(&flow(n, r#"{"from":"t.out","to":"n.inn"}"#), &[("unknown_port", "/edges/0/to")]);
    expect(&flow(n, &format!("{edge},{edge}")), &[("duplicate_edge", "/edges/1")]);
    expect(
        &flow(n, &format!(r#"{edge},{{"from":"n.true","to":"t.in"}}"#)),
        &[("unknown_port", "/edges/1/to"), ("cycle", "/edges/1")],
    );
    expect(&flow(n, &format!(r#"{edge},{{"from":"n.error","to":"t.in"}}"#))[..1], &[("unknown_port", "/edges/1/from")]);
    let switch =
        r#","n":{"kind":"switch@1","config":{"cases":[{"port":"big","when":true}]}},"m":{"kind":"data.set@1"}"#;
    for (port, expected) in [("big", vec![]), ("default", vec![]), ("small", vec![("unknown_port", "/edges/1/from")])] {
        expect(&flow(switch, &format!(r#"{edge},{{"from":"n.{port}","to":"m.in"}}"#)), &expected);
    }
}

#[test]
fn cycles_are_named() {
    let nodes = r#","a":{"kind":"data.set@1"},"b":{"kind":"data.set@1"},"c":{"kind":"data.set@1","config":{"fields":{"x":{"$cel":"nodes.b"}}}}"#;
    let edges = r#"{"from":"t.out","to":"a.in"},{"from":"a.out","to":"b.in"},{"from":"b.out","to":"a.in"},{"from":"b.out","to":"c.in"}"#;
    let found = flow(nodes, edges);
    expect(&found, &[("cycle", "/edges/2")]);
    assert_eq!(found[0].message, "edges lead back to where they came from: a → b → a");
}

#[test]
fn what_no_trigger_reaches_is_worth_a_look_but_not_an_error() {
    let found = flow(r#","a":{"kind":"data.set@1"},"b":{"kind":"data.set@1"}"#, r#"{"from":"a.out","to":"b.in"}"#);
    expect(&found, &[("unreachable", "/nodes/a"), ("unreachable", "/nodes/b")]);
    assert!(is_publishable(&found));
}

#[test]
fn scopes_have_the_bodies_they_need_and_no_others() {
    expect(&one("map@1", r#"{"items":[1]}"#), &[("missing_body", "/nodes/n/bodies")]);
    expect(&one("parallel@1", "{}"), &[("missing_body", "/nodes/n/bodies")]);
    let with = |bodies: &str| {
        let node = format!(r#","n":{{"kind":"map@1","config":{{"items":[1]}},"bodies":{bodies}}}"#);
        flow(&node, r#"{"from":"t.out","to":"n.in"}"#)
    };
    expect(&with(r#"{"body":{"nodes":{}}}"#), &[("missing_body", "/nodes/n/bodies/body")]);
    expect(&with(r#"{"body":{"nodes":{},"result":{"$cel":"item"}}}"#), &[]);
    let set = r#"{"nodes":{"s":{"kind":"data.set@1"}}}"#;
    expect(&with(&format!(r#"{{"body":{set},"other":{set}}}"#)), &[("unexpected_body", "/nodes/n/bodies/other")]);
    expect(
        &with(r#"{"body":{"nodes":{"t":{"kind":"trigger.manual@1"}}}}"#),
        &[("misplaced_trigger", "/nodes/n/bodies/body/nodes/t")],
    );
    let stray = format!(r#","n":{{"kind":"data.set@1","bodies":{{"body":{set}}}}}"#);
    expect(&flow(&stray, r#"{"from":"t.out","to":"n.in"}"#), &[("unexpected_body", "/nodes/n/bodies/body")]);
}

#[test]
fn the_body_of_a_batch_sees_its_items_and_nothing_around_it() {
    let with = |fields: &str| {
        let body = format!(
            r#"{{"nodes":{{"s":{{"kind":"data.set@1","config":{{"fields":{{"x":{{"$cel":"{fields}"}}}}}}}}}}}}"#
        );
        let batch = format!(
            r#"{{"kind":"batch@1","config":{{"size":2,"within":"1s","item":{{"$cel":"nodes.t"}}}},"bodies":{{"body":{body}}}}}"#
        );
        let each = r#"{"kind":"map@1","config":{"items":[1]},"bodies":{"body":{"nodes":{"n":BATCH}}}}"#
            .replace("BATCH", &batch);
        flow(&format!(r#","m":{each}"#), r#"{"from":"t.out","to":"m.in"}"#)
    };
    expect(&with("size(input) + size(trigger)"), &[]);
    let at = "/nodes/m/bodies/body/nodes/n/bodies/body/nodes/s/config/fields/x";
    expect(&with("nodes.t"), &[("unknown_name", at)]);
    expect(&with("item"), &[("unknown_name", at)]);
}

#[test]
fn config_fits_the_kinds_schema() {
    expect(
        &one("http.request@1", r#"{"method":"FETCH","url":"https://e.com"}"#),
        &[("invalid_config", "/nodes/n/config/method")],
    );
    expect(&one("http.request@1", "{}"), &[("invalid_config", "/nodes/n/config")]);
    let found = one("http.request@1", r#"{"url":"https://e.com","retires":3}"#);
    expect(&found, &[("invalid_config", "/nodes/n/config/retires")]);
    expect(
        &one("map@1", r#"{"items":{"$cel":"input"},"concurrency":0}"#)[..1],
        &[("invalid_config", "/nodes/n/config/concurrency")],
    );
    expect(&one("flow.wait@1", r#"{"for":"5s","until":"x"}"#), &[("invalid_config", "/nodes/n/config")]);
    expect(&one("flow.wait@1", "{}"), &[("invalid_config", "/nodes/n/config")]);
    expect(&one("flow.wait@1", r#"{"for":{"$cel":"input.pause"}}"#), &[]);
    let switch = r#"{"cases":[{"port":"a","when":true},{"port":"a","when":true},{"port":"default","when":true}]}"#;
    expect(
        &one("switch@1", switch),
        &[("invalid_port_name", "/nodes/n/config/cases/1/port"), ("invalid_port_name", "/nodes/n/config/cases/2/port")],
    );
}

#[test]
fn what_is_read_before_the_flow_runs_stands_as_it_is() {
    let cases = r#"{"cases":[{"port":{"$cel":"'a'"},"when":true}]}"#;
    expect(&one("switch@1", cases), &[("invalid_config", "/nodes/n/config/cases/0/port")]);
    let webhook = r#"{"holon":1,"name":"f","nodes":{"t":{"kind":"trigger.webhook@1","config":{"auth":{"hmac":{"connection":{"$text":"a"}}}}}}}"#;
    expect(&of(webhook), &[("invalid_config", "/nodes/t/config/auth")]);
    expect(
        &one("json.validate@1", r#"{"schema":{"type":"objekt"}}"#),
        &[("invalid_schema", "/nodes/n/config/schema/type")],
    );
    let input = r##"{"holon":1,"name":"f","input":{"$ref":"#/x"},"nodes":{"t":{"kind":"trigger.manual@1"}}}"##;
    expect(&of(input), &[("invalid_schema", "/input/$ref")]);
}

#[test]
fn types_that_can_be_known_must_fit() {
    expect(&one("when@1", r#"{"if":{"$cel":"1 + 1"}}"#), &[("type_mismatch", "/nodes/n/config/if")]);
    expect(&one("when@1", r#"{"if":{"$text":"{{ input.a }}"}}"#), &[("type_mismatch", "/nodes/n/config/if")]);
    expect(&one("when@1", r#"{"if":{"$cel":"1 < 2"}}"#), &[]);
    expect(&one("map@1", r#"{"items":{"$cel":"'abc'"}}"#)[..1], &[("type_mismatch", "/nodes/n/config/items")]);
}

#[test]
fn what_a_node_gives_must_fit_where_it_is_used_whole() {
    let after = |items: &str, disabled: bool| {
        let nodes = format!(
            r#","c":{{"kind":"csv.format@1","disabled":{disabled}}},"m":{{"kind":"data.sort@1","config":{{"items":{{"$cel":"{items}"}}}}}}"#
        );
        flow(&nodes, r#"{"from":"t.out","to":"c.in"},{"from":"c.out","to":"m.in"}"#)
    };
    for items in ["input", "nodes.c"] {
        let found = after(items, false);
        expect(&found, &[("type_mismatch", "/nodes/m/config/items")]);
        assert_eq!(found[0].message, "Sort: Format CSV gives text, and that does not fit here");
        expect(&after(items, true), &[]);
    }
    expect(&after("nodes.t", false), &[]);
    expect(&after("lines(input)", false), &[]);
}

#[test]
fn durations_can_be_read_and_are_not_too_long() {
    expect(&one("flow.wait@1", r#"{"for":"soon"}"#), &[("invalid_config", "/nodes/n/config/for")]);
    let webhook = |window: &str| {
        of(&format!(
            r#"{{"holon":1,"name":"f","nodes":{{"t":{{"kind":"trigger.webhook@1","config":{{"dedup":{{"header":"X","window":"{window}"}}}}}}}}}}"#
        ))
    };
    expect(&webhook("30d"), &[]);
    expect(&webhook("31d"), &[("invalid_config", "/nodes/t/config/dedup/window")]);
    expect(&one("flow.wait@1", r#"{"until":"tomorrow"}"#), &[("invalid_config", "/nodes/n/config/until")]);
}

#[test]
fn expressions_are_read_and_their_mistakes_located() {
    let found = one("when@1", r#"{"if":{"$cel":"input. > 1"}}"#);
    expect(&found, &[("invalid_expression", "/nodes/n/config/if")]);
    assert!(found[0].span.is_some());
    expect(
        &one("text.template@1", r#"{"text":{"$text":"{{ input"}}"#),
        &[("invalid_expression", "/nodes/n/config/text")],
    );
}

#[test]
fn names_have_a_value_where_they_stand() {
    let found = one("when@1", r#"{"if":{"$cel":"true || imput.a"}}"#);
    expect(&found, &[("unknown_name", "/nodes/n/config/if")]);
    assert_eq!((found[0].hint.as_deref(), found[0].span), (Some("Did you mean `input`?"), Some((8, 15))));
    assert_eq!(
        one("when@1", r#"{"if":{"$cel":"t.a"}}"#)[0].hint.as_deref(),
        Some("Write `nodes.t` to read that node.")
    );
    expect(&one("when@1", r#"{"if":{"$cel":"item.a"}}"#), &[("unknown_name", "/nodes/n/config/if")]);
    expect(&one("data.filter@1", r#"{"where":{"$cel":"item.a > index"},"items":{"$cel":"input.a"}}"#), &[]);
    expect(
        &one("data.filter@1", r#"{"where":true,"items":{"$cel":"item.a"}}"#),
        &[("unknown_name", "/nodes/n/config/items")],
    );
    let local = r#"{"if":{"$cel":"input.lines.all(l, l.qty > 0)"}}"#;
    expect(&one("when@1", local), &[]);
    let webhook = |source: &str| {
        of(&format!(
            r#"{{"holon":1,"name":"f","nodes":{{"t":{{"kind":"trigger.webhook@1","config":{{"dedup":{{"expression":{{"$cel":"{source}"}}}}}}}}}}}}"#
        ))
    };
    expect(&webhook("trigger.body.id"), &[]);
    expect(&webhook("input.body.id"), &[("unknown_name", "/nodes/t/config/dedup/expression")]);
}

#[test]
fn nodes_that_are_read_come_before() {
    let two = |a: &str, b: &str| {
        let nodes = format!(
            r#","a":{{"kind":"data.set@1","config":{{"fields":{{"x":{{"$cel":"{a}"}}}}}}}},"b":{{"kind":"data.set@1","config":{{"fields":{{"x":{{"$cel":"{b}"}}}}}}}}"#
        );
        flow(&nodes, r#"{"from":"t.out","to":"a.in"},{"from":"a.out","to":"b.in"}"#)
    };
    expect(&two("nodes.t.v", "nodes.a.v + nodes.t.v"), &[]);
    expect(&two("nodes.b", "1"), &[("not_an_ancestor", "/nodes/a/config/fields/x")]);
    expect(&two("nodes.a", "1"), &[("not_an_ancestor", "/nodes/a/config/fields/x")]);
    let found = two("1", "nodes.aa");
    expect(&found, &[("unknown_name", "/nodes/b/config/fields/x")]);
    assert_eq!(found[0].hint.as_deref(), Some("Did you mean `a`?"));
}

#[test]
fn bodies_see_what_comes_before_their_scope_and_nothing_sees_into_them() {
    let map = |inner: &str, result: &str| {
        of(&format!(
            r#"{{"holon":1,"name":"f","result":{{"$cel":"{result}"}},"nodes":{{"t":{{"kind":"trigger.manual@1"}},
            "m":{{"kind":"map@1","config":{{"items":[1]}},"bodies":{{"body":{{"nodes":{{
                "r":{{"kind":"data.set@1"}},"s":{{"kind":"data.set@1","config":{{"fields":{{"x":{{"$cel":"{inner}"}}}}}}}}}},
                "edges":[{{"from":"r.out","to":"s.in"}}],"result":{{"$cel":"nodes.s.x + index"}}}}}}}}}},
            "edges":[{{"from":"t.out","to":"m.in"}}]}}"#
        ))
    };
    let at = "/nodes/m/bodies/body/nodes/s/config/fields/x";
    expect(&map("nodes.t.a + nodes.r.b + item + index", "nodes.m"), &[]);
    expect(&map("nodes.m", "1"), &[("not_an_ancestor", at)]);
    expect(&map("1", "nodes.s"), &[("unknown_name", "/result")]);
    expect(&map("nodes.s", "1"), &[("not_an_ancestor", at)]);
    expect(&map("1", "item"), &[("unknown_name", "/result")]);
}

#[test]
fn samples_policies_and_secrets_are_worth_a_look() {
    let samples = r#"{"holon":1,"name":"f","nodes":{"t":{"kind":"trigger.manual@1"},"g":{"kind":"try@1","bodies":{
        "body":{"nodes":{"c":{"kind":"http.request@1","config":{"url":"https://e.com"}}}},"catch":{"nodes":{"d":{"kind":"data.set@1"}}}}}},
        "edges":[{"from":"t.out","to":"g.in"}],"samples":{"t":1,"g/c":1,"g.catch/d":1,"x":1,"g/d":1}}"#;
    expect(&of(samples), &[("unknown_sample", "/samples/g~1d"), ("unknown_sample", "/samples/x")]);
    let retry = r#","n":{"kind":"data.set@1","policies":{"retry":{},"timeout":"1s","concurrency":{"limit":2}}}"#;
    let found = flow(retry, r#"{"from":"t.out","to":"n.in"}"#);
    expect(
        &found,
        &[
            ("misplaced_policy", "/nodes/n/policies/retry"),
            ("misplaced_policy", "/nodes/n/policies/timeout"),
            ("misplaced_policy", "/nodes/n/policies/concurrency"),
        ],
    );
    assert!(is_publishable(&found));
    for kind in ["flow.wait@1", "flow.signal@1", "http.request@1", "flow@1"] {
        let bounded = format!(r#","n":{{"kind":"{kind}","policies":{{"concurrency":{{"limit":2}}}}}}"#);
        let found = flow(&bounded, r#"{"from":"t.out","to":"n.in"}"#);
        assert!(found.iter().all(|found| found.code != "misplaced_policy"), "{kind} takes time: {found:?}");
    }
    let literal = |value: &str| {
        one("http.request@1", &format!(r#"{{"url":"https://e.com","headers":{{"Authorization":{value}}}}}"#))
    };
    for secret in [r#""Bearer abc""#, r#"{"$text":"Bearer abc"}"#, r#"{"$cel":"'Bearer abc'"}"#] {
        let found = literal(secret);
        expect(&found, &[("secret_in_definition", "/nodes/n/config/headers/Authorization")]);
        assert!(!is_publishable(&found), "{secret}");
    }
    for fine in [
        r#"{"$cel":"vars.token"}"#,
        r#"{"$text":"Bearer {{ vars.token }}"}"#,
        r#"{"$cel":"'a' in input ? input.a : ''"}"#,
        r#""""#,
    ] {
        expect(&literal(fine), &[]);
    }
    for (name, stands) in [("Cookie", true), ("X-Api-Key", true), ("X-Trace", false), ("Idempotency-Key", false)] {
        let found = one("http.request@1", &format!(r#"{{"url":"https://e.com","headers":{{"{name}":"1"}}}}"#));
        assert_eq!(is_publishable(&found), !stands, "{name}: {found:?}");
    }
    // Elsewhere a name alone does not say that it is a secret of somebody's.
    for (config, at) in [
        (r#"{"url":"https://me:secret@e.com"}"#, "/nodes/n/config/url"),
        (r#"{"url":"https://e.com","query":{"api_key":"abcd"}}"#, "/nodes/n/config/query/api_key"),
        (
            r#"{"url":"https://e.com","body":{"json":{"headers":{"Authorization":"abcd"}}}}"#,
            "/nodes/n/config/body/json/headers/Authorization",
        ),
    ] {
        let found = one("http.request@1", config);
        expect(&found, &[("secret_in_definition", at)]);
        assert!(is_publishable(&found), "{found:?}");
    }
}

#[test]
fn every_code_that_validation_gives_is_registered() {
    let known: BTreeSet<&str> = DiagnosticCode::ALL.iter().map(|code| code.as_str()).collect();
    for found in [flow("", r#"{"from":"a.b","to":"c.d"}"#), one("x.y@1", "{}"), one("when@1", "{}")] {
        assert!(!found.is_empty() && found.iter().all(|d| known.contains(d.code.as_str())), "{found:?}");
    }
}

fn large(count: usize, node: impl Fn(usize) -> Node, edges: impl Fn(usize) -> Vec<(usize, usize)>) -> Definition {
    let mut definition = Definition { name: "large".into(), ..Definition::default() };
    definition.graph.nodes.insert("n0".into(), Node::new("trigger.manual@1".parse().unwrap()));
    for number in 1..count {
        definition.graph.nodes.insert(format!("n{number}").into(), node(number));
        for (from, to) in edges(number) {
            let end = |number: usize, port: &str| format!("n{number}.{port}").parse().unwrap();
            definition.graph.edges.push(Edge { from: end(from, "out"), to: end(to, "in") });
        }
    }
    definition
}

fn set(config: &str) -> Node {
    let kind: KindRef = "data.set@1".parse().unwrap();
    Node { config: json::parse(config.as_bytes()).unwrap(), ..Node::new(kind) }
}

#[test]
fn ten_thousand_nodes_are_validated_whatever_is_wrong_with_them() {
    let chain = |number: usize| vec![(number - 1, number)];
    let reads = |number: usize| set(&format!(r#"{{"fields":{{"a":{{"$cel":"nodes.n{}"}}}}}}"#, number / 2));
    assert_eq!(validate(&large(10_000, reads, chain), &catalogue()), []);
    // A ring, unknown kinds, unknown names, unknown ends: bounded lists, no long search.
    let ring = large(10_000, |_| set("{}"), |number| vec![(number - 1, number), (number, number - 1)]);
    assert!(validate(&ring, &catalogue()).iter().any(|d| d.code == "cycle"));
    let unknown = large(10_000, |_| Node::new("data.sett@1".parse().unwrap()), chain);
    assert_eq!(validate(&unknown, &catalogue()).len(), limits::MAX_DIAGNOSTICS + 1);
    let nowhere = large(
        10_000,
        |_| set(r#"{"fields":{"a":{"$cel":"nodes.nowhere + nothing"}}}"#),
        |number| vec![(number, number + 20_000); 3],
    );
    assert_eq!(validate(&nowhere, &catalogue()).len(), limits::MAX_DIAGNOSTICS + 1);
    let more = large(10_001, |_| set("{}"), chain);
    assert_eq!(validate(&more, &catalogue())[0].code, "limit_exceeded");
}

#[test]
fn every_manifest_holds_what_pages_need() {
    for kind in catalogue().kinds() {
        let reference = kind.reference();
        assert!(holon_flow::schema::well_formed(kind.config.as_value()).is_ok(), "{reference}");
        let help = holon_catalogue::help(&reference.to_string());
        assert!(help.is_some_and(|help| help.len() > 100) && kind.summary.ends_with('.'), "{reference}");
        let mut meter = holon_flow::expr::Meter::new(100_000, 0);
        let options = holon_flow::schema::Options { dynamic: true, ..Default::default() };
        let found = holon_flow::schema::check(kind.config.as_value(), &kind.defaults, options, &mut meter);
        assert_eq!(found, Ok(vec![]), "the defaults of {reference}");
        let icons = include_str!("../../../style/icons.txt");
        assert!(icons.lines().any(|icon| icon == kind.icon), "the icon of {reference} stands in style/icons.txt");
        assert!(kind.outputs(&Value::Null).iter().all(|port| holon_flow::definition::names::is_name(port)));
    }
}

#[test]
fn an_address_without_a_host_is_a_warning() {
    let request = |url: &str| {
        let node = format!(r#","n":{{"kind":"http.request@1","config":{{"url":{url}}}}}"#);
        flow(&node, r#"{"from":"t.out","to":"n.in"}"#)
    };
    for url in [
        r#""https://""#,
        r#""https:///orders""#,
        r#""api.example.com/orders""#,
        r#""ftp://e.com""#,
        r#""https://e.com/{{ input.sku ""#,
        r#"{"$text":"http://?a=1"}"#,
    ] {
        let found = request(url);
        expect(&found, &[("incomplete_address", "/nodes/n/config/url")]);
        assert!(is_publishable(&found), "{url}");
    }
    for url in [
        r#""https://e.com""#,
        r#"" HTTP://127.0.0.1:80/a b""#,
        r#"{"$text":"{{ input.url }}"}"#,
        r#"{"$cel":"input.url"}"#,
    ] {
        expect(&request(url), &[]);
    }
}

#[test]
fn a_saga_names_each_of_its_bodies_once() {
    let body = r#"{"nodes":{"a":{"kind":"data.set@1"}},"edges":[]}"#;
    let saga = |steps: &str| {
        let bodies = format!(r#"{{"book":{body},"cancel":{body}}}"#);
        let node = format!(r#","n":{{"kind":"saga@1","config":{{"steps":{steps}}},"bodies":{bodies}}}"#);
        flow(&node, r#"{"from":"t.out","to":"n.in"}"#)
    };
    expect(&saga(r#"[{"step":"book","compensate":"cancel","retry":{"attempts":5,"initial":"1s"}}]"#), &[]);
    let found = saga(r#"[{"step":"book","compensate":"cancle"}]"#);
    expect(
        &found,
        &[("missing_body", "/nodes/n/config/steps/0/compensate"), ("unexpected_body", "/nodes/n/bodies/cancel")],
    );
    assert_eq!(found[0].hint.as_deref(), Some("Did you mean `cancel`?"));
    expect(
        &saga(r#"[{"step":"book","compensate":"cancel"},{"step":"book"}]"#),
        &[("invalid_config", "/nodes/n/config/steps/1/step")],
    );
    expect(&saga("[]")[..1], &[("invalid_config", "/nodes/n/config/steps")]);
}

#[test]
fn what_a_timeout_falls_back_to_is_checked_like_config() {
    let timeout = |timeout: &str| {
        let node =
            format!(r#","n":{{"kind":"flow.signal@1","config":{{"name":"paid"}},"policies":{{"timeout":{timeout}}}}}"#);
        flow(&node, r#"{"from":"t.out","to":"n.in"}"#)
    };
    expect(&timeout(r#"{"after":"1d","fallback":{"sum":{"$cel":"input.sum + nodes.t.x"}}}"#), &[]);
    expect(
        &timeout(r#"{"after":"1d","fallback":{"sum":{"$cel":"nodes.m"}}}"#),
        &[("unknown_name", "/nodes/n/policies/timeout/fallback/sum")],
    );
    expect(
        &timeout(r#"{"after":"1d","fallback":{"$cel":"1 +"}}"#),
        &[("invalid_expression", "/nodes/n/policies/timeout/fallback")],
    );
}

#[test]
fn loops_calls_signals_and_continuing_say_what_they_lack() {
    expect(&one("flow@1", r#"{"flow":""}"#), &[("invalid_config", "/nodes/n/config/flow")]);
    expect(&one("flow.signal@1", r#"{"name":""}"#), &[("invalid_config", "/nodes/n/config/name")]);
    let body = r#""bodies":{"body":{"nodes":{"a":{"kind":"data.set@1","config":{"fields":{"x":{"$cel":"[item, index]"}}}}},"edges":[]}}"#;
    let looped = |config: &str| {
        flow(&format!(r#","n":{{"kind":"loop@1","config":{config},{body}}}"#), r#"{"from":"t.out","to":"n.in"}"#)
    };
    expect(&looped(r#"{"while":{"$cel":"item.x < index"},"max":3}"#), &[]);
    assert!(!looped(r#"{"while":{"$cel":"item.x < index"}}"#).is_empty(), "the bound must be written");
    assert!(!looped(r#"{"while":true,"until":true,"max":3}"#).is_empty(), "either the one or the other");
    let inside = r#","n":{"kind":"try@1","bodies":{"body":{"nodes":{"c":{"kind":"flow.continue@1"}},"edges":[]}}}"#;
    expect(&flow(inside, r#"{"from":"t.out","to":"n.in"}"#), &[("misplaced_continue", "/nodes/n/bodies/body/nodes/c")]);
}
