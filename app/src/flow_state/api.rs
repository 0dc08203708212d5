//! The state of flows: the port and its REST client.

use holon_model::wire::Page;
use holon_model::wire::flow_state::StateEntry;
use holon_model::{FlowId, Value};

use crate::ports::PortFuture;
use crate::rest::{Ask, Query, Rest, segment};

/// What pages read about the state of flows.
pub trait StatePort: Send + Sync {
    /// What a flow keeps, by key.
    fn list(&self, flow: FlowId, cursor: Option<String>) -> PortFuture<Page<StateEntry>>;
}

impl StatePort for Rest {
    fn list(&self, flow: FlowId, cursor: Option<String>) -> PortFuture<Page<StateEntry>> {
        let address = Query::new(&format!("/flows/{flow}/state")).with("cursor", &cursor.unwrap_or_default());
        Ask::get(address.build()).read()
    }
}

fn of(flow: FlowId, key: &str) -> String {
    format!("/flows/{flow}/state/{}", segment(key))
}

/// What a flow keeps for a key, however large.
pub fn read(flow: FlowId, key: &str) -> PortFuture<StateEntry> {
    Ask::get(of(flow, key)).read()
}

/// Keeps a value for a key.
pub fn put(flow: FlowId, key: &str, value: &Value) -> PortFuture<StateEntry> {
    Ask::put(of(flow, key)).json(value).read()
}

/// Forgets a key.
pub fn delete(flow: FlowId, key: &str) -> PortFuture<()> {
    Ask::delete(of(flow, key)).done()
}
