//! The documentation of the language keeps up with the language.

use holon_flow::validate::DiagnosticCode;
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
