//! The `holon` binary: reads the configuration and starts the server.
fn main() {}
