//! A flow that is edited and previewed with what is remembered shows what a run from the start shows, after every edit; and it computes
//! no more than the edit affects.

use holon_engine::{
    Draft, Drafted, PreviewRequest, Took, compile_draft, preview,
    testing::{catalogue, definition, edit::edit, generate, rng::Rng},
};
use holon_flow::{Catalogue, Definition, validate::validate};
use holon_model::{Value, context::Budget, json};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// Flows that are edited in a test run; `HOLON_EDITED_FLOWS` asks for more.
const FLOWS: u64 = 200;
/// Edits of each.
const EDITS: u32 = 8;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(catalogue);

/// Everything that a preview tells, as it is written: numbers that are equal and look different are a difference.
fn told(drafted: &Drafted) -> String {
    format!("{:?}\n{:?}\n{:?}", drafted.diagnostics, drafted.preview, drafted.flow.hash())
}

fn told_from_the_start(definition: &Definition, request: &PreviewRequest) -> String {
    let (flow, _) = compile_draft(definition, &CATALOGUE);
    let whole = preview(&flow, &CATALOGUE, request);
    format!("{:?}\n{:?}\n{:?}", validate(definition, &CATALOGUE), whole, definition.hash())
}

/// Where the two part.
fn difference<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let around = |text: &'a str| {
        let from = (0..=same.saturating_sub(200)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text[from..].char_indices().nth(400).map_or(&text[from..], |(end, _)| &text[from..from + end])
    };
    (around(one), around(other))
}

/// Most have plenty; some run out on their way, wherever that is.
fn budget(rng: &mut Rng) -> Budget {
    let plenty = PreviewRequest::default().budget;
    match rng.below(6) {
        0 => Budget { fuel: u64::from(rng.below(400)), ..plenty },
        1 => Budget { bytes: u64::from(rng.below(20_000)), ..plenty },
        _ => plenty,
    }
}

#[test]
fn what_is_remembered_shows_what_a_run_from_the_start_shows_after_every_edit() {
    let flows = std::env::var("HOLON_EDITED_FLOWS").ok().and_then(|flows| flows.parse().ok()).unwrap_or(FLOWS);
    let (mut edits, mut computed, mut steps) = (BTreeMap::new(), 0, 0);
    let mut kinds = BTreeSet::new();
    for seed in 0..flows {
        let mut rng = Rng::new(seed ^ 0x65_64_69_74);
        let mut flow = generate::definition(seed);
        flow.samples.insert("start".to_owned(), generate::input(seed));
        let mut draft = Draft::new(|| 0);
        let mut before = vec![flow.clone()];
        for number in 0..EDITS {
            let what = match number {
                0 => "as it was made",
                _ if rng.percent(10) => {
                    flow = rng.pick(&before);
                    "something is taken back"
                }
                _ => edit(&mut flow, &mut rng),
            };
            before.push(flow.clone());
            let request =
                PreviewRequest { budget: budget(&mut rng), items: 1 + rng.below(3), ..PreviewRequest::default() };
            let drafted = draft.preview(&flow, &CATALOGUE, &request);
            let (remembered, whole) = (told(&drafted), told_from_the_start(&flow, &request));
            assert!(
                remembered == whole,
                "seed {seed}, edit {number} ({what}), remembered and from the start: {:#?}",
                difference(&remembered, &whole)
            );
            *edits.entry(what).or_insert(0u32) += 1;
            computed += drafted.computed.iter().map(|(_, took)| u64::from(took.times)).sum::<u64>();
            steps += drafted.preview.steps;
            let ran = drafted.preview.view.nodes.iter().filter(|node| node.status == "succeeded");
            kinds.extend(ran.filter_map(|node| kind_at(&flow, &node.path)));
        }
    }
    // That the edits are what they claim to be, that something is remembered, and that the whole algebra was among it.
    assert!(edits.len() > 14, "{edits:?}");
    assert!(computed * 3 < steps, "{computed} of {steps} steps were computed");
    for kind in ["map", "try", "parallel", "race", "loop", "saga", "flow", "batch", "flow.signal", "flow.approval"] {
        assert!(kinds.contains(kind), "{kind} is missing in {kinds:?}");
    }
}

/// The kind of the node at a structural path.
fn kind_at(definition: &Definition, path: &str) -> Option<String> {
    let path = holon_engine::without_indices(path);
    let mut graph = &definition.graph;
    let mut steps = path.split('/').peekable();
    while let Some(step) = steps.next() {
        let (key, body) = step.split_once('.').unwrap_or((step, "body"));
        let node = graph.nodes.get(key)?;
        if steps.peek().is_none() {
            return Some(node.kind.name.to_string());
        }
        graph = node.bodies.get(body)?;
    }
    None
}

const SHOP: &str = r#"{"holon":1,"name":"t","nodes":{
    "start":{"kind":"trigger.manual@1"},
    "price":{"kind":"test.set@1","config":{"value":{"$cel":"input.price * 2"}}},
    "name":{"kind":"test.set@1","config":{"value":{"$text":"of {{ input.name }}"}}},
    "each":{"kind":"map@1","config":{"items":{"$cel":"nodes.start.lines"}},"bodies":{"body":{"nodes":{
        "line":{"kind":"test.set@1","config":{"value":{"$cel":"item + 1"}}},
        "mark":{"kind":"test.set@1","config":{"value":{"$cel":"[input, nodes.price]"}}}},
        "edges":[{"from":"line.out","to":"mark.in"}]}}},
    "leaf":{"kind":"test.set@1","config":{"value":{"$cel":"nodes.price + 1"}}}},
    "edges":[{"from":"start.out","to":"price.in"},{"from":"start.out","to":"name.in"},{"from":"price.out","to":"each.in"},
        {"from":"each.out","to":"leaf.in"},{"from":"name.out","to":"leaf.in"}],
    "samples":{"start":{"price":19.90,"name":"Ada","lines":[1,2,3]}}}"#;

/// What an edit of a flow computes: paths, and how often. What it shows is compared besides.
fn computed(draft: &mut Draft, definition: &Definition) -> Vec<(String, u32)> {
    let request = PreviewRequest::default();
    let drafted = draft.preview(definition, &CATALOGUE, &request);
    assert_eq!(told(&drafted), told_from_the_start(definition, &request));
    sorted(drafted.computed.into_iter().map(|(path, took)| (path, took.times)).collect())
}

fn times(of: &[(&str, u32)]) -> Vec<(String, u32)> {
    of.iter().map(|(path, times)| ((*path).to_owned(), *times)).collect()
}

fn set(definition: &mut Definition, key: &str, value: &str) {
    let config = Value::map([("value", Value::map([("$cel", Value::from(value))]))]);
    definition.graph.nodes.get_mut(key).unwrap().config = config;
}

#[test]
fn an_edit_computes_what_it_affects_and_nothing_else() {
    let mut flow = definition(SHOP);
    let mut draft = Draft::new(|| 0);
    let all = times(&[("each", 1), ("each/line", 3), ("each/mark", 3), ("leaf", 1), ("name", 1), ("price", 1)]);
    assert_eq!(computed(&mut draft, &flow), all);
    assert_eq!(computed(&mut draft, &flow), times(&[]), "the same once more");
    set(&mut flow, "leaf", "nodes.price + 2");
    assert_eq!(computed(&mut draft, &flow), times(&[("leaf", 1)]), "a leaf");
    flow.graph.nodes.get_mut("leaf").unwrap().note = "a remark".to_owned();
    assert_eq!(computed(&mut draft, &flow), times(&[]), "a remark");
    set(&mut flow, "price", "input.price * 3");
    // The items of `each` are read from the trigger: neither they nor what is made of each alone have changed.
    assert_eq!(
        computed(&mut draft, &flow),
        times(&[("each/mark", 3), ("leaf", 1), ("price", 1)]),
        "a node that others read"
    );
    set(&mut flow, "price", "input.price + input.price + input.price");
    assert_eq!(computed(&mut draft, &flow), times(&[("price", 1)]), "another way to the same value");
    flow.samples.insert("start".to_owned(), json::parse(br#"{"price":19.90,"name":"Ada","lines":[1,5,2,3]}"#).unwrap());
    let more = times(&[("each", 1), ("each/line", 1), ("each/mark", 1), ("name", 1), ("price", 1), ("leaf", 1)]);
    assert_eq!(computed(&mut draft, &flow), sorted(more), "one more item, in the middle");
    flow.graph.edges.retain(|edge| *edge.from.node != *"name");
    assert_eq!(computed(&mut draft, &flow), times(&[("leaf", 1)]), "an edge less: the leaf has another input");
}

fn sorted(mut list: Vec<(String, u32)>) -> Vec<(String, u32)> {
    list.sort();
    list
}

#[test]
fn what_is_typed_in_between_and_does_not_run_costs_nothing_that_follows_its_memory() {
    let mut flow = definition(SHOP);
    let mut draft = Draft::new(|| 0);
    computed(&mut draft, &flow);
    for half in ["input.price *", "input.price * nodes", "input.pri", "nodes.gone"] {
        set(&mut flow, "price", half);
        let only: Vec<_> = computed(&mut draft, &flow).into_iter().filter(|(path, _)| path != "price").collect();
        assert_eq!(only, times(&[]), "{half}");
    }
    set(&mut flow, "price", "input.price * 2.0");
    assert_eq!(computed(&mut draft, &flow).len(), 3, "price, and who reads it: its value is written differently now");
    set(&mut flow, "price", "2 * input.price");
    let now = computed(&mut draft, &flow);
    assert!(now.contains(&("price".to_owned(), 1)) && !now.iter().any(|(path, _)| path == "each/line"), "{now:?}");
}

#[test]
fn numbers_that_are_equal_and_written_differently_are_not_taken_for_each_other() {
    let mut draft = Draft::new(|| 0);
    for (number, price) in ["1", "1.0", "1.00", "1.0", "1"].into_iter().enumerate() {
        let mut flow = definition(SHOP);
        let sample = format!(r#"{{"price":{price},"name":"Ada","lines":[{price}]}}"#);
        flow.samples.insert("start".to_owned(), json::parse(sample.as_bytes()).unwrap());
        let again = computed(&mut draft, &flow);
        // The last two are taken back to what is remembered still.
        assert_eq!(again.contains(&("price".to_owned(), 1)), number < 3, "{price}: {again:?}");
    }
}

#[test]
fn what_costs_more_than_is_left_runs_out_as_it_does_from_the_start() {
    let mut flow = definition(SHOP);
    set(&mut flow, "leaf", "[1, 2, 3, 4, 5, 6, 7, 8].map(x, x * 2)");
    let mut draft = Draft::new(|| 0);
    let plenty = PreviewRequest::default();
    let mut ends = BTreeSet::new();
    for fuel in (0..160).rev() {
        draft.preview(&flow, &CATALOGUE, &plenty);
        let request = PreviewRequest { budget: Budget { fuel, ..plenty.budget }, ..PreviewRequest::default() };
        let drafted = draft.preview(&flow, &CATALOGUE, &request);
        assert_eq!(told(&drafted), told_from_the_start(&flow, &request), "{fuel}");
        let error = drafted.preview.view.error.map(|error| error.code);
        ends.insert(error.unwrap_or_default());
    }
    assert_eq!(ends, BTreeSet::from([String::new(), "out_of_fuel".to_owned()]), "some run out and some do not");
}

#[test]
fn time_is_told_of_what_was_computed_and_of_nothing_else() {
    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }
    // Each look at the clock is a millisecond later than the one before.
    let clock = || NOW.with(|now| now.replace(now.get() + 1_000));
    let mut flow = definition(SHOP);
    let mut draft = Draft::new(clock);
    let request = PreviewRequest::default();
    let first: BTreeMap<String, Took> = draft.preview(&flow, &CATALOGUE, &request).computed.into_iter().collect();
    assert_eq!(first["price"], Took { times: 1, micros: 1_000 });
    assert_eq!(first["each/line"], Took { times: 3, micros: 3_000 });
    set(&mut flow, "leaf", "1");
    let second = draft.preview(&flow, &CATALOGUE, &request).computed;
    assert_eq!(second, [("leaf".to_owned(), Took { times: 1, micros: 1_000 })]);
}
