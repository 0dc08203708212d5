//! What a person at the terminal reads: one line a step, how long it took, and what went wrong.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to the terminal is the one purpose of this file"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Set when another program reads our standard output.
static DATA_ONLY: AtomicBool = AtomicBool::new(false);

/// From here on only `data` goes to standard output; everything for people goes beside it.
pub fn keep_stdout_for_data() {
    DATA_ONLY.store(true, Ordering::Relaxed);
}

/// Whether standard output is for data only.
pub fn stdout_is_data() -> bool {
    DATA_ONLY.load(Ordering::Relaxed)
}

/// A line for a program.
pub fn data(line: &str) {
    println!("{line}");
}

/// A line as it is.
pub fn plain(text: &str) {
    if stdout_is_data() { eprintln!("{text}") } else { println!("{text}") }
}

/// A step that begins.
pub fn step(text: &str) {
    plain(&format!("==> {text}"));
}

/// A remark about the step under way.
pub fn note(text: &str) {
    plain(&format!("    {text}"));
}

/// The reason why the command ends here.
pub fn failed(text: &str) {
    plain(&format!("error: {text}"));
}

/// Measures a step: `let timer = Timer::start(…); …; timer.done()`.
pub struct Timer {
    what: String,
    since: Instant,
}

impl Timer {
    /// Prints the step's line and starts the watch.
    pub fn start(what: &str) -> Self {
        step(what);
        Self { what: what.to_owned(), since: Instant::now() }
    }

    /// Prints how long the step took.
    pub fn done(self) {
        note(&format!("{}: {:.1} s", self.what, self.since.elapsed().as_secs_f64()));
    }
}
