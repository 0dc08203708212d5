//! All SQL of polls. Requests come through `TenantTx`; looks as `holon_engine`, with the tenant in every statement that follows the
//! claim of what is due.

mod claims;
mod looks;
mod requests;

use holon_model::{EnvironmentId, FlowId, Millis, PollId, RunId, TenantId, Timestamp, Value};

pub use claims::{Claim, claim};
pub use looks::{came, evict, fail, hold, known, lock, note, settle, to_start, touch};
pub use requests::{Filter, count, forget, found, keep_only, list, make_due, memory, put, summary};

/// What an item is known by: blake3 of its key.
pub type Key = [u8; 32];

/// A poll as whoever looks has claimed it.
#[derive(Debug, Clone)]
pub struct Row {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: PollId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// The environment's name.
    pub environment_name: String,
    /// The flow.
    pub flow: FlowId,
    /// Its version in force.
    pub version: i32,
    /// Key of the trigger.
    pub node: String,
    /// Between two looks.
    pub every: Millis,
    /// What the look before kept, JSON.
    pub cursor: String,
    /// Whether there was a look before.
    pub looked: bool,
    /// How often what was seen was forgotten.
    pub epoch: i32,
    /// Which look this is.
    pub look: i64,
    /// Looks in a row that failed before it.
    pub failures: i32,
}

/// What is known of an item that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The run that it was to start, where a look did not come to its end; and whether that run is there.
    pub starting: Option<(RunId, bool)>,
}

/// What came of a run that was asked for.
#[derive(Debug, Clone)]
pub struct Came {
    /// The id that was given for it.
    pub asked: RunId,
    /// The run that is there.
    pub run: RunId,
    /// Why there is none.
    pub refused: Option<String>,
}

/// What a look that found something comes to.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// Items that were listed.
    pub listed: usize,
    /// Items that started runs.
    pub started: usize,
    /// Items that can start none.
    pub refused: usize,
    /// Items that wait for the next look.
    pub waiting: usize,
    /// Whether there were no more pages.
    pub complete: bool,
    /// What is kept for the next look; none: what was kept before.
    pub cursor: Option<Value>,
    /// When that is.
    pub next: Timestamp,
    /// Why items wait, or start no run.
    pub reason: Option<String>,
}

impl Settled {
    /// Leaves the cursor where it is: what waits is asked for again, at `next` at the latest.
    pub fn keep_looking(&mut self, next: Timestamp, why: Option<String>) {
        self.cursor = None;
        self.next = self.next.min(next);
        if let Some(why) = why {
            self.reason.get_or_insert(why);
        }
    }
}
