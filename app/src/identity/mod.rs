//! Sign-up, sign-in, the session: pages and their port.

pub mod api;
