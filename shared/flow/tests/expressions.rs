//! The table of expressions and their results, and the examples of every function.

use holon_flow::expr::{self, conformance};

const TABLE: &str = include_str!("expressions.txt");

fn say(failures: &[conformance::Failure]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_expression_of_the_table_has_its_result() {
    let report = conformance::report(TABLE);
    assert!(
        report.failures.is_empty(),
        "{} of {} cases:\n{}",
        report.failures.len(),
        report.cases,
        say(&report.failures)
    );
    assert!(report.cases >= 400, "the table has {} cases", report.cases);
}

#[test]
fn a_wrong_result_in_the_table_is_found() {
    assert_eq!(conformance::run_table("1 + 1 => 3\n1 / 0 => 1\nnonsense\n").len(), 3);
}

#[test]
fn every_function_does_what_its_examples_say() {
    for function in expr::functions() {
        assert!(!function.examples.is_empty(), "{} has no example", function.name);
        assert!(!function.doc.is_empty() && !function.signatures.is_empty(), "{}", function.name);
        for (source, result) in function.examples {
            let failures = conformance::run_table(&format!("{source} => {result}"));
            assert!(failures.is_empty(), "{}: {}", function.name, say(&failures));
            assert!(source.contains(function.name), "the example of {} does not show it: {source}", function.name);
        }
    }
}

#[test]
fn native_names_and_macro_names_are_each_unique() {
    for of_macros in [false, true] {
        let names: Vec<&str> = expr::functions()
            .filter(|function| function.is_macro() == of_macros)
            .map(|function| function.name)
            .collect();
        let distinct: std::collections::BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len());
    }
}

/// `UPDATE_DOCS=1` writes what is out of date.
#[test]
fn the_reference_of_functions_is_fresh() {
    const MARK: &str = "--test expressions -->\n";
    // Tests run in the folder of their crate, wherever the clone was when they were compiled.
    let path = "../../docs/expressions.md";
    let page = std::fs::read_to_string(path).expect("the page is there");
    let (head, reference) = page.split_once(MARK).expect("the mark is there");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{head}{MARK}{}", expr::guide::reference())).expect("the page can be written");
        return;
    }
    assert!(
        reference == expr::guide::reference(),
        "docs/expressions.md is out of date: run this test with UPDATE_DOCS=1"
    );
}
