//! Events: the port and its REST client.

use holon_model::wire::Page;
use holon_model::wire::events::{EventSummary, PublishedEvent, ReplaySubscription, Subscription};
use holon_model::{PublishedId, SubscriptionId};

use crate::ports::PortFuture;
use crate::rest::{Ask, Query, Rest};

/// What pages read about events.
pub trait EventsPort: Send + Sync {
    /// Events whose subject begins in this way, the last first.
    fn list(&self, subject: String, cursor: Option<String>) -> PortFuture<Page<EventSummary>>;
    /// All subscriptions.
    fn subscriptions(&self) -> PortFuture<Page<Subscription>>;
}

impl EventsPort for Rest {
    fn list(&self, subject: String, cursor: Option<String>) -> PortFuture<Page<EventSummary>> {
        let address = Query::new("/events").with("subject", &subject).with("cursor", &cursor.unwrap_or_default());
        Ask::get(address.build()).read()
    }

    fn subscriptions(&self) -> PortFuture<Page<Subscription>> {
        Ask::get("/subscriptions").read()
    }
}

/// One event, with what it tells.
pub fn read(id: PublishedId) -> PortFuture<PublishedEvent> {
    Ask::get(format!("/events/{id}")).read()
}

/// Sets a subscription back.
pub fn replay(id: SubscriptionId, to: &ReplaySubscription) -> PortFuture<Subscription> {
    Ask::post(format!("/subscriptions/{id}/replay")).json(to).read()
}
