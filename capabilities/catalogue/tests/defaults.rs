//! What a kind is added with: it names nothing that may not be there, so that what is new is not wrong before anybody wrote anything.

use holon_catalogue::catalogue;
use holon_engine::{PreviewRequest, compile_draft, preview};
use holon_flow::Definition;
use holon_model::{Value, json};

/// Its correlation is what a Callback address before it gives: without one there is nothing that it could wait for.
const NEEDS_ANOTHER: &str = "flow.callback@1";

#[test]
fn what_is_added_names_no_field_that_an_empty_input_does_not_have() {
    let catalogue = catalogue();
    for kind in catalogue.kinds().filter(|kind| !kind.ports.inputs.is_empty()) {
        let id = kind.reference().to_string();
        let config = kind.defaults.to_json();
        let flow = format!(
            r#"{{"holon":1,"name":"f","nodes":{{"t":{{"kind":"trigger.manual@1"}},"n":{{"kind":"{id}","config":{config}}}}},
                "edges":[{{"from":"t.out","to":"n.in"}}]}}"#
        );
        let flow = Definition::from_value(&json::parse(flow.as_bytes()).unwrap()).unwrap();
        let (compiled, _) = compile_draft(&flow, &catalogue);
        let request = PreviewRequest { input: Some(Value::map::<&str>([])), ..PreviewRequest::default() };
        let ran = preview(&compiled, &catalogue, &request);
        let failed = ran.view.nodes.iter().find(|node| node.path == "n").and_then(|node| node.error.clone());
        let names_what_is_not_there = failed.is_some_and(|failed| failed.code == "no_such_field");
        assert_eq!(names_what_is_not_there, id == NEEDS_ANOTHER, "{id}: {config}");
    }
}
