//! The documentation of the language keeps up with the language.

use holon_flow::{Definition, Graph, Node, definition::Policies, validate::DiagnosticCode};
use holon_model::json;
use std::collections::BTreeSet;

#[test]
fn every_diagnostic_code_has_its_section_and_no_other_stands_there() {
    let text = include_str!("../../../docs/flow-language.md");
    let (_, diagnostics) = text.split_once("## Diagnostics").unwrap();
    let documented: BTreeSet<&str> =
        diagnostics.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let known: BTreeSet<&str> = DiagnosticCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, known);
}

#[test]
fn every_example_of_the_page_reads_as_what_it_is() {
    let text = include_str!("../../../docs/flow-language.md");
    let mut read = 0;
    for block in text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        let value = json::parse(block.as_bytes()).unwrap_or_else(|error| panic!("{error}: {block}"));
        let found = match value.as_map().unwrap() {
            map if map.contains_key("holon") => Definition::from_value(&value).err(),
            map if map.contains_key("kind") => Node::from_value(&value).err(),
            map if map.contains_key("nodes") => Graph::from_value(&value).err(),
            _ => Policies::from_value(&value).err(),
        };
        assert_eq!(found, None, "{block}");
        read += 1;
    }
    assert!(read >= 10, "{read} examples");
}
