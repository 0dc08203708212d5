//! What happened in a simulated world, in order: always as a hash, in words only when somebody reads them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// The trace of one seed.
pub struct Trace(Mutex<Inner>);

struct Inner {
    began: Instant,
    hasher: blake3::Hasher,
    notes: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty one; `told`: its lines are kept.
    pub fn new(told: bool) -> Self {
        let lines = told.then(Vec::new);
        Self(Mutex::new(Inner { began: Instant::now(), hasher: blake3::Hasher::new(), notes: 0, lines }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened. What tells it apart from other traces stands in the name and the numbers; the words are for people.
    pub fn note(&self, name: &'static str, numbers: &[u64], words: impl FnOnce() -> String) {
        let mut inner = self.lock();
        let at = inner.began.elapsed();
        let millis = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        inner.hasher.update(&millis.to_le_bytes()).update(name.as_bytes());
        for number in numbers {
            inner.hasher.update(&number.to_le_bytes());
        }
        inner.notes += 1;
        if let Some(lines) = &mut inner.lines {
            lines.push(format!("{:>9.3}  {name:<10} {}", at.as_secs_f64(), words()));
        }
    }

    /// The hash of everything so far.
    pub fn hash(&self) -> [u8; 32] {
        *self.lock().hasher.finalize().as_bytes()
    }

    /// How much happened.
    pub fn notes(&self) -> u64 {
        self.lock().notes
    }

    /// The lines, if they were kept.
    pub fn lines(&self) -> Vec<String> {
        self.lock().lines.clone().unwrap_or_default()
    }
}
