//! Typed ids, values, payloads and wire types that every plane shares.
