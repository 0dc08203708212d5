//! The examples: nothing is wrong with them, and on their samples they give what their walkthroughs say.

use holon_catalogue::{Example, catalogue, examples};
use holon_engine::{PreviewRequest, RunStatus, compile, preview};
use holon_flow::validate::validate;
use holon_model::{Value, json};

fn example(name: &str) -> &'static Example {
    examples().iter().find(|example| example.name == name).unwrap()
}

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

fn run(name: &str, input: Option<Value>) -> holon_engine::Preview {
    let flow = example(name).flow().unwrap();
    let compiled = compile(&flow, &catalogue()).unwrap();
    preview(&compiled, &catalogue(), &PreviewRequest { input, ..PreviewRequest::default() })
}

fn input(name: &str) -> Value {
    example(name).input.clone()
}

/// What a node received, or null if it was skipped.
fn received(preview: &holon_engine::Preview, path: &str) -> Value {
    preview.view.nodes.iter().find(|node| node.path == path).and_then(|node| node.input.clone()).unwrap_or_default()
}

#[test]
fn nothing_is_wrong_with_the_examples() {
    assert_eq!(examples().len(), 14);
    for example in examples() {
        let flow = example.flow().unwrap_or_else(|found| panic!("{}: {found:?}", example.name));
        assert_eq!(validate(&flow, &catalogue()), [], "{}", example.name);
        assert!(!example.description.is_empty() && example.input != Value::Null, "{}", example.name);
    }
}

#[test]
fn every_example_completes_on_its_samples_and_on_its_input_alike() {
    for example in examples() {
        let (sampled, given) = (run(example.name, None), run(example.name, Some(example.input.clone())));
        assert_eq!(sampled.view.status, RunStatus::Completed, "{}: {:?}", example.name, sampled.view.error);
        assert_eq!(sampled.view.output, given.view.output, "{}", example.name);
        assert_eq!(sampled.log_hash, given.log_hash, "{}", example.name);
    }
}

#[test]
fn an_order_is_taken_with_its_exact_totals() {
    let preview = run("order-intake", Some(input("order-intake")));
    let plan = received(&preview, "reserve");
    assert_eq!(plan.get("net").unwrap().to_json(), "68.40");
    assert_eq!(plan.get("tax").unwrap().to_json(), "13.00");
    assert_eq!(plan.get("carrier"), Some(&"parcel".into()));
    let expected = r#"{"accepted":true,"reservations":[{"sku":"CUP-01","reservation":"r-1"},{"sku":"TEA-12","reservation":"r-1"}]}"#;
    assert_eq!(preview.view.output, Some(value(expected)));
}

#[test]
fn an_order_with_mistakes_is_refused_with_all_of_them() {
    let mut bad =
        value(r#"{"id":"7","customer":{"name":"A","email":"nobody"},"lines":[{"sku":"X","qty":0,"price":0.005}]}"#);
    bad = Value::map([("body", bad)]);
    let preview = run("order-intake", Some(bad));
    let error = received(&preview, "reject");
    assert_eq!(error.get("code"), Some(&"invalid".into()));
    let places: Vec<&str> = error
        .get("detail")
        .and_then(Value::as_list)
        .unwrap()
        .iter()
        .filter_map(|miss| miss.get("pointer")?.as_str())
        .collect();
    assert_eq!(places, ["/customer/email", "/lines/0/price", "/lines/0/qty"]);
    assert_eq!(preview.view.output, Some(value(r#"{"accepted":false}"#)));
}

#[test]
fn large_and_bulky_orders_take_their_own_ways() {
    for (qty, price, carrier) in [(1, "1000.00", "express"), (51, "1.00", "freight"), (50, "1.00", "parcel")] {
        let lines = format!(r#"[{{"sku":"X","qty":{qty},"price":{price}}}]"#);
        let order = format!(r#"{{"body":{{"id":"7","customer":{{"name":"A","email":"a@b.c"}},"lines":{lines}}}}}"#);
        let plan = received(&run("order-intake", Some(value(&order))), "reserve");
        assert_eq!(plan.get("carrier"), Some(&carrier.into()), "{qty} at {price}");
    }
}

#[test]
fn a_push_to_main_is_told_without_its_merges_and_others_are_not() {
    let preview = run("signed-push", Some(input("signed-push")));
    let message =
        "ada pushed 2 commits to example/teapot:\n• Pour slowly (c0ffee2, Ada)\n• Warm the pot first (0ddba11, Grace)";
    assert_eq!(received(&preview, "tell"), message.into());
    for body in [
        r#"{"ref":"refs/heads/other","commits":[]}"#,
        r#"{"zen":"Keep it simple."}"#,
        r#"{"ref":"refs/heads/main","commits":[]}"#,
    ] {
        let preview = run("signed-push", Some(Value::map([("body", value(body))])));
        assert_eq!(preview.view.output, Some(value(r#"{"told":false}"#)), "{body}");
    }
}

#[test]
fn sales_are_summed_up_by_region() {
    let preview = run("csv-report", Some(input("csv-report")));
    let report =
        preview.view.output.as_ref().and_then(|output| output.get("report")?.as_str().map(str::to_owned)).unwrap();
    assert_eq!(
        report,
        "# Sales of 2026-10\n\n\
         - South: 223.00 from 2 orders of 2 customers, the largest 174.00\n\
         - North: 117.40 from 3 orders of 2 customers, the largest 59.70\n\
         - West: 19.90 from 1 orders of 1 customers, the largest 19.90\n\n\
         Together: 360.30 from 6 orders"
    );
    let fixture = include_str!("../../../docs/examples/csv-report/endpoint/sales.csv");
    let flow = example("csv-report").flow().unwrap();
    assert_eq!(flow.samples["fetch"].get("body"), Some(&fixture.into()), "the sample is the endpoint's table");
}

#[test]
fn an_order_gets_a_number_of_the_state_that_the_preview_keeps() {
    let preview = run("numbered-orders", Some(input("numbered-orders")));
    assert_eq!(preview.view.output, Some(value(r#"{"after":"A-1006","number":1,"order":"A-1007"}"#)));
    assert_eq!(preview.sampled, ["before"], "what is kept needs no sample");
    assert_eq!(received(&preview, "tell"), "A-1007".into());
}

#[test]
fn an_urgent_ticket_is_told_and_another_is_not() {
    let preview = run("new-tickets", Some(input("new-tickets")));
    assert_eq!(preview.view.output, Some(value(r#"{"ticket":7,"told":true}"#)));
    let other = value(r#"{"item":{"id":8,"subject":"Thanks","priority":"low"},"found_at":"2026-01-05T08:00:00.000Z"}"#);
    assert_eq!(run("new-tickets", Some(other)).view.output, Some(value(r#"{"ticket":8,"told":false}"#)));
}

#[test]
fn labels_are_printed_two_at_a_time_and_the_others_wait_their_turn() {
    let preview = run("shipping-labels", Some(input("shipping-labels")));
    let labels = preview.view.output.as_ref().and_then(|output| output.get("labels")?.as_list()).unwrap();
    let tariffs: Vec<_> = labels.iter().filter_map(|label| label.get("tariff")?.as_str()).collect();
    assert_eq!(tariffs, ["small", "parcel", "small", "parcel", "small"]);
    let nodes = preview.view.nodes.iter().filter(|node| node.path.ends_with("/label"));
    let waited: Vec<bool> = nodes.map(|node| node.queued_at.is_some()).collect();
    assert_eq!(waited, [false, false, true, true, true]);
}

#[test]
fn a_reading_is_a_batch_of_one_in_the_preview() {
    let preview = run("bulk-import", Some(input("bulk-import")));
    assert_eq!(preview.view.output, Some(value(r#"{"row":"row-1"}"#)));
    assert_eq!(received(&preview, "collect/insert"), value(r#"[{"celsius":21.5,"sensor":"roof"}]"#));
    assert_eq!(preview.sampled, ["collect/insert"]);
}

#[test]
fn the_first_supplier_wins_and_a_low_price_is_told() {
    let preview = run("price-watch", Some(input("price-watch")));
    assert_eq!(preview.view.output, Some(value(r#"{"price":4.2,"supplier":"north","told":true}"#)));
    let south = preview.view.nodes.iter().find(|node| node.path == "first.south/ask").unwrap();
    assert_eq!(south.status, "cancelled");
}

#[test]
fn leave_that_is_not_approved_is_not_booked() {
    let preview = run("leave-request", Some(input("leave-request")));
    assert_eq!(preview.view.output, Some(value(r#"{"approved":true,"comment":"Enjoy it"}"#)));
    let mut flow = example("leave-request").flow().unwrap();
    flow.samples.insert("decide".into(), value(r#"{"choice":"reject","form":{"comment":"Not in December"}}"#));
    let compiled = compile(&flow, &catalogue()).unwrap();
    let preview = holon_engine::preview(&compiled, &catalogue(), &PreviewRequest::default());
    assert_eq!(preview.view.output, Some(value(r#"{"approved":false,"comment":"Not in December"}"#)));
}

#[test]
fn an_import_goes_on_in_a_new_run_while_there_are_more_pages() {
    let preview = run("long-import", Some(input("long-import")));
    assert_eq!(preview.view.output, Some(value(r#"{"imported":2}"#)));
    let mut flow = example("long-import").flow().unwrap();
    let page = value(r#"{"status":200,"headers":{},"body":{"items":[{"id":1},{"id":2}],"next":2}}"#);
    flow.samples.insert("pages/fetch".into(), page);
    let compiled = compile(&flow, &catalogue()).unwrap();
    let preview = holon_engine::preview(&compiled, &catalogue(), &PreviewRequest::default());
    assert_eq!(preview.view.status, RunStatus::Continued);
    assert_eq!(received(&preview, "on"), value(r#"{"imported":4,"next":2}"#));
}
