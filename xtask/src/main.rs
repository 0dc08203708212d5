//! Commands of the project: `cargo xtask up | test | build | bench | tidy`.
fn main() {}
