//! The csv capability.
