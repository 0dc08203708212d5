//! Events: what flows and programs publish, and who subscribes to it.

use crate::{FlowId, PublishedId, RunId, SubscriptionId, Timestamp, Value};
use serde::{Deserialize, Serialize};

/// `POST /api/v1/events`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublishEvent {
    /// Words with dots between them, such as `orders.eu.paid`.
    pub subject: String,
    /// What it tells.
    #[serde(default)]
    pub data: Value,
}

/// An event that is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventPublished {
    /// Its id.
    pub id: PublishedId,
    /// Whether an earlier request with the same key had published it.
    pub replayed: bool,
}

/// An event as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventSummary {
    /// Its place among the environment's events, from 1.
    pub position: i64,
    /// Its id.
    pub id: PublishedId,
    /// What it is about.
    pub subject: String,
    /// Its size as JSON.
    pub bytes: u32,
    /// When it was published.
    pub published_at: Timestamp,
    /// The run that published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Who else did, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_by: Option<String>,
    /// Who got it, the last first; 20 at most.
    pub deliveries: Vec<Delivery>,
}

/// An event with what it tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublishedEvent {
    /// What lists show.
    #[serde(flatten)]
    pub summary: EventSummary,
    /// What it tells.
    pub data: Value,
}

/// What came of an event for one subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivery {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// Its flow.
    pub flow: FlowId,
    /// The flow's name.
    pub flow_name: String,
    /// `pending | started | failed`.
    pub outcome: String,
    /// Why it started no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The run that it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// A published flow that is started by events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The flow.
    pub flow: FlowId,
    /// The flow's name.
    pub flow_name: String,
    /// The version in force.
    pub version: i32,
    /// The key of the trigger.
    pub node: String,
    /// The subjects that it takes.
    pub pattern: String,
    /// Whether a run begins only when the one before it is over.
    pub ordered: bool,
    /// The last event that was looked at.
    pub position: i64,
    /// The last event that there is.
    pub last: i64,
    /// Events that wait for their runs.
    pub waiting: u32,
}

/// `POST /api/v1/subscriptions/{id}/replay`: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplaySubscription {
    /// The first event that is delivered again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// Since when: the first event that got its place then or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}
