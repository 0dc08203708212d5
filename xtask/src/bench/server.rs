//! The server at rest: how soon it is ready on a data directory that exists, and what memory it holds.

use std::time::Duration;

use anyhow::Result;

use super::measure::{Measure, Must, median};
use crate::build;
use crate::server::{DataDir, Server};

/// How often the start is measured.
const STARTS: usize = 5;
/// How long it idles before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// Starts it several times on one data directory.
pub fn run() -> Result<Vec<Measure>> {
    let built = build::all(true)?;
    let data = DataDir::new("bench-server")?;
    // The first start makes the database: not what is measured.
    Server::start(&built, &data, &[])?.stop()?;
    let mut starts = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..STARTS {
        let server = Server::start(&built, &data, &[])?;
        starts.push(server.ready_after.as_secs_f64());
        std::thread::sleep(IDLE);
        memory.push(server.memory()? / 1e6);
        server.stop()?;
    }
    Ok(vec![
        Measure::new("server.start_to_ready", median(starts), "s", Must::TimeAtMost(3.0)),
        Measure::new("server.idle_memory", median(memory), "MB", Must::AtMost(150.0)),
    ])
}
