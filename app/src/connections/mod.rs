//! Connections: credentials by name. A secret goes in and never comes out.

pub mod api;
mod form;
mod page;
mod server;
pub(crate) mod strings;

pub use page::ConnectionsPage;
