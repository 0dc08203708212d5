//! The built-in capabilities, one line each, and the examples that use them.

mod examples;

use holon_flow::{Capability, Catalogue, ManifestError};
#[cfg(feature = "execute")]
use holon_platform::execute::Executors;
use std::sync::{Arc, OnceLock};

pub use examples::{Example, examples};

/// Every built-in capability. A new one is a folder and a line here.
const CAPABILITIES: &[fn() -> Result<Capability, ManifestError>] = &[
    holon_cap_triggers::capability,
    holon_cap_data::capability,
    holon_cap_text::capability,
    holon_cap_json::capability,
    holon_cap_csv::capability,
    holon_cap_http::capability,
    holon_cap_email::capability,
    holon_cap_workers::capability,
    holon_cap_sql::capability,
    holon_cap_state::capability,
    holon_cap_events::capability,
    holon_cap_control::capability,
];

/// The catalogue of the built-in kinds, read once.
pub fn catalogue() -> Arc<Catalogue> {
    static CATALOGUE: OnceLock<Arc<Catalogue>> = OnceLock::new();
    CATALOGUE
        .get_or_init(|| {
            let read = |capability: &fn() -> Result<Capability, ManifestError>| capability();
            let capabilities = CAPABILITIES.iter().map(read).collect::<Result<Vec<_>, _>>();
            Arc::new(Catalogue::new(capabilities.expect("the manifests are part of the program and tested")))
        })
        .clone()
}

/// How the effects of the built-in kinds are executed, by `name@version`.
#[cfg(feature = "execute")]
pub fn executors() -> Executors {
    Executors::from([
        ("http.request@1".to_owned(), Arc::new(holon_cap_http::HttpRequest) as _),
        ("email.send@1".to_owned(), Arc::new(holon_cap_email::EmailSend) as _),
        ("event.publish@1".to_owned(), Arc::new(holon_cap_events::PublishEvent) as _),
        ("state.get@1".to_owned(), Arc::new(holon_cap_state::KeepState) as _),
        ("state.put@1".to_owned(), Arc::new(holon_cap_state::KeepState) as _),
        ("state.increment@1".to_owned(), Arc::new(holon_cap_state::KeepState) as _),
        ("state.delete@1".to_owned(), Arc::new(holon_cap_state::KeepState) as _),
    ])
}
