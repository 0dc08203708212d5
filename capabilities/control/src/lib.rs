//! The control capability.
