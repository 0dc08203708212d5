//! The examples of `docs/examples/`, part of the program so that a new workspace has something to start from.

use holon_flow::Definition;
use holon_model::{Value, json};
use std::sync::OnceLock;

/// An example flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Its folder's name, such as `order-intake`.
    pub name: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it does and shows.
    pub description: String,
    /// The definition as JSON.
    pub definition: Value,
    /// A value to start it with.
    pub input: Value,
}

const SOURCES: &[(&str, &str, &str, &str)] = &[
    (
        "order-intake",
        "Order intake",
        include_str!("../../../docs/examples/order-intake/flow.json"),
        include_str!("../../../docs/examples/order-intake/input.json"),
    ),
    (
        "signed-push",
        "Signed repository push",
        include_str!("../../../docs/examples/signed-push/flow.json"),
        include_str!("../../../docs/examples/signed-push/input.json"),
    ),
    (
        "travel-booking",
        "Travel booking",
        include_str!("../../../docs/examples/travel-booking/flow.json"),
        include_str!("../../../docs/examples/travel-booking/input.json"),
    ),
    (
        "shipping-labels",
        "Shipping labels",
        include_str!("../../../docs/examples/shipping-labels/flow.json"),
        include_str!("../../../docs/examples/shipping-labels/input.json"),
    ),
    (
        "bulk-import",
        "Bulk import",
        include_str!("../../../docs/examples/bulk-import/flow.json"),
        include_str!("../../../docs/examples/bulk-import/input.json"),
    ),
    (
        "csv-report",
        "CSV report",
        include_str!("../../../docs/examples/csv-report/flow.json"),
        include_str!("../../../docs/examples/csv-report/input.json"),
    ),
    (
        "database-report",
        "Database report",
        include_str!("../../../docs/examples/database-report/flow.json"),
        include_str!("../../../docs/examples/database-report/input.json"),
    ),
    (
        "word-count",
        "Word count by workers",
        include_str!("../../../docs/examples/word-count/flow.json"),
        include_str!("../../../docs/examples/word-count/input.json"),
    ),
    (
        "failure-mail",
        "Failure mail",
        include_str!("../../../docs/examples/failure-mail/flow.json"),
        include_str!("../../../docs/examples/failure-mail/input.json"),
    ),
    (
        "numbered-orders",
        "Numbered orders",
        include_str!("../../../docs/examples/numbered-orders/flow.json"),
        include_str!("../../../docs/examples/numbered-orders/input.json"),
    ),
    (
        "new-tickets",
        "New tickets",
        include_str!("../../../docs/examples/new-tickets/flow.json"),
        include_str!("../../../docs/examples/new-tickets/input.json"),
    ),
    (
        "price-watch",
        "Price watch",
        include_str!("../../../docs/examples/price-watch/flow.json"),
        include_str!("../../../docs/examples/price-watch/input.json"),
    ),
    (
        "leave-request",
        "Leave request",
        include_str!("../../../docs/examples/leave-request/flow.json"),
        include_str!("../../../docs/examples/leave-request/input.json"),
    ),
    (
        "long-import",
        "Long import",
        include_str!("../../../docs/examples/long-import/flow.json"),
        include_str!("../../../docs/examples/long-import/input.json"),
    ),
];

/// The examples, in the order in which they are offered.
pub fn examples() -> &'static [Example] {
    static EXAMPLES: OnceLock<Vec<Example>> = OnceLock::new();
    EXAMPLES.get_or_init(|| SOURCES.iter().map(read_example).collect())
}

fn read_example(&(name, title, flow, input): &(&'static str, &'static str, &str, &str)) -> Example {
    let read = |text: &str| json::parse(text.as_bytes()).unwrap_or_default();
    let definition = read(flow);
    let description = definition.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    Example { name, title, description, definition, input: read(input) }
}

impl Example {
    /// The definition, typed.
    ///
    /// # Errors
    /// What is wrong with it; a test holds that nothing is.
    pub fn flow(&self) -> Result<Definition, Vec<holon_model::wire::flows::Diagnostic>> {
        Definition::from_value(&self.definition)
    }
}
