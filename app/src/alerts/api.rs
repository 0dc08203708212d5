//! Alert rules: the port and its REST client.

use holon_model::AlertId;
use holon_model::wire::Page;
use holon_model::wire::alerts::{Alert, AlertFiring, SaveAlert};

use crate::ports::PortFuture;
use crate::rest::{Ask, Rest};

/// What pages read about alert rules. Addresses are not among it.
pub trait AlertsPort: Send + Sync {
    /// Rules, the last made first.
    fn list(&self) -> PortFuture<Page<Alert>>;
}

impl AlertsPort for Rest {
    fn list(&self) -> PortFuture<Page<Alert>> {
        Ask::get("/alerts").read()
    }
}

/// Makes a rule.
pub fn create(body: &SaveAlert) -> PortFuture<Alert> {
    Ask::post("/alerts").json(body).read()
}

/// Makes it another one.
pub fn replace(id: AlertId, body: &SaveAlert) -> PortFuture<Alert> {
    Ask::put(format!("/alerts/{id}")).json(body).read()
}

/// Deletes it.
pub fn delete(id: AlertId) -> PortFuture<()> {
    Ask::delete(format!("/alerts/{id}")).done()
}

/// Tells whoever it tells that this is a test.
pub fn test(id: AlertId) -> PortFuture<AlertFiring> {
    Ask::post(format!("/alerts/{id}/test")).read()
}
