//! The built-in capabilities, one line each.
