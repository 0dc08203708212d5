//! How long the history of runs is kept.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// Up to how many runs are counted.
pub const COUNTED: u64 = 100_000;

/// `GET /api/v1/retention`: what a workspace keeps of runs that are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Retention {
    /// Days that the workspace chose; absent: the instance's default holds.
    pub days: Option<u32>,
    /// Days for which runs are kept after their end; absent: without end.
    pub in_force: Option<u32>,
    /// The instance's default; absent: without end.
    pub default: Option<u32>,
    /// The most that the instance allows; absent: as many as one likes.
    pub most: Option<u32>,
    /// Runs that are over and kept, counted up to 100,000.
    pub runs: u64,
    /// When the oldest of them was started.
    pub oldest: Option<Timestamp>,
    /// With the days that were asked about, or those in force: runs whose time is up, counted up to 100,000.
    pub goes: u64,
}

/// `PUT /api/v1/retention`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SaveRetention {
    /// 1 to 3,650 days after a run's end; null: what the instance's default is.
    pub days: Option<u32>,
}
