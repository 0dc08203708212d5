//! Prints the published JSON Schema of definitions: `cargo run -p holon-flow --example schema > docs/flow.schema.json`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    println!("{}", holon_model::json::to_string_pretty(&holon_flow::definition::schema::definition_schema()));
}
