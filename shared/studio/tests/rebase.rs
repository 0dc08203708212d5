//! What becomes of a command when another's came first: each rule, and what is told.

mod support;

use holon_flow::{
    Definition,
    definition::{Key, limits},
};
use holon_model::Value;
use holon_studio::{
    Command, Fragment, GraphPath, Point, apply, apply_all, place,
    rebase::{Reason, Rebased, Told, all, over},
};
use support::{order, parse, root, shown};

fn each() -> GraphPath {
    root().child("each", "body")
}

fn rename(key: &str, to: &str) -> Command {
    Command::Rename { at: root(), key: key.into(), to: to.into() }
}

fn remove(keys: &[&str]) -> Command {
    Command::Remove { at: root(), keys: keys.iter().map(|key| Key::from(*key)).collect() }
}

fn insert(key: &str) -> Command {
    Command::Insert { at: root(), fragment: node(key, r#"{"kind":"data.set@1","config":{"a":1}}"#) }
}

fn node(key: &str, node: &str) -> Fragment {
    Fragment::of(key, parse(node), Point::new(0, 0))
}

fn configure(at: GraphPath, key: &str, pointer: &str, value: Option<&str>) -> Command {
    Command::Configure { at, key: key.into(), pointer: pointer.into(), value: value.map(parse) }
}

fn connect(from: &str, to: &str) -> Command {
    Command::Connect { at: root(), from: from.into(), to: to.into() }
}

fn disconnect(from: &str, to: &str) -> Command {
    Command::Disconnect { at: root(), from: from.into(), to: to.into() }
}

/// What is there in the end, and what is told.
fn after(mine: &[Command], theirs: &[Command]) -> (Definition, Told) {
    let mut definition = order();
    let (done, told) = all(mine, theirs, &definition);
    apply_all(&mut order(), mine).expect("mine fits");
    apply_all(&mut definition, theirs).expect("theirs fits");
    apply_all(&mut definition, &done).expect("what is done can be done");
    (definition, told)
}

fn config<'a>(definition: &'a Definition, at: &GraphPath, key: &str) -> &'a Value {
    &at.find(definition).unwrap().nodes[key].config
}

fn reasons(told: &Told) -> Vec<String> {
    told.dropped.iter().map(|dropped| dropped.reason.to_string()).collect()
}

#[test]
fn what_others_renamed_is_followed_in_keys_ports_paths_and_expressions() {
    let theirs = [rename("hook", "start"), rename("each", "all"), rename("totals", "hook")];
    let mine = [
        connect("hook.error", "big.in"),
        configure(each(), "after", "/from", Some(r#"{"$cel":"nodes.hook.x + nodes.totals.sum"}"#)),
        Command::SetSample { path: "each/call".into(), value: Some(parse("2")) },
        Command::Move { at: each(), places: [("call".into(), Some(Point::new(1, 2)))].into() },
        Command::SetResult { at: root(), value: Some(parse(r#"{"$text":"{{ nodes.totals }}"}"#)) },
    ];
    let (definition, told) = after(&mine, &theirs);
    assert_eq!(told, Told::default());
    let all = root().child("all", "body");
    assert!(shown(&definition).contains(r#"{"from":"start.error","to":"big.in"}"#));
    // Two names may have changed places: `totals` is `hook` by now.
    assert_eq!(
        config(&definition, &all, "after").get("from"),
        Some(&parse(r#"{"$cel":"nodes.start.x + nodes.hook.sum"}"#))
    );
    assert_eq!(definition.samples.get("all/call"), Some(&parse("2")));
    assert_eq!(place::get(&definition, &all, "call"), Some(Point::new(1, 2)));
    assert_eq!(definition.graph.result, Some(parse(r#"{"$text":"{{ nodes.hook }}"}"#)));
}

#[test]
fn a_renamed_source_is_followed_in_the_input_of_a_node_with_several() {
    let mine =
        [connect("hook.out", "big.in"), configure(root(), "big", "/if", Some(r#"{"$cel":"input.totals.sum > 1"}"#))];
    let (definition, _) = after(&mine, &[rename("totals", "sums")]);
    assert_eq!(config(&definition, &root(), "big").get("if"), Some(&parse(r#"{"$cel":"input.sums.sum > 1"}"#)));
}

#[test]
fn a_renamed_body_is_followed_and_so_is_a_renamed_scope_around_it() {
    let body = Command::RenameBody { at: root(), key: "each".into(), body: "body".into(), to: "one".into() };
    let mine = [configure(each(), "call", "/url", Some("1"))];
    let (definition, _) = after(&mine, &[body, rename("each", "all")]);
    assert_eq!(config(&definition, &root().child("all", "one"), "call").get("url"), Some(&parse("1")));
}

#[test]
fn both_inserted_one_key_and_what_i_did_to_mine_follows_it() {
    let scope = r#"{"kind":"parallel@1","bodies":{"side":{"nodes":{"deep":{"kind":"x@1"}},"edges":[]}}}"#;
    let mine = [
        Command::Insert { at: root(), fragment: node("fresh", scope) },
        insert("fresh_2"),
        connect("fresh.out", "fresh_2.in"),
        configure(root().child("fresh", "side"), "deep", "/v", Some("1")),
        configure(root(), "fresh_2", "/v", Some(r#"{"$cel":"nodes.fresh.n + nodes.totals.n"}"#)),
        rename("totals", "fresh_3"),
    ];
    let theirs = [insert("fresh"), configure(root(), "fresh", "/theirs", Some("true"))];
    let (definition, told) = after(&mine, &theirs);
    assert_eq!(told, Told::default());
    // Mine is `fresh_2`; what I called so is `fresh_3`, and my new name of `totals` goes on from there.
    assert_eq!(config(&definition, &root(), "fresh").to_json(), r#"{"a":1,"theirs":true}"#);
    assert_eq!(config(&definition, &root().child("fresh_2", "side"), "deep").to_json(), r#"{"v":1}"#);
    let value = config(&definition, &root(), "fresh_3").get("v").unwrap().to_json();
    assert_eq!(value, r#"{"$cel":"nodes.fresh_2.n + nodes.fresh_4.n"}"#);
    assert!(shown(&definition).contains(r#"{"from":"fresh_2.out","to":"fresh_3.in"}"#));
}

#[test]
fn both_added_one_body_and_mine_gets_a_free_name() {
    let add = |inner: &str| Command::AddBody {
        at: root(),
        key: "each".into(),
        body: "late".into(),
        content: node(inner, r#"{"kind":"x@1"}"#),
        result: None,
    };
    let mine = [add("mine"), configure(root().child("each", "late"), "mine", "/v", Some("1"))];
    let (definition, _) = after(&mine, &[add("theirs")]);
    assert!(definition.graph.nodes["each"].bodies["late"].nodes.contains_key("theirs"));
    assert_eq!(config(&definition, &root().child("each", "late_2"), "mine").to_json(), r#"{"v":1}"#);
}

#[test]
fn what_was_removed_is_told_and_can_be_brought_back_with_what_i_did_to_it() {
    let mine = [
        configure(root(), "big", "/if", Some("true")),
        Command::SetNote { at: root(), key: "big".into(), note: "why".into() },
        configure(each(), "call", "/url", Some("1")),
    ];
    let theirs = [remove(&["big", "each"]), rename("totals", "sums")];
    let (mut definition, told) = after(&mine, &theirs);
    assert_eq!(
        reasons(&told),
        [
            "`big` was removed in the meantime",
            "`big` was removed in the meantime",
            // The outermost that is gone: with it comes everything in it.
            "`each` was removed in the meantime"
        ]
    );
    // The last that is told of a node has everything.
    for dropped in &told.dropped[1..] {
        apply(&mut definition, dropped.back.as_ref().unwrap()).unwrap();
    }
    let big = &definition.graph.nodes["big"];
    assert_eq!((big.config.to_json(), &*big.note), (r#"{"if":true}"#.to_owned(), "why"));
    assert_eq!(config(&definition, &each(), "call").to_json(), r#"{"url":1}"#);
    let text = shown(&definition);
    assert!(text.contains(r#"{"from":"sums.out","to":"big.in"}"#), "{text}");
}

#[test]
fn a_removed_body_is_told_and_can_be_brought_back() {
    let theirs = [Command::RemoveBody { at: root(), key: "each".into(), body: "body".into() }];
    let (mut definition, told) = after(&[configure(each(), "call", "/url", Some("1"))], &theirs);
    assert_eq!(reasons(&told), ["`body` of `each` was removed in the meantime"]);
    apply(&mut definition, told.dropped[0].back.as_ref().unwrap()).unwrap();
    assert_eq!(config(&definition, &each(), "call").to_json(), r#"{"url":1}"#);
}

#[test]
fn of_several_nodes_those_that_are_left_are_moved_and_removed() {
    let places = ["hook", "big"].map(|key| (Key::from(key), Some(Point::new(9, 9))));
    let mine = [Command::Move { at: root(), places: places.into() }, remove(&["big", "totals"])];
    let (definition, told) = after(&mine, &[remove(&["big"])]);
    assert_eq!(place::get(&definition, &root(), "hook"), Some(Point::new(9, 9)));
    assert!(!definition.graph.nodes.contains_key("totals"));
    assert_eq!(reasons(&told), ["`big` was removed in the meantime", "somebody else did the same"]);
    assert_eq!(told.dropped[1].command, remove(&["big"]));
}

#[test]
fn parts_of_several_as_one_that_still_can_be_done_are_done() {
    let commands = vec![insert("fresh"), connect("big.true", "fresh.in"), connect("hook.out", "fresh.in")];
    let mine = Command::Batch { label: "adding fresh".into(), commands };
    let Rebased::As(Command::Batch { label, commands }) = over(&mine, &remove(&["big"]), &order()) else {
        panic!("a batch is left")
    };
    assert_eq!((&*label, commands.len()), ("adding fresh", 2));
}

#[test]
fn at_one_place_the_later_stands_and_that_is_told() {
    let mine = [configure(root(), "hook", "/method", Some("\"PUT\""))];
    let (definition, told) = after(&mine, &[configure(root(), "hook", "/method", Some("\"GET\""))]);
    assert_eq!(config(&definition, &root(), "hook").to_json(), r#"{"method":"PUT"}"#);
    assert_eq!((told.replaced, told.dropped.len()), (mine.to_vec(), 0));
}

#[test]
fn at_two_places_both_stand() {
    let cases: Vec<(Command, Command, &str, &str)> = vec![
        (
            configure(root(), "hook", "", Some(r#"{"method":"POST","mine":1}"#)),
            configure(root(), "hook", "/theirs", Some("2")),
            "/nodes/hook/config",
            r#"{"method":"POST","mine":1,"theirs":2}"#,
        ),
        (
            policies(r#"{"retry":{"attempts":4}}"#),
            policies(r#"{"timeout":"5s"}"#),
            "/nodes/big/policies",
            r#"{"retry":{"attempts":4},"timeout":"5s"}"#,
        ),
        (
            Command::SetTags { tags: vec!["mine".into(), "both".into()] },
            Command::SetTags { tags: vec!["theirs".into(), "both".into()] },
            "/tags",
            r#"["theirs","both","mine"]"#,
        ),
        (
            Command::SetLimits { limits: parse(r#"{"deadline":"1h"}"#) },
            Command::SetLimits { limits: parse(r#"{"concurrency":{"limit":2}}"#) },
            "/limits/deadline",
            r#""1h""#,
        ),
        (Command::SetTests { tests: parse("[1]") }, Command::SetTests { tests: parse("[2]") }, "/tests", "[2,1]"),
        (
            Command::SetSample { path: "hook".into(), value: Some(parse(r#"{"lines":[],"mine":1}"#)) },
            Command::SetSample { path: "hook".into(), value: Some(parse(r#"{"lines":[1]}"#)) },
            "/samples/hook",
            r#"{"lines":[1],"mine":1}"#,
        ),
        (
            Command::SetInput { schema: Some(parse(r#"{"mine":1}"#)) },
            Command::SetInput { schema: Some(parse(r#"{"theirs":1}"#)) },
            "/input",
            r#"{"mine":1,"theirs":1}"#,
        ),
        (
            Command::SetOutput { schema: Some(parse(r#"{"mine":1}"#)) },
            Command::SetOutput { schema: Some(parse(r#"{"theirs":1}"#)) },
            "/output",
            r#"{"mine":1,"theirs":1}"#,
        ),
        (
            replace("big", r#"{"kind":"when@1","config":{"if":{"$cel":"input.sum > 100"}},"note":"mine"}"#),
            configure(root(), "big", "/theirs", Some("1")),
            "/nodes/big",
            r#"{"config":{"if":{"$cel":"input.sum > 100"},"theirs":1},"kind":"when@1","note":"mine"}"#,
        ),
    ];
    for (mine, theirs, pointer, expected) in cases {
        let (definition, told) = after(std::slice::from_ref(&mine), &[theirs]);
        let found = definition.to_value().pointer(pointer).map(Value::to_json);
        assert_eq!((found.as_deref(), told), (Some(expected), Told::default()), "{mine:?}");
    }
}

fn policies(text: &str) -> Command {
    Command::SetPolicies { at: root(), key: "big".into(), policies: parse(text) }
}

fn replace(key: &str, node: &str) -> Command {
    Command::Replace { at: root(), key: key.into(), node: parse(node) }
}

#[test]
fn a_node_that_i_wrote_anew_keeps_what_others_did_inside_of_it() {
    let mut value = order().graph.nodes["each"].to_value().as_map().unwrap().clone();
    value.insert("note".into(), parse("\"mine\""));
    let mine = [
        Command::Replace { at: root(), key: "each".into(), node: value.into() },
        configure(each(), "call", "/mine", Some("1")),
    ];
    let (definition, told) = after(&mine, &[configure(each(), "call", "/theirs", Some("1"))]);
    let call = config(&definition, &each(), "call");
    assert!(call.get("mine").is_some() && call.get("theirs").is_some(), "{}", call.to_json());
    assert_eq!((&*definition.graph.nodes["each"].note, told), ("mine", Told::default()));
}

#[test]
fn two_policies_that_are_none_together_leave_mine() {
    // Each is good, but together they name more places than a node may.
    let places = |of: &str| {
        let places = (0..limits::MAX_PLACES).map(|at| Value::from(format!("/{of}{at}")));
        Command::SetPolicies { at: root(), key: "big".into(), policies: Value::map([("redact", Value::list(places))]) }
    };
    let (done, told) = all(&[places("mine")], &[places("theirs")], &order());
    assert_eq!((done, told.replaced), (vec![places("mine")], vec![places("mine")]));
}

fn apply_on(command: Command) -> Definition {
    let mut definition = order();
    apply(&mut definition, &command).unwrap();
    definition
}

#[test]
fn items_of_a_list_move_with_what_others_put_in_and_take_out() {
    let list = |mine: &str, value: Option<&str>, theirs: &[(&str, Option<&str>)]| {
        let mine = configure(each(), "after", mine, value);
        let theirs: Vec<_> = theirs.iter().map(|(at, value)| configure(each(), "after", at, *value)).collect();
        let (definition, told) = after(&[mine], &theirs);
        (config(&definition, &each(), "after").get("a").unwrap().to_json(), reasons(&told))
    };
    assert_eq!(list("/a/2", Some("9"), &[("/a/0", None)]), ("[2,9]".into(), vec![]));
    assert_eq!(list("/a/2", None, &[("/a/0", None)]), ("[2]".into(), vec![]));
    assert_eq!(list("/a/3", Some("9"), &[("/a/3", Some("8"))]), ("[1,2,3,8,9]".into(), vec![]));
    assert_eq!(list("/a/0", Some("9"), &[("/a/0", None), ("/a/0", None)]).0, "[3]");
    assert_eq!(
        list("/a/0", Some("9"), &[("/a/0", None)]),
        ("[2,3]".into(), vec!["somebody else changed the same in the meantime".into()])
    );
    assert_eq!(list("/a/1", None, &[("/a/1", None)]), ("[1,3]".into(), vec!["somebody else did the same".into()]));
}

#[test]
fn an_edge_is_drawn_and_taken_away_once() {
    let (definition, told) = after(&[connect("hook.out", "big.in")], &[connect("hook.out", "big.in")]);
    assert_eq!(reasons(&told), ["somebody else did the same"]);
    assert_eq!(definition.graph.edges.len(), 4);
    let gone = disconnect("totals.out", "big.in");
    assert_eq!(over(&gone, &gone, &order()), Rebased::Gone(Reason::Already));
    assert_eq!(over(&gone, &remove(&["big"]), &order()), Rebased::Gone(Reason::Already));
}

#[test]
fn an_edge_that_closes_a_circle_by_now_is_not_drawn() {
    let before = apply_on(disconnect("totals.out", "big.in"));
    let (mine, theirs) = (connect("big.true", "totals.in"), connect("totals.out", "big.in"));
    assert_eq!(over(&mine, &theirs, &before), Rebased::Gone(Reason::Circle));
    // Nor is one that a node brings along.
    let mut fragment = node("fresh", r#"{"kind":"x@1"}"#);
    fragment.edges = vec![("big.true".into(), "fresh.in".into()), ("fresh.out".into(), "totals.in".into())];
    let mine = Command::Insert { at: root(), fragment };
    let (done, told) = all(&[mine], &[theirs], &before);
    let Command::Insert { fragment, .. } = &done[0] else { panic!("{done:?}") };
    assert_eq!((fragment.edges.len(), reasons(&told).len()), (1, 1));
    // A circle that was mine from the start is mine to see.
    let mine = [connect("big.true", "totals.in")];
    assert_eq!(all(&mine, &[rename("hook", "start")], &order()).0, mine);
}

#[test]
fn what_both_named_is_named_once_and_what_both_named_differently_is_named_by_the_later() {
    assert_eq!(over(&rename("hook", "start"), &rename("hook", "start"), &order()), Rebased::Gone(Reason::Already));
    assert_eq!(
        over(&rename("hook", "mine"), &rename("hook", "theirs"), &order()),
        Rebased::As(rename("theirs", "mine"))
    );
    assert_eq!(over(&rename("hook", "start"), &insert("start"), &order()), Rebased::As(rename("hook", "start_2")));
    let body =
        |body: &str, to: &str| Command::RenameBody { at: root(), key: "each".into(), body: body.into(), to: to.into() };
    assert_eq!(over(&body("body", "mine"), &body("body", "theirs"), &order()), Rebased::As(body("theirs", "mine")));
}

#[test]
fn settings_of_a_kind_are_not_put_into_another() {
    let other = replace("big", r#"{"kind":"data.set@1","config":{}}"#);
    let mine = configure(root(), "big", "/if", Some("true"));
    assert_eq!(over(&mine, &other, &order()), Rebased::Gone(Reason::OtherKind));
}

#[test]
fn removing_what_another_changed_removes_it_and_tells_that() {
    for (mine, theirs) in [
        (remove(&["big"]), configure(root(), "big", "/if", Some("true"))),
        (
            Command::RemoveBody { at: root(), key: "each".into(), body: "body".into() },
            configure(each(), "call", "/url", Some("1")),
        ),
    ] {
        let (_, told) = after(std::slice::from_ref(&mine), &[theirs]);
        assert_eq!((told.replaced, told.dropped.len()), (vec![mine], 0));
    }
}

#[test]
fn what_has_nothing_to_do_with_it_stays_as_it_was() {
    let theirs = configure(root(), "totals", "/other", Some("1"));
    let mine = [
        insert("fresh"),
        remove(&["big"]),
        rename("hook", "start"),
        replace("big", r#"{"kind":"when@1","config":{}}"#),
        configure(each(), "after", "/a/1", None),
        Command::SetJoin { at: root(), key: "big".into(), join: "all".into() },
        policies(r#"{"retry":{"attempts":4}}"#),
        Command::SetDisabled { at: root(), key: "big".into(), disabled: true },
        Command::SetNote { at: root(), key: "big".into(), note: "n".into() },
        connect("hook.error", "big.in"),
        disconnect("totals.out", "big.in"),
        Command::Move { at: root(), places: [("hook".into(), None)].into() },
        Command::AddBody {
            at: root(),
            key: "each".into(),
            body: "late".into(),
            content: node("step", r#"{"kind":"x@1"}"#),
            result: Some(parse("1")),
        },
        Command::RemoveBody { at: root(), key: "each".into(), body: "body".into() },
        Command::RenameBody { at: root(), key: "each".into(), body: "body".into(), to: "one".into() },
        Command::SetResult { at: each(), value: Some(parse("1")) },
        Command::SetName { name: "n".into() },
        Command::SetDescription { description: "d".into() },
        Command::SetTags { tags: vec!["t".into()] },
        Command::SetInput { schema: Some(parse("{}")) },
        Command::SetOutput { schema: None },
        Command::SetLimits { limits: parse(r#"{"deadline":"1h"}"#) },
        Command::SetSample { path: "hook".into(), value: None },
        Command::SetTests { tests: parse("[1]") },
        Command::Batch { label: "two".into(), commands: vec![insert("a"), connect("hook.out", "a.in")] },
    ];
    for mine in mine {
        assert_eq!(over(&mine, &theirs, &order()), Rebased::Same, "{mine:?}");
    }
}
