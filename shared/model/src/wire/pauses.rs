//! What is paused: a flow, the workspace, or the whole instance.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// How something is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PauseMode {
    /// Nothing begins, also what was accepted before and waits for its place. What has begun goes on.
    Pause,
    /// What was accepted goes on to its end; nothing new is accepted.
    Drain,
}

/// Pauses: `PUT …/pause`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutPause {
    /// How.
    pub mode: PauseMode,
    /// Why, for people who are refused; at most 500 characters.
    #[serde(default)]
    pub reason: String,
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pause {
    /// How.
    pub mode: PauseMode,
    /// Why.
    pub reason: String,
    /// Who, as people are called.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

/// Whether runs begin, and how many have not ended: `GET …/pause`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Intake {
    /// The pause, if there is one.
    pub pause: Option<Pause>,
    /// Runs that something is being done for.
    pub running: u64,
    /// Runs that only time, an event or a person goes on with, or that were paused one by one.
    pub waiting: u64,
    /// Runs that were accepted and have not begun.
    pub queued: u64,
}
