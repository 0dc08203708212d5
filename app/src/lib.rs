//! Pages and components; builds with `ssr` for the server and with `hydrate` for the browser.
//!
//! One folder per feature: `api.rs` is its port and REST client, `strings.rs` what people read, then one file per page or part.
//! `ui/` is the component kit, `frame/` what stands around every page.

pub mod alerts;
pub mod canvas;
pub mod connections;
pub mod editor;
pub mod engine;
pub mod events;
pub mod flow_state;
pub mod flows;
pub mod frame;
pub mod home;
pub mod identity;
pub mod lazy;
pub mod pauses;
pub mod polls;
pub mod ports;
pub mod rest;
pub mod routes;
pub mod runs;
pub mod schedules;
pub mod settings;
pub mod shell;
pub mod tasks;
pub mod tokens;
pub mod ui;
pub mod workers;

pub use routes::{App, AppProps};
pub use shell::shell;
