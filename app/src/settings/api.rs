//! How long history is kept: the port and its REST client.

use holon_model::wire::retention::{Retention, SaveRetention};

use crate::ports::PortFuture;
use crate::rest::{Ask, Rest};

/// What the page of settings reads about the history of runs.
pub trait HistoryPort: Send + Sync {
    /// What is kept; and what would go with so many days.
    fn kept(&self, days: Option<u32>) -> PortFuture<Retention>;
}

impl HistoryPort for Rest {
    fn kept(&self, days: Option<u32>) -> PortFuture<Retention> {
        match days {
            Some(days) => Ask::get(format!("/retention?days={days}")).read(),
            None => Ask::get("/retention").read(),
        }
    }
}

/// Chooses for how long.
pub fn choose(days: Option<u32>) -> PortFuture<Retention> {
    Ask::put("/retention").json(&SaveRetention { days }).read()
}
