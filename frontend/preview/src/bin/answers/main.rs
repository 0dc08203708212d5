//! The native side of the parity gate's second half. `answers` prints messages for the worker, one a line; `answers FILE` prints
//! what this build answers to those in a file. The worker's module answers the same file under Node.

#![allow(clippy::print_stdout, reason = "a program whose output is its result")]

mod cases;

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let lines: Vec<String> = match std::env::args().nth(1) {
        None => cases::messages(),
        Some(file) => std::fs::read_to_string(file)?.lines().map(holon_preview::handle).collect(),
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}
