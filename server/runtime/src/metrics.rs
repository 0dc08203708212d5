//! What the runtime counts, for `/metrics`, for the operator's page and for benchmarks.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use holon_platform::clock::SharedClock;
use holon_platform::telemetry::{BATCH, Counter, DURATION, Exposition, Family, Histogram, LATENCY, Traces};

use crate::driver::Counts;
use crate::store::{Batch, LiveWrite};
use crate::tracer::Tracer;

/// Kinds of effects times their outcomes that are counted apart.
const MOST_KINDS: usize = 256;

/// What is told to operators beside the plain counters.
#[derive(Debug)]
struct Told {
    ended: Family<Counter>,
    effects: Family<Counter>,
    effect: Histogram,
    batch: Histogram,
    commit: Histogram,
    run: Histogram,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            ended: Family::new(&["status"], 16, Counter::default),
            effects: Family::new(&["kind", "outcome"], MOST_KINDS, Counter::default),
            effect: Histogram::new(LATENCY),
            batch: Histogram::new(BATCH),
            commit: Histogram::new(LATENCY),
            run: Histogram::new(DURATION),
        }
    }
}

/// Counters of one process lifetime.
#[derive(Debug, Default)]
pub struct Counters {
    told: Told,
    started: AtomicU64,
    replayed: AtomicU64,
    finished: AtomicU64,
    parked: AtomicU64,
    inputs: AtomicU64,
    commits: AtomicU64,
    effects: AtomicU64,
    recovered: AtomicU64,
    woken: AtomicU64,
    from_cache: AtomicU64,
    traces: OnceLock<Tracer>,
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
    /// Runs that came back into memory.
    pub woken: u64,
    /// Runs in memory.
    pub live: u64,
    /// Runs that wait and are not.
    pub asleep: u64,
}

impl Counters {
    pub(crate) fn committed(&self, batch: &Batch) {
        self.commits.fetch_add(1, Relaxed);
        let inputs =
            batch.writes.iter().filter_map(|write| write.journal.as_ref()).map(|journal| journal.entries.len() as u64);
        self.inputs.fetch_add(inputs.sum(), Relaxed);
        let ended = batch.writes.iter().filter(|write| write.end.is_some()).count() as u64;
        self.finished.fetch_add(ended, Relaxed);
        self.told.batch.note(batch.writes.len() as u64);
        for write in &batch.writes {
            if let Some(end) = &write.end {
                self.told.ended.of(&[end.status]).one();
                self.told.run.took(Duration::from_millis(end.at.since(write.facts.started_at).0));
                if let Some(tracer) = self.traces.get() {
                    tracer.run(write.run, &write.facts, end);
                }
            }
        }
        let parked = |write: &&crate::store::RunWrite| matches!(&write.live, LiveWrite::Update { reason: Some(_), .. });
        self.parked.fetch_add(batch.writes.iter().filter(parked).count() as u64, Relaxed);
    }

    pub(crate) fn started(&self) {
        self.started.fetch_add(1, Relaxed);
    }

    pub(crate) fn replayed(&self) {
        self.replayed.fetch_add(1, Relaxed);
    }

    pub(crate) fn answered_before(&self) {
        self.from_cache.fetch_add(1, Relaxed);
    }

    pub(crate) fn effect(&self) {
        self.effects.fetch_add(1, Relaxed);
    }

    /// How long the statement took that a batch was made durable by.
    pub(crate) fn commit_took(&self, time: Duration) {
        self.told.commit.took(time);
    }

    /// What came of an effect: `ok`, or the code of its failure's kind.
    pub(crate) fn effect_done(&self, kind: &str, outcome: &str, time: Duration) {
        self.told.effects.of(&[kind, outcome]).one();
        self.told.effect.took(time);
    }

    /// Tells of runs and effects from now on; the first who is named is told.
    pub(crate) fn trace(&self, traces: Traces, clock: SharedClock) {
        if traces.is_on() {
            let _ = self.traces.set(Tracer { traces, clock });
        }
    }

    /// Who is told of effects, if anybody is.
    pub(crate) fn tracer(&self) -> Option<&Tracer> {
        self.traces.get()
    }

    /// Writes everything for Prometheus.
    pub(crate) fn expose(&self, out: &mut Exposition, now: Metrics) {
        out.counter("holon_runs_started_total", "Runs accepted.", now.started);
        out.counter("holon_runs_replayed_total", "Starts answered with an earlier run by their key.", now.replayed);
        out.counters("holon_runs_ended_total", "Runs ended, by status.", &self.told.ended);
        out.counter("holon_runs_parked_total", "Runs parked for a reason that a person must see.", now.parked);
        out.counter("holon_runs_recovered_total", "Runs taken up from their journals.", now.recovered);
        out.counter(
            "holon_runs_woken_total",
            "Runs that came back into memory because something came for them.",
            now.woken,
        );
        out.gauges("holon_runs_live", "Runs in memory.", &[(&[], count(now.live))]);
        out.gauges("holon_runs_asleep", "Runs that wait and are not in memory.", &[(&[], count(now.asleep))]);
        out.seconds("holon_run_seconds", "From the start of a run to its end.", &self.told.run);
        out.counter("holon_inputs_total", "Inputs made durable.", now.inputs);
        out.counter("holon_commits_total", "Statements that made them durable.", now.commits);
        out.seconds("holon_commit_seconds", "What such a statement took.", &self.told.commit);
        out.numbers("holon_commit_runs", "Runs in one statement.", &self.told.batch);
        out.counters("holon_effects_total", "Effects done, by kind and outcome.", &self.told.effects);
        out.seconds("holon_effect_seconds", "What an effect took.", &self.told.effect);
        let kept = self.from_cache.load(Relaxed);
        out.counter("holon_effects_from_cache_total", "Effects that had an answer without being done.", kept);
    }

    pub(crate) fn recovered(&self) {
        self.recovered.fetch_add(1, Relaxed);
    }

    pub(crate) fn woken(&self) {
        self.woken.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self, Counts { runs: live, asleep, .. }: Counts) -> Metrics {
        Metrics {
            started: self.started.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            finished: self.finished.load(Relaxed),
            parked: self.parked.load(Relaxed),
            inputs: self.inputs.load(Relaxed),
            commits: self.commits.load(Relaxed),
            effects: self.effects.load(Relaxed),
            recovered: self.recovered.load(Relaxed),
            woken: self.woken.load(Relaxed),
            live,
            asleep,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float for Prometheus, exact to 2^53")]
fn count(value: u64) -> f64 {
    value as f64
}
