//! `parity FROM TO` prints the lines of these cases; `parity count` how many are not generated; `parity bench` measures the engine.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["count"] => println!("{}", holon_parity::count_corpus()),
        ["bench", ..] => bench(),
        [from, to] => match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) => print!("{}", holon_parity::lines(from, to)),
            _ => usage(),
        },
        _ => usage(),
    }
}

fn usage() {
    println!("usage: parity FROM TO | parity count | parity bench");
    std::process::exit(2);
}

/// Median of several measurements, one JSON object a line.
fn bench() {
    const ROUNDS: usize = 9;
    holon_parity::bench_nodes(200);
    let nodes = median((0..ROUNDS).map(|_| {
        let started = Instant::now();
        let nodes = holon_parity::bench_nodes(2_000);
        f64::from(nodes) / started.elapsed().as_secs_f64()
    }));
    println!(
        r#"{{"name":"engine.native","value":{nodes:.0},"unit":"nodes/s","must":600000,"ok":{}}}"#,
        nodes >= 600_000.0
    );
    for (name, count, items, must) in [("preview.50", 50, 0, 5.0), ("preview.200", 200, 100, 12.0)] {
        let millis = median((0..ROUNDS * 3).map(|_| {
            let started = Instant::now();
            holon_parity::bench_preview(count, items);
            started.elapsed().as_secs_f64() * 1_000.0
        }));
        println!(r#"{{"name":"{name}.native","value":{millis:.3},"unit":"ms","must":{must},"ok":{}}}"#, millis <= must);
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
