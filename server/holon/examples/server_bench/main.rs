//! Measures the composed server from outside, over HTTP/1.1, with a Postgres of its own and fsync on; one JSON line a measure.
//!
//! `cargo run --release -p holon --example server_bench` measures deliveries to a webhook. With `HOLON_BENCH_ONLY=history` it measures
//! what runs of the past cost instead: it makes `HOLON_BENCH_RUNS` of them, ten million unless that says otherwise, which takes 5 KB of
//! disk each (`TMPDIR` says where).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its result")]

mod client;
mod fill;
mod ground;
mod history;
mod told;
mod webhook;

#[tokio::main]
async fn main() {
    let only = std::env::var("HOLON_BENCH_ONLY").unwrap_or_default();
    let ok = if only == "history" { history::measure().await } else { webhook::measure().await };
    if !ok {
        std::process::exit(1);
    }
}
