//! The text capability.
