//! The data capability.
