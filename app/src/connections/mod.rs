//! Connections: pages and their port.

pub mod api;
