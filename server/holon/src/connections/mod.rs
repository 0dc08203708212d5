//! Connections: credentials by name. A secret goes in, is sealed, and comes out only towards the connection's own
//! hosts or to check a signature; never through the API.

mod delete;
mod error;
mod http;
mod keys;
mod list;
mod named;
pub mod own;
pub mod port;
mod save;
mod server;
mod source;
mod store;
mod uses;

pub use error::Error;
pub use http::router;
pub(crate) use keys::tenant_key;
pub(crate) use named::diagnose;
pub use source::StoredConnections;
