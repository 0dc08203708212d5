//! The examples to start from, as the catalogue brings them.

use holon_model::{Value, wire::flows::Example};

/// All of them, in the order of the guide.
pub fn all() -> Vec<Example> {
    let shown = |example: &holon_catalogue::Example| Example {
        name: example.name.into(),
        title: example.title.into(),
        description: example.description.clone(),
    };
    holon_catalogue::examples().iter().map(shown).collect()
}

/// The definition of the one of this name.
pub fn definition(name: &str) -> Option<&'static Value> {
    holon_catalogue::examples().iter().find(|example| example.name == name).map(|example| &example.definition)
}
