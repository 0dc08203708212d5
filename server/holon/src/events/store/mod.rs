//! All SQL of events. Requests come through `TenantTx`; the loop that delivers as `holon_engine`, with the tenant in every statement
//! that follows the look for what there is to do.

mod deliveries;
mod order;
mod requests;

use holon_model::{EnvironmentId, FlowId, RunId, SubscriptionId, TenantId, Timestamp};
use uuid::Uuid;

pub use deliveries::{after, busy, deliver, forget, glance, lock_behind, move_on, pending, settle};
pub use order::{lock_order, place, with_unplaced};
pub use requests::{
    count, crowded, find, first_since, is_same, keep_only, list, lock, publish, put, set_back, subscription,
    subscriptions, with_deliveries, with_names,
};

/// A subscription as it stands.
#[derive(Debug, Clone)]
pub struct Row {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: SubscriptionId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// The flow.
    pub flow: FlowId,
    /// The version in force.
    pub version: i32,
    /// Key of the trigger.
    pub node: String,
    /// The subjects that it takes.
    pub pattern: String,
    /// Whether a run begins only when the one before it is over.
    pub ordered: bool,
    /// The last event that was looked at.
    pub position: i64,
    /// How often it was set back.
    pub replay: i32,
    /// The last event that there is.
    pub last: i64,
}

/// Events that a subscription has not looked at.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Their places and subjects, in order.
    pub events: Vec<(i64, String)>,
    /// Up to where nothing else matches.
    pub until: i64,
}

/// An event as it stands.
#[derive(Debug, Clone)]
pub struct Event {
    /// Which.
    pub id: Uuid,
    /// What it is about.
    pub subject: String,
    /// JSON.
    pub data: String,
    /// When it was published.
    pub published_at: Timestamp,
}

/// A delivery that waits for its run.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Its subscription.
    pub row: Row,
    /// The environment's name.
    pub environment_name: String,
    /// Which time it is that the subscription goes along here.
    pub replay: i32,
    /// The event's place.
    pub position: i64,
    /// The event, if it is still kept.
    pub event: Option<Event>,
    /// The run that it starts.
    pub run: RunId,
    /// Whether that run has begun already.
    pub begun: bool,
}
