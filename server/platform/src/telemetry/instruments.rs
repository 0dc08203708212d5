//! Counters and histograms, and the text in which Prometheus reads them. Written by hand: what it needs is a page of code,
//! and a count costs one addition.
//!
//! Labels are kinds, outcomes and routes, never tenants, ids or paths: what is counted apart is bounded, and a family that
//! grows past its bound counts the rest together.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Rises only.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }

    /// How many.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Bounds for what a person or another server waits for, in microseconds: 1 ms to 10 s.
pub const LATENCY: &[u64] = &[
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
];
/// Bounds for what may take long, in microseconds: 1 ms to a day.
pub const DURATION: &[u64] = &[
    1_000,
    5_000,
    25_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    21_600_000_000,
    86_400_000_000,
];
/// Bounds for how many there are in one go, up to 256.
pub const BATCH: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256];

/// How values are spread over bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound and one for what is above.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// With these upper bounds, rising.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }

    /// Notes a value.
    pub fn note(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    /// Notes a time, for bounds in microseconds.
    pub fn took(&self, time: Duration) {
        self.note(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }
}

/// Instruments of one kind, apart by their labels.
#[derive(Debug)]
pub struct Family<T> {
    labels: &'static [&'static str],
    most: usize,
    make: fn() -> T,
    series: RwLock<BTreeMap<Vec<String>, Arc<T>>>,
}

impl<T> Family<T> {
    /// With these labels, and at most so many combinations of their values.
    #[must_use]
    pub fn new(labels: &'static [&'static str], most: usize, make: fn() -> T) -> Self {
        Self { labels, most, make, series: RwLock::default() }
    }

    /// The instrument of these values, one for each label.
    #[must_use]
    pub fn of(&self, values: &[&str]) -> Arc<T> {
        {
            let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = series.iter().find(|(key, _)| key.iter().eq(values)).map(|(_, found)| found) {
                return Arc::clone(found);
            }
        }
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        let key: Vec<String> = match series.len() < self.most {
            true => values.iter().map(|value| (*value).to_owned()).collect(),
            false => vec!["other".to_owned(); self.labels.len()],
        };
        Arc::clone(series.entry(key).or_insert_with(|| Arc::new((self.make)())))
    }

    fn all(&self) -> Vec<(Vec<String>, Arc<T>)> {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        series.iter().map(|(key, found)| (key.clone(), Arc::clone(found))).collect()
    }
}

/// The text of all instruments, version 0.0.4 of the format.
#[derive(Debug, Default)]
pub struct Exposition {
    out: String,
}

/// Labels of one line.
type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    /// What is served.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.out
    }

    /// A count.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        self.line(name, &[], &value.to_string());
    }

    /// Counts that are apart by their labels.
    pub fn counters(&mut self, name: &str, help: &str, family: &Family<Counter>) {
        self.head(name, "counter", help);
        for (values, counter) in family.all() {
            let labels = paired(family.labels, &values);
            self.line(name, &labels, &counter.read().to_string());
        }
    }

    /// What goes up and down; each value with its labels.
    pub fn gauges(&mut self, name: &str, help: &str, values: &[(Labels<'_>, f64)]) {
        self.head(name, "gauge", help);
        for (labels, value) in values {
            self.line(name, labels, &value.to_string());
        }
    }

    /// A histogram of numbers.
    pub fn numbers(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        self.spread(name, &[], histogram, 1);
    }

    /// A histogram of times, told in seconds.
    pub fn seconds(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        self.spread(name, &[], histogram, 1_000_000);
    }

    /// Histograms of times that are apart by their labels.
    pub fn seconds_of(&mut self, name: &str, help: &str, family: &Family<Histogram>) {
        self.head(name, "histogram", help);
        for (values, histogram) in family.all() {
            self.spread(name, &paired(family.labels, &values), &histogram, 1_000_000);
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: Labels<'_>, value: &str) {
        let shown: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let shown = if shown.is_empty() { String::new() } else { format!("{{{}}}", shown.join(",")) };
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{name}{shown} {value}");
    }

    fn spread(&mut self, name: &str, labels: Labels<'_>, histogram: &Histogram, unit: u64) {
        let bucket = format!("{name}_bucket");
        let mut below = 0;
        for (at, count) in histogram.counts.iter().enumerate() {
            below += count.load(Relaxed);
            let bound = histogram.bounds.get(at).map_or_else(|| "+Inf".to_owned(), |bound| ratio(*bound, unit));
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.line(&bucket, &labels, &below.to_string());
        }
        self.line(&format!("{name}_sum"), labels, &ratio(histogram.sum.load(Relaxed), unit));
        self.line(&format!("{name}_count"), labels, &below.to_string());
    }
}

fn paired<'a>(labels: &'a [&'a str], values: &'a [String]) -> Vec<(&'a str, &'a str)> {
    labels.iter().copied().zip(values.iter().map(String::as_str)).collect()
}

/// Exact, in decimal: a float would round sums that have grown large.
fn ratio(value: u64, unit: u64) -> String {
    if unit == 1 {
        return value.to_string();
    }
    let text = format!("{}.{:06}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_up_to_and_with_each_bound_and_sums_in_seconds() {
        let histogram = Histogram::new(&[1_000, 250_000]);
        for micros in [1_000, 1_001, 250_000, 3_000_000] {
            histogram.took(Duration::from_micros(micros));
        }
        let mut out = Exposition::default();
        out.seconds("wait_seconds", "How long.", &histogram);
        assert_eq!(
            out.into_text(),
            "# HELP wait_seconds How long.\n# TYPE wait_seconds histogram\n\
             wait_seconds_bucket{le=\"0.001\"} 1\nwait_seconds_bucket{le=\"0.25\"} 3\n\
             wait_seconds_bucket{le=\"+Inf\"} 4\nwait_seconds_sum 3.252001\nwait_seconds_count 4\n"
        );
    }

    #[test]
    fn a_family_that_grows_past_its_bound_counts_the_rest_together() {
        let family = Family::new(&["kind", "outcome"], 2, Counter::default);
        for kind in ["a", "b", "c", "d", "a"] {
            family.of(&[kind, "ok"]).one();
        }
        let mut out = Exposition::default();
        out.counters("done_total", "Done.", &family);
        let text = out.into_text();
        assert!(text.contains("done_total{kind=\"a\",outcome=\"ok\"} 2\n"), "{text}");
        assert!(text.contains("done_total{kind=\"other\",outcome=\"other\"} 2\n"), "{text}");
    }

    #[test]
    fn what_stands_in_a_label_cannot_end_it() {
        let mut out = Exposition::default();
        out.gauges("x", "X.", &[(&[("a", "1\"\n\\")], 2.5)]);
        assert!(out.into_text().ends_with("x{a=\"1\\\"\\n\\\\\"} 2.5\n"));
    }
}
