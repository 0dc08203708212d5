//! Signals: what programs tell runs that wait.

use crate::{RunId, Value};
use serde::{Deserialize, Serialize};

/// A signal to one run, or to those that wait for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendSignal {
    /// Its name, such as `payment_received`.
    pub name: String,
    /// Which of several it is about, such as an order's number; empty where that does not matter.
    #[serde(default)]
    pub correlation: String,
    /// The sender's id of this delivery: a second one with the same changes nothing. Absent: the
    /// `Idempotency-Key`; without one every delivery counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// What it says.
    #[serde(default)]
    pub payload: Value,
}

/// Whom a signal reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignalSent {
    /// The runs that have it in their journal now; one that had it before stands here too.
    pub runs: Vec<RunId>,
    /// Those for which it is kept: it cannot be lost any more, and nobody has said yet whether they take it in. Sending it again is not
    /// needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<RunId>,
    /// Those that wait for it and could not be told at the moment: send the signal again with this `sender`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreached: Vec<RunId>,
    /// The sender's id under which it was taken: the one that was sent, else one that was made for it.
    pub sender: String,
}
