//! The flow language: definition, hash, validation, expressions, node kinds and capabilities.
//!
//! No I/O, no clock, no randomness: editor, engine, server and API clients read a definition with this one crate.

pub mod capability;
pub mod definition;
pub mod expr;
pub mod known;
pub mod redact;
pub mod schema;
pub mod secrets;
pub mod validate;

pub use capability::{Capability, Catalogue, ManifestError, NodeKind};
pub use definition::{Definition, Graph, Node};
pub use known::Known;
