//! The built-in capabilities, one line each, and the examples that use them.

mod examples;

use holon_flow::capability::help_of;
use holon_flow::{Capability, Catalogue, ManifestError};
#[cfg(feature = "execute")]
use holon_platform::execute::Executors;
use std::sync::{Arc, OnceLock};

pub use examples::{Example, examples};

/// Names the built-in capabilities for all that is asked of them.
macro_rules! capabilities {
    ($($name:ident),* $(,)?) => {
        const CAPABILITIES: &[fn() -> Result<Capability, ManifestError>] = &[$($name::capability),*];
        /// Apart, so that it is no part of a program that never asks for it.
        const HELP: &[&str] = &[$($name::HELP),*];
    };
}

// Every built-in capability. A new one is a folder and a line here.
capabilities! {
    holon_cap_triggers,
    holon_cap_data,
    holon_cap_text,
    holon_cap_json,
    holon_cap_csv,
    holon_cap_http,
    holon_cap_email,
    holon_cap_workers,
    holon_cap_sql,
    holon_cap_state,
    holon_cap_events,
    holon_cap_control,
}

/// What people read of a built-in kind (`name@version`), a few paragraphs of Markdown.
pub fn help(kind: &str) -> Option<&'static str> {
    HELP.iter().find_map(|help| help_of(help, kind))
}

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
