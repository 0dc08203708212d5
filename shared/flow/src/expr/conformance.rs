//! Runs the table of expressions and their results, natively and in wasm32.
//!
//! A line is `expression => JSON` or `expression => !code`. `text "JSON string" => …` is text with expressions in it. `@scope JSON`
//! sets the names from there on, `@budget FUEL BYTES` what one case may spend; `#` begins a remark.

use super::{ExprError, MapScope, Meter, Program};
use holon_model::{Value, canon::Canon, canon::hex, json};
use std::fmt;

/// What a case may spend unless the table says otherwise.
const BUDGET: (u64, u64) = (100_000, 1_000_000);

/// A case whose result is not the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Line of the table, from 1.
    pub line: usize,
    /// The expression or text.
    pub source: String,
    /// What the table says.
    pub expected: String,
    /// What came out.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}\n  expected {}\n  found    {}", self.line, self.source, self.expected, self.found)
    }
}

/// What a run of a table gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many cases it has.
    pub cases: usize,
    /// Those that failed, and lines that are no cases.
    pub failures: Vec<Failure>,
    /// blake3 of all results and what they cost: the same on every platform.
    pub digest: String,
}

/// Runs a table, for its failures.
pub fn run_table(table: &str) -> Vec<Failure> {
    report(table).failures
}

/// Runs a table.
pub fn report(table: &str) -> Report {
    let mut report = Report::default();
    let mut scope = MapScope::default();
    let mut budget = BUDGET;
    let mut canon = Canon::new();
    for (index, line) in table.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let malformed = |found: &str| Failure {
            line: index + 1,
            source: line.to_owned(),
            expected: "a case".to_owned(),
            found: found.to_owned(),
        };
        if let Some(names) = line.strip_prefix("@scope ") {
            match json::parse(names.as_bytes()) {
                Ok(names) => scope = MapScope(names),
                Err(error) => report.failures.push(malformed(&error.to_string())),
            }
        } else if let Some(limits) = line.strip_prefix("@budget ") {
            let limits: Vec<u64> = limits.split_whitespace().filter_map(|limit| limit.parse().ok()).collect();
            match limits[..] {
                [fuel, bytes] => budget = (fuel, bytes),
                _ => report.failures.push(malformed("a budget is two numbers")),
            }
        } else if let Some((source, expected)) =
            line.strip_prefix("=> ").map(|expected| ("", expected)).or_else(|| line.rsplit_once(" => "))
        {
            report.cases += 1;
            let mut meter = Meter::new(budget.0, budget.1);
            let found = outcome(run(source.trim(), &scope, &mut meter));
            canon.text(&found).u64(meter.fuel).u64(meter.bytes);
            if found != normal(expected.trim()) {
                let source = source.trim().to_owned();
                report.failures.push(Failure { line: index + 1, source, expected: expected.trim().to_owned(), found });
            }
        } else {
            report.failures.push(malformed("no ` => `"));
        }
    }
    report.digest = hex(&canon.hash());
    report
}

fn run(source: &str, scope: &MapScope, meter: &mut Meter) -> Result<Value, ExprError> {
    match source.strip_prefix("text ").map(|text| json::parse(text.as_bytes())) {
        Some(Ok(Value::Str(text))) => Program::text(&text)?.eval(scope, meter),
        _ => Program::compile(source)?.eval(scope, meter),
    }
}

fn outcome(result: Result<Value, ExprError>) -> String {
    match result {
        Ok(value) => value.to_json(),
        Err(error) => format!("!{}", error.code()),
    }
}

/// The expected result as results are written.
fn normal(expected: &str) -> String {
    json::parse(expected.as_bytes()).map_or_else(|_| expected.to_owned(), |value| value.to_json())
}
