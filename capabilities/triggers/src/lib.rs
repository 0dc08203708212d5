//! The triggers capability.
