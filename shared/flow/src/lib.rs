//! The flow language: definition, hash, validation, expressions, node kinds and capabilities.
