//! What a person at the terminal reads: one line a step, how long it took, and what went wrong.
#![expect(clippy::print_stdout, reason = "talking to the terminal is the one purpose of this file")]

use std::time::Instant;

/// A line as it is.
pub fn plain(text: &str) {
    println!("{text}");
}

/// A step that begins.
pub fn step(text: &str) {
    println!("==> {text}");
}

/// A remark about the step under way.
pub fn note(text: &str) {
    println!("    {text}");
}

/// The reason why the command ends here.
pub fn failed(text: &str) {
    println!("error: {text}");
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
