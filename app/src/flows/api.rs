//! Flows, versions and examples: the port and its REST client.

use holon_model::wire::Page;
use holon_model::wire::flows::{
    ApplyCommands, Catch, Caught, CreateFlow, Example, Flow, FlowSummary, Publish, Published, Saved, Version,
    VersionSummary,
};
use holon_model::{FlowId, Value};

use crate::ports::PortFuture;
use crate::rest::{Ask, Query, Rest};

/// Which flows to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowsQuery {
    /// Words that the name or the description contains.
    pub q: String,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// How many, 1 to 200; the server's default when absent.
    pub limit: Option<u16>,
}

/// What pages read about flows.
pub trait FlowsPort: Send + Sync {
    /// Flows, the last saved first.
    fn list(&self, query: FlowsQuery) -> PortFuture<Page<FlowSummary>>;
    /// A flow, whole.
    fn get(&self, id: FlowId) -> PortFuture<Flow>;
    /// Its published versions, the newest first.
    fn versions(&self, id: FlowId) -> PortFuture<Page<VersionSummary>>;
    /// One of them, whole.
    fn version(&self, id: FlowId, version: i32) -> PortFuture<Version>;
    /// The examples to start from.
    fn examples(&self) -> PortFuture<Page<Example>>;
}

impl FlowsPort for Rest {
    fn list(&self, query: FlowsQuery) -> PortFuture<Page<FlowSummary>> {
        let limit = query.limit.map(|limit| limit.to_string()).unwrap_or_default();
        let cursor = query.cursor.unwrap_or_default();
        let address = Query::new("/flows").with("q", query.q.trim()).with("cursor", &cursor).with("limit", &limit);
        Ask::get(address.build()).read()
    }

    fn get(&self, id: FlowId) -> PortFuture<Flow> {
        Ask::get(format!("/flows/{id}")).read()
    }

    fn versions(&self, id: FlowId) -> PortFuture<Page<VersionSummary>> {
        Ask::get(format!("/flows/{id}/versions")).read()
    }

    fn version(&self, id: FlowId, version: i32) -> PortFuture<Version> {
        Ask::get(format!("/flows/{id}/versions/{version}")).read()
    }

    fn examples(&self) -> PortFuture<Page<Example>> {
        Ask::get("/examples").read()
    }
}

/// The versions after those of a page.
pub fn versions_after(id: FlowId, cursor: String) -> PortFuture<Page<VersionSummary>> {
    Ask::get(Query::new(&format!("/flows/{id}/versions")).with("cursor", &cursor).build()).read()
}

/// What a node kind says of itself, by `name@version`; `documentation` is what people read of it.
pub fn kind(name: &str) -> PortFuture<Value> {
    Ask::get(format!("/kinds/{name}")).read()
}

/// Makes a flow.
pub fn create(body: &CreateFlow) -> PortFuture<Flow> {
    Ask::post("/flows").json(body).read()
}

/// Replaces the draft with a whole definition.
pub fn replace(id: FlowId, revision: i64, definition: &Value) -> PortFuture<Flow> {
    Ask::put(format!("/flows/{id}")).if_match(revision).json(definition).read()
}

/// Removes a flow.
pub fn delete(id: FlowId, revision: i64) -> PortFuture<()> {
    Ask::delete(format!("/flows/{id}")).if_match(revision).done()
}

/// Applies the editor's commands to the draft.
pub fn apply(id: FlowId, body: &ApplyCommands) -> PortFuture<Saved> {
    Ask::post(format!("/flows/{id}/commands")).json(body).read()
}

/// Publishes the draft; the answer says whether that made a version.
pub fn publish(id: FlowId, body: &Publish) -> PortFuture<Published> {
    Ask::post(format!("/flows/{id}/publish")).json(body).read()
}

/// Opens a test address that waits for the next delivery.
pub fn catch(id: FlowId) -> PortFuture<Catch> {
    Ask::post(format!("/flows/{id}/catch")).read()
}

/// Waits up to 25 seconds for what a test address receives.
pub fn caught(id: FlowId, token: &str) -> PortFuture<Caught> {
    Ask::get(format!("/flows/{id}/catch/{token}?wait=25")).read()
}
