//! The json capability.
