//! The parity gate: the corpus, generated flows and the table of expressions, as lines that native code and wasm32 must print
//! alike, byte for byte. `cargo xtask test` builds both and compares.

mod bench;

pub use bench::{bench_nodes, bench_preview};

use holon_engine::{
    Machine, compile, drive,
    testing::{catalogue, corpus, generate, start, world::World},
};
use holon_flow::{Catalogue, expr::conformance};
use holon_model::canon;
use std::{fmt::Write as _, sync::LazyLock};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(catalogue);

/// The table of the expression language, which its own tests run too.
const EXPRESSIONS: &str = include_str!("../../../flow/tests/expressions.txt");

/// How many of the cases are not generated: the table of expressions, then the corpus.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn count_corpus() -> u32 {
    1 + u32::try_from(corpus::CASES.len()).unwrap_or(u32::MAX)
}

/// The cases from number `from` to before `to`, one `name hash` a line. Number 0 is the table of expressions, then comes the
/// corpus, then the generated flows by their seed.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn lines(from: u32, to: u32) -> String {
    let mut lines = String::new();
    for number in from..to {
        let (name, hash) = case(number);
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{name} {hash}");
    }
    lines
}

fn case(number: u32) -> (String, String) {
    if number == 0 {
        let report = conformance::report(EXPRESSIONS);
        return (format!("expressions-{}-failed-{}", report.cases, report.failures.len()), report.digest);
    }
    if let Some((name, text)) = corpus::CASES.get(number as usize - 1) {
        return ((*name).to_owned(), canon::hex(&corpus::run(text).machine.log_hash()));
    }
    let seed = u64::from(number - count_corpus());
    (format!("generated-{seed}"), generated(seed))
}

/// The log hash of a generated flow in its generated world; what is wrong with it, should it not compile.
fn generated(seed: u64) -> String {
    match compile(&generate::definition(seed), &CATALOGUE) {
        Ok(flow) => {
            let mut machine = Machine::new(flow);
            let mut world = World::new(seed, [start(generate::input(seed), seed)]);
            drive(&mut machine, &mut world, &mut |_, _| {});
            format!("{} {}", canon::hex(&machine.log_hash()), machine.status().name())
        }
        Err(problems) => problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_case_with_a_hash() {
        let total = count_corpus() + 20;
        let text = lines(0, total);
        assert_eq!(text.lines().count(), total as usize);
        assert!(text.starts_with("expressions-"));
        for line in text.lines() {
            let hash = line.split(' ').nth(1).unwrap_or_default();
            assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{line}");
        }
    }

    #[test]
    fn the_table_of_expressions_holds() {
        assert!(case(0).0.ends_with("-failed-0"), "{}", case(0).0);
    }
}
