//! The durable runtime: drives runs in memory, makes every input durable before anything follows from it, and takes runs
//! up again from their journals.
//!
//! The parts: `store` (the narrow door to storage, with two stores behind it), `committer` (many runs, one statement),
//! `live` and `driver` (the loop), `turns`, `ring`, `lanes` and `courtesy` (whose run, whose effect and whose write is next, and who gives way), `living` (how many there are), `asleep` and `waking`
//! (those that wait leave memory and come back), `timers`, `dispatch` (what follows), `effects` (the pool), `children` (runs that concern other runs), `batches` and `members`, `lease` (who may drive), `recover`, `retry`, `follow` (readers),
//! `lease`, `share`, `shards`, `handover` and `closing` (replicas side by side), `inbox` and `wake` (what they tell each other),
//! `driving` and `watched` (where and in which order things are done), and `runtime` (start, stop, and the handle).

mod answers;
mod api;
mod asleep;
mod batches;
mod bell;
mod called_again;
mod children;
mod closing;
mod committer;
mod courtesy;
mod definitions;
mod dispatch;
mod driver;
mod driving;
mod effects;
mod follow;
mod fork;
mod handover;
mod inbox;
mod intake;
mod kept;
mod lanes;
mod lease;
mod lines;
mod live;
mod living;
mod members;
mod metrics;
mod onward;
mod order;
mod proposing;
mod queued;
mod rates;
mod records;
mod recover;
mod retry;
mod ring;
mod runtime;
mod shards;
mod share;
pub mod store;
mod timers;
mod tracer;
mod turns;
mod unbegun;
mod upkeep;
mod wake;
mod wake_pg;
mod waking;
mod watched;

pub use answers::AnswerWait;
pub use api::{
    Answer, CancelError, Change, DeliverError, Delivered, FollowError, ForkError, Idempotency, MOST_PAYLOAD, RateShown,
    RetryError, StartError, StartRequest, Started,
};
pub use asleep::Memory;
pub use bell::WorkPool;
pub use definitions::{Definitions, DefinitionsError, LoadedFlow, SUPPORTED};
pub use driving::Driving;
pub use effects::{EffectLimits, Host};
pub use fork::Fork;
pub use metrics::Metrics;
pub use rates::Buckets;
pub use recover::{ReplayError, replay};
pub use retry::can_retry;
pub use runtime::{Runtime, RuntimeConfig, RuntimeHandle};
pub use unbegun::was_to_begin_with;
pub use wake::{Nearby, Silent, Wake, Word};
pub use wake_pg::PgWake;
