//! Validation: everything that can be said about a definition before it runs. The same in browser and server.

pub mod codes;

pub use codes::DiagnosticCode;
