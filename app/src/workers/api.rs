//! Workers: the port and its REST client.

use holon_model::wire::Page;
use holon_model::wire::workers::{WorkItem, WorkPool};

use crate::ports::PortFuture;
use crate::rest::{Ask, Query, Rest};

/// What pages read about workers.
pub trait WorkersPort: Send + Sync {
    /// The pools, with their workers.
    fn pools(&self) -> PortFuture<Page<WorkPool>>;
    /// What is handed out, of one pool or of all; of the oldest run first.
    fn work(&self, pool: Option<String>, cursor: Option<String>) -> PortFuture<Page<WorkItem>>;
}

impl WorkersPort for Rest {
    fn pools(&self) -> PortFuture<Page<WorkPool>> {
        Ask::get("/workers/pools").read()
    }

    fn work(&self, pool: Option<String>, cursor: Option<String>) -> PortFuture<Page<WorkItem>> {
        let address = Query::new("/workers/tasks")
            .with("pool", &pool.unwrap_or_default())
            .with("cursor", &cursor.unwrap_or_default());
        Ask::get(address.build()).read()
    }
}
