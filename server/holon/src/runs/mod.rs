//! Runs: starting, finding, reading and watching them, and what people do to them. Only the runtime advances one.

mod again;
mod begin;
mod bulk;
mod cancel;
mod error;
mod events;
mod fork;
mod http;
mod marks;
mod operating;
mod pause;
mod port;
mod read;
mod replays;
mod retry;
mod shape;
mod start;
mod starters;
pub mod store;
mod streams;
mod terminate;

pub use begin::{Begin, Refused, begin};
pub use error::{Error, definition_problem, start_problem};
pub use http::router;
pub use marks::{evaluated, of_trigger};
pub use port::RunsInProcess;
pub use read::{last_statuses, read_as_system};
pub use replays::Replays;
pub use start::checked_input;
pub use streams::Streams;
