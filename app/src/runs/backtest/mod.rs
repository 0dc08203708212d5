//! Back-test: recorded runs of a flow tried on its draft by this browser's engine. The server only hands out what was recorded.

mod page;
mod results;
mod store;
mod strings;

pub use page::BacktestPage;
pub use store::comparable;
