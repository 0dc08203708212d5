//! Commands on definitions: every one is taken back exactly, whatever came before it.

mod support;

use holon_flow::definition::Definition;
use holon_model::Value;
use holon_studio::{Command, Fragment, GraphPath, History, Kinds, Point, apply, apply_all, compose, place, view};
use proptest::prelude::*;
use support::{order, parse, root, shown};

#[test]
fn renaming_a_node_takes_edges_samples_places_and_expressions_along() {
    let mut definition = order();
    let command = Command::Rename { at: root(), key: "hook".into(), to: "start".into() };
    let back = apply(&mut definition, &command).unwrap();
    let text = shown(&definition);
    for expected in ["start.out", "nodes.start.lines.map", "http://x/{{ nodes.start.id }}", r#""start":[0,0]"#] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("hook\"") && definition.samples.contains_key("start"));
    apply(&mut definition, &back).unwrap();
    assert_eq!(shown(&definition), shown(&order()));
}

#[test]
fn a_new_key_that_expressions_named_already_is_taken_back_exactly() {
    let mut definition = order();
    apply(&mut definition, &Command::Remove { at: root(), keys: ["hook".into()].into() }).unwrap();
    let before = shown(&definition);
    let back = apply(&mut definition, &Command::Rename { at: root(), key: "big".into(), to: "hook".into() }).unwrap();
    apply(&mut definition, &back).unwrap();
    assert_eq!(shown(&definition), before);
}

#[test]
fn a_removed_scope_comes_back_with_everything_inside() {
    let mut definition = order();
    let back =
        apply(&mut definition, &Command::Remove { at: root(), keys: ["each".into(), "big".into()].into() }).unwrap();
    assert_eq!(definition.graph.edges.len(), 1);
    assert!(!definition.samples.contains_key("each/call") && !shown(&definition).contains("each.body"));
    apply(&mut definition, &back).unwrap();
    assert_eq!(shown(&definition), shown(&order()));
}

#[test]
fn several_commands_apply_whole_or_not_at_all() {
    let mut definition = order();
    let commands = [
        Command::SetName { name: "other".into() },
        Command::Remove { at: root(), keys: ["big".into()].into() },
        Command::Connect { at: root(), from: "nonsense".into(), to: "each.in".into() },
    ];
    assert!(apply_all(&mut definition, &commands).unwrap_err().to_string().starts_with("command 2:"));
    assert_eq!(shown(&definition), shown(&order()));
}

#[test]
fn a_command_reads_back_from_its_json() {
    let command = Command::Configure {
        at: root().child("each", "body"),
        key: "call".into(),
        pointer: "/headers/a".into(),
        value: Some(parse("1.10")),
    };
    let json = command.to_value();
    assert_eq!(json.to_json(), r#"{"configure":{"at":"each.body","key":"call","pointer":"/headers/a","value":1.10}}"#);
    assert_eq!(Command::from_value(&json).unwrap(), command);
    assert!(Command::from_value(&parse(r#"{"configure":{"at":"","key":"a","surprise":1}}"#)).is_err());
}

#[test]
fn typing_on_is_one_step_and_undo_is_saved_as_a_change_too() {
    let mut definition = order();
    let mut history = History::new();
    let typed = |text: &str| Command::Configure {
        at: root(),
        key: "hook".into(),
        pointer: "/path".into(),
        value: Some(Value::str(text)),
    };
    for text in ["a", "ab", "abc"] {
        history.perform(&mut definition, typed(text)).unwrap();
    }
    history.perform(&mut definition, Command::SetName { name: "n".into() }).unwrap();
    assert_eq!(history.undo_label(), Some("name"));
    history.undo(&mut definition).unwrap();
    history.undo(&mut definition).unwrap();
    assert_eq!(shown(&definition), shown(&order()));
    history.redo(&mut definition).unwrap();
    assert_eq!(definition.graph.nodes["hook"].config.pointer("/path"), Some(&Value::str("abc")));
    let mut server = order();
    apply_all(&mut server, &history.take_unsaved()).unwrap();
    assert_eq!(shown(&server), shown(&definition));
}

#[test]
fn a_copied_part_is_pasted_under_free_keys_that_its_expressions_follow() {
    let mut definition = order();
    let keys = ["hook".into(), "totals".into()].into();
    let text = Fragment::copy(&definition, &root(), &keys).to_text();
    let fragment = Fragment::from_text(&text).unwrap();
    let (command, new) = holon_studio::compose::paste(&definition, &root(), &fragment, Point::new(16, 16)).unwrap();
    apply(&mut definition, &command).unwrap();
    assert_eq!(new.iter().map(|key| &**key).collect::<Vec<_>>(), ["hook_2", "totals_2"]);
    let text = shown(&definition);
    assert!(
        text.contains("nodes.hook_2.lines") && text.contains(r#"{"from":"hook_2.out","to":"totals_2.in"}"#),
        "{text}"
    );
    assert_eq!(place::get(&definition, &root(), "hook_2"), Some(Point::new(16, 16)));
}

#[test]
fn pasting_anything_else_says_what_is_wrong() {
    for text in [
        "",
        "hello",
        "[1]",
        "{}",
        r#"{"nodes":{"a":1}}"#,
        r#"{"holon_fragment":1,"nodes":{"A B":{}}}"#,
        &"[".repeat(5 << 20),
    ] {
        assert!(Fragment::from_text(text).is_err(), "{}", &text[..text.len().min(40)]);
    }
}

fn key() -> impl Strategy<Value = holon_flow::definition::Key> {
    prop::sample::select(vec!["hook", "totals", "big", "each", "call", "after", "fresh", "in"]).prop_map(Into::into)
}

fn graph() -> impl Strategy<Value = GraphPath> {
    prop_oneof![3 => Just(root()), 1 => Just(root().child("each", "body")), 1 => Just(root().child("fresh", "side"))]
}

fn value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        "null",
        "1",
        "{\"a\":{\"b\":[1]}}",
        "[]",
        "{\"$cel\":\"nodes.totals + nodes.fresh\"}",
        "\"x\"",
    ])
    .prop_map(parse)
}

fn port() -> impl Strategy<Value = String> {
    (key(), prop::sample::select(vec!["in", "out", "true", "error"])).prop_map(|(key, port)| format!("{key}.{port}"))
}

fn point() -> impl Strategy<Value = Point> {
    (-500i32..500, -500i32..500).prop_map(|(x, y)| Point::new(x, y))
}

fn fragment() -> impl Strategy<Value = Fragment> {
    let scope = r#"{"kind":"parallel@1","config":{},"bodies":{"side":{"nodes":{"deep":{"kind":"x@1","config":{"v":{"$cel":"nodes.totals"}}}},"edges":[]}}}"#;
    let node = prop::sample::select(vec![
        r#"{"kind":"data.set@1","config":{"v":{"$cel":"nodes.hook.x"}}}"#,
        scope,
        r#"{"kind":"Nope"}"#,
    ]);
    (key(), node, point(), value()).prop_map(|(key, node, at, sample)| {
        let mut fragment = Fragment::of(&key, parse(node), at);
        fragment.samples.insert(key.to_string(), sample);
        fragment
    })
}

fn command() -> impl Strategy<Value = Command> {
    let pointer = prop::sample::select(vec!["", "/fields/sum", "/a/b/c", "/a/1", "/a/3", "/new/deep", "/method"]);
    let leaf =
        prop_oneof![
            (graph(), fragment()).prop_map(|(at, fragment)| Command::Insert { at, fragment }),
            (graph(), prop::collection::btree_set(key(), 1..3)).prop_map(|(at, keys)| Command::Remove { at, keys }),
            (graph(), key(), key()).prop_map(|(at, key, to)| Command::Rename { at, key, to }),
            (graph(), key(), pointer, prop::option::of(value()))
                .prop_map(|(at, key, pointer, value)| Command::Configure { at, key, pointer: pointer.into(), value }),
            (graph(), key(), prop::sample::select(vec!["any", "all", "first", "none"]))
                .prop_map(|(at, key, join)| Command::SetJoin { at, key, join: join.into() }),
            (graph(), key(), any::<bool>()).prop_map(|(at, key, disabled)| Command::SetDisabled { at, key, disabled }),
            (graph(), key()).prop_map(|(at, key)| Command::SetNote { at, key, note: "remember".into() }),
            (graph(), key(), prop::sample::select(vec!["{}", r#"{"retry":{"attempts":4}}"#, r#"{"nope":1}"#]))
                .prop_map(|(at, key, policies)| Command::SetPolicies { at, key, policies: parse(policies) }),
            (graph(), port(), port()).prop_map(|(at, from, to)| Command::Connect { at, from, to }),
            (graph(), port(), port()).prop_map(|(at, from, to)| Command::Disconnect { at, from, to }),
            (graph(), prop::collection::btree_map(key(), prop::option::of(point()), 1..3))
                .prop_map(|(at, places)| Command::Move { at, places }),
            (graph(), key(), key()).prop_map(|(at, key, body)| Command::AddBody {
                at,
                key,
                body,
                content: Fragment::default(),
                result: None
            }),
            (graph(), key(), prop::sample::select(vec!["body", "side", "fresh"]))
                .prop_map(|(at, key, body)| Command::RemoveBody { at, key, body: body.into() }),
            (graph(), key(), prop::sample::select(vec!["body", "side"]), key())
                .prop_map(|(at, key, body, to)| Command::RenameBody { at, key, body: body.into(), to }),
            (graph(), prop::option::of(value())).prop_map(|(at, value)| Command::SetResult { at, value }),
            prop::sample::select(vec!["{}", r#"{"concurrency":{"limit":2}}"#, r#"{"rate":{}}"#])
                .prop_map(|limits| Command::SetLimits { limits: parse(limits) }),
            Just(Command::SetName { name: "n".into() }),
            Just(Command::SetDescription { description: "d".into() }),
            prop::option::of(value()).prop_map(|value| Command::SetSample { path: "hook".into(), value }),
        ];
    leaf.prop_recursive(1, 4, 3, |inner| {
        prop::collection::vec(inner, 1..4).prop_map(|commands| Command::Batch { label: "several".into(), commands })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_command_is_taken_back_exactly_and_leaves_a_readable_definition(commands in prop::collection::vec(command(), 1..24)) {
        let mut definition = order();
        let mut undo = Vec::new();
        for command in &commands {
            let before = shown(&definition);
            match apply(&mut definition, command) {
                Ok(inverse) => {
                    let mut copy = definition.clone();
                    apply(&mut copy, &inverse).unwrap();
                    prop_assert_eq!(shown(&copy), &*before, "{:?} by {:?}", command, inverse);
                    undo.push(inverse);
                }
                Err(_) => prop_assert_eq!(shown(&definition), before),
            }
            prop_assert_eq!(Command::from_value(&command.to_value()).unwrap(), command.clone());
        }
        let text = definition.to_value();
        prop_assert_eq!(shown(&Definition::from_value(&text).unwrap()), shown(&definition));
        for inverse in undo.into_iter().rev() {
            apply(&mut definition, &inverse).unwrap();
        }
        prop_assert_eq!(shown(&definition), shown(&order()));
    }
}

#[test]
fn typing_on_in_the_json_of_a_node_is_one_step_until_it_is_sealed() {
    let (mut definition, mut history) = (order(), History::new());
    let with = |threshold: u32| Command::Replace {
        at: root(),
        key: "big".into(),
        node: parse(&format!(r#"{{"kind":"when@1","config":{{"if":{{"$cel":"input.sum > {threshold}"}}}}}}"#)),
    };
    let now = |definition: &Definition| definition.graph.nodes["big"].config.to_json();
    history.perform(&mut definition, with(2)).unwrap();
    history.perform(&mut definition, with(20)).unwrap();
    history.seal();
    history.perform(&mut definition, with(300)).unwrap();
    history.undo(&mut definition).unwrap();
    assert!(now(&definition).contains("> 20\""), "{}", now(&definition));
    history.undo(&mut definition).unwrap();
    assert_eq!(shown(&definition), shown(&order()));
}

#[test]
fn what_was_never_placed_stays_where_it_is_drawn_when_something_is_put_beside_it() {
    let text = r#"{"holon":1,"name":"new","nodes":{"go":{"kind":"trigger.manual@1"},"out":{"kind":"data.set@1","config":{"a":1}}},
        "edges":[{"from":"go.out","to":"out.in"}]}"#;
    let mut definition = Definition::from_value(&parse(text)).unwrap();
    let kinds = Kinds::new([]);
    let drawn = |definition: &Definition| view::places(definition, &root(), &definition.graph, &kinds);
    let before = drawn(&definition);
    let fragment = Fragment::of("new", parse(r#"{"kind":"data.set@1"}"#), Point::new(-400, 200));
    let insert = Command::Insert { at: root(), fragment };
    let settled = compose::settled(&definition, &root(), &kinds, insert.clone());
    assert_eq!(settled.label(), insert.label());
    apply(&mut definition, &settled).unwrap();
    let after = drawn(&definition);
    assert!(before.iter().all(|(key, point)| after.get(key) == Some(point)), "{before:?} {after:?}");
    assert_eq!(after.get("new"), Some(&Point::new(-400, 200)));
    // What is placed needs no command of its own.
    assert_eq!(compose::settled(&definition, &root(), &kinds, insert.clone()), insert);
}
