//! Pages and components; builds with `ssr` for the server and with `hydrate` for the browser.
//!
//! One folder per feature: `api.rs` is its port and REST client, `strings.rs` what people read, then one file per page or part.

pub mod connections;
pub mod flows;
pub mod identity;
pub mod ports;
pub mod rest;
pub mod runs;
pub mod shell;
pub mod tokens;
pub mod ui;

pub use shell::{App, shell};
