//! `parity FROM TO` prints the lines of these cases; `parity count` how many are not generated; `parity corpus` the
//! log hashes as `shared/engine/corpus/hashes.txt` holds them; `parity bench` measures the engine, `parity nodes` its rate once, `parity preview NODES ITEMS TIMES` repeats one workload for a profiler.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["corpus"] => print!("{}", holon_engine::testing::corpus::lines()),
        ["count"] => println!("{}", holon_parity::count_corpus()),
        ["bench", ..] => bench(),
        ["nodes"] => println!("{}", nodes_a_second()),
        ["preview", numbers @ ..] => {
            let numbers: Vec<u32> = numbers.iter().filter_map(|number| number.parse().ok()).collect();
            let [nodes, items, times] = numbers[..] else { return usage() };
            (0..times).for_each(|_| {
                holon_parity::bench_preview(nodes, items);
            });
        }
        [from, to] => match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) => print!("{}", holon_parity::lines(from, to)),
            _ => usage(),
        },
        _ => usage(),
    }
}

fn usage() {
    println!("usage: parity FROM TO | parity count | parity bench | parity nodes");
    std::process::exit(2);
}

const ROUNDS: usize = 9;

/// Pure nodes a second: a median.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time, and is no part of the machine")]
fn nodes_a_second() -> f64 {
    holon_parity::bench_nodes(200);
    median((0..ROUNDS).map(|_| {
        let started = Instant::now();
        let nodes = holon_parity::bench_nodes(2_000);
        f64::from(nodes) / started.elapsed().as_secs_f64()
    }))
}

/// Median of several measurements, one JSON object a line.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time, and is no part of the machine")]
fn bench() {
    let nodes = nodes_a_second();
    println!(
        r#"{{"name":"engine.native","value":{nodes:.0},"unit":"nodes/s","must":">= 600000","ok":{}}}"#,
        nodes >= 600_000.0
    );
    for (name, count, items, must) in [("preview.50", 50, 0, 5.0), ("preview.200", 200, 100, 12.0)] {
        let millis = median((0..ROUNDS * 3).map(|_| {
            let started = Instant::now();
            holon_parity::bench_preview(count, items);
            started.elapsed().as_secs_f64() * 1_000.0
        }));
        println!(
            r#"{{"name":"{name}.native","value":{millis:.3},"unit":"ms","must":"<= {must}","ok":{}}}"#,
            millis <= must
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
