//! Links: addresses for one use by somebody who is not signed in. A link to a task answers it; a callback address takes one
//! delivery for the run that waits for it.
//!
//! A flow makes one with a node, before it waits. The token is an HMAC over the id of that node's effect under a key of the tenant, so
//! that it is the same after a crash and nothing random happens inside of a run; only its hash is kept. What may be done with it is
//! decided by what the run says: the task's first answer counts, and a signal of one sender counts once.

mod answer;
mod callback;
mod create;
mod error;
mod http;
mod list;
mod make;
mod open;
mod page;
mod place;
mod revoke;
mod store;
mod strings;
mod token;

pub use error::Error;
pub use http::{pages, router};
pub use list::list;
pub use make::{Maker, executors};
pub use page::sent;

use holon_model::{Millis, Value};

/// How long a link can be used unless it says otherwise.
const USUAL: Millis = Millis(7 * DAY);
/// The longest that a link can be used.
const LONGEST: Millis = Millis(90 * DAY);
const DAY: u64 = 24 * 60 * 60 * 1000;
/// Bytes of what names an assignee.
const MOST_ASSIGNEE: usize = 512;
/// What a wait for a delivery is called among the run's signals.
const CALLBACK: &str = "callback";

/// How long a link can be used, as its maker says it.
fn valid_for(value: &Value) -> Result<Millis, String> {
    if value.is_null() {
        return Ok(USUAL);
    }
    let valid = holon_flow::definition::duration::parse(value)?;
    if valid.0 == 0 || valid > LONGEST {
        Err("must be more than nothing and at most 90 days".to_owned())
    } else {
        Ok(valid)
    }
}
