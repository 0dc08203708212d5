//! Connections: the port and its REST client.

use holon_model::ConnectionId;
use holon_model::wire::Page;
use holon_model::wire::connections::{Connection, ConnectionUse, SaveConnection};

use crate::ports::PortFuture;
use crate::rest::{Ask, Rest};

/// What pages read about connections. Secrets are not among it.
pub trait ConnectionsPort: Send + Sync {
    /// Connections by name.
    fn list(&self) -> PortFuture<Page<Connection>>;
}

impl ConnectionsPort for Rest {
    fn list(&self) -> PortFuture<Page<Connection>> {
        Ask::get("/connections").read()
    }
}

/// The flows that name it.
pub fn flows(id: ConnectionId) -> PortFuture<Page<ConnectionUse>> {
    Ask::get(format!("/connections/{id}/flows")).read()
}

/// Makes a connection.
pub fn create(body: &SaveConnection) -> PortFuture<Connection> {
    Ask::post("/connections").json(body).read()
}

/// Replaces its secret and its hosts.
pub fn replace(id: ConnectionId, body: &SaveConnection) -> PortFuture<Connection> {
    Ask::put(format!("/connections/{id}")).json(body).read()
}

/// Removes it.
pub fn delete(id: ConnectionId) -> PortFuture<()> {
    Ask::delete(format!("/connections/{id}")).done()
}
