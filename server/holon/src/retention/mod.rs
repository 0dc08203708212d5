//! How long the history of runs is kept: what a workspace chooses within what the operator allows (`choose`, `read`), and the
//! sweep that forgets runs whose time is up, with everything that belongs to them (`sweep`). Runs that are not over are never
//! touched.

mod choose;
mod error;
mod http;
mod port;
mod read;
mod store;
mod sweep;

pub use error::Error;
pub use http::router;
pub use port::RetentionInProcess;
pub use sweep::{Forgotten, Swept, keep_sweeping, sweep};

use crate::state::AppState;

/// Days that may be chosen.
pub const DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;

/// From so many days on history goes week by week, as whole partitions where nobody keeps longer; below it goes run by run.
pub const BY_WEEK: u32 = 30;

/// For how many days runs are kept where so much was chosen; none: without end.
pub fn in_force(state: &AppState, chosen: Option<u32>) -> Option<u32> {
    let (default, most) = (state.config.history_days, state.config.history_days_most);
    match (chosen.or(default), most) {
        (Some(days), Some(most)) => Some(days.min(most)),
        (days, most) => days.or(most),
    }
}
