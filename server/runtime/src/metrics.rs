//! What the runtime counts, for `/metrics`, for the operator's page and for benchmarks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::store::{Batch, LiveWrite};

/// Counters of one process lifetime.
#[derive(Debug, Default)]
pub struct Counters {
    started: AtomicU64,
    replayed: AtomicU64,
    finished: AtomicU64,
    parked: AtomicU64,
    inputs: AtomicU64,
    commits: AtomicU64,
    effects: AtomicU64,
    recovered: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Runs accepted.
    pub started: u64,
    /// Starts answered with an earlier run.
    pub replayed: u64,
    /// Runs ended.
    pub finished: u64,
    /// Runs parked for a reason.
    pub parked: u64,
    /// Inputs made durable.
    pub inputs: u64,
    /// Statements that made them durable.
    pub commits: u64,
    /// Effects handed to an executor.
    pub effects: u64,
    /// Runs taken up from the journal.
    pub recovered: u64,
    /// Runs in memory.
    pub live: u64,
}

impl Counters {
    pub(crate) fn committed(&self, batch: &Batch) {
        self.commits.fetch_add(1, Relaxed);
        let inputs =
            batch.writes.iter().filter_map(|write| write.journal.as_ref()).map(|journal| journal.entries.len() as u64);
        self.inputs.fetch_add(inputs.sum(), Relaxed);
        let ended = batch.writes.iter().filter(|write| write.end.is_some()).count() as u64;
        self.finished.fetch_add(ended, Relaxed);
        let parked = |write: &&crate::store::RunWrite| matches!(&write.live, LiveWrite::Update { reason: Some(_), .. });
        self.parked.fetch_add(batch.writes.iter().filter(parked).count() as u64, Relaxed);
    }

    pub(crate) fn started(&self) {
        self.started.fetch_add(1, Relaxed);
    }

    pub(crate) fn replayed(&self) {
        self.replayed.fetch_add(1, Relaxed);
    }

    pub(crate) fn effect(&self) {
        self.effects.fetch_add(1, Relaxed);
    }

    pub(crate) fn recovered(&self) {
        self.recovered.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self, live: u64) -> Metrics {
        Metrics {
            started: self.started.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            finished: self.finished.load(Relaxed),
            parked: self.parked.load(Relaxed),
            inputs: self.inputs.load(Relaxed),
            commits: self.commits.load(Relaxed),
            effects: self.effects.load(Relaxed),
            recovered: self.recovered.load(Relaxed),
            live,
        }
    }
}
