//! Polls: the port and its REST client.

use holon_model::PollId;
use holon_model::wire::Page;
use holon_model::wire::polls::{Poll, PollSummary};

use crate::ports::PortFuture;
use crate::rest::{Ask, Query, Rest};

/// What pages read about polls.
pub trait PollsPort: Send + Sync {
    /// Polls, last made first.
    fn list(&self, cursor: Option<String>) -> PortFuture<Page<PollSummary>>;
    /// One, with its cursor and what it found.
    fn get(&self, id: PollId) -> PortFuture<Poll>;
}

impl PollsPort for Rest {
    fn list(&self, cursor: Option<String>) -> PortFuture<Page<PollSummary>> {
        let address = Query::new("/polls").with("cursor", &cursor.unwrap_or_default());
        Ask::get(address.build()).read()
    }

    fn get(&self, id: PollId) -> PortFuture<Poll> {
        Ask::get(format!("/polls/{id}")).read()
    }
}

/// Has it look now.
pub fn look(id: PollId) -> PortFuture<PollSummary> {
    Ask::post(format!("/polls/{id}/look")).read()
}

/// Has it forget what it has seen.
pub fn forget(id: PollId) -> PortFuture<PollSummary> {
    Ask::post(format!("/polls/{id}/forget")).read()
}
