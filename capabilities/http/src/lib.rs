//! The http capability.
