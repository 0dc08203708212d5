//! Runs: the port and its REST client.

use holon_model::wire::Page;
use holon_model::wire::runs::{CancelRun, JournalRow, Run, RunSummary, StartRun, Started};
use holon_model::{FlowId, RunId};

use crate::ports::PortFuture;
use crate::rest::{Ask, Query, Rest, fresh_key};

/// Which runs to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunsQuery {
    /// Only of this flow.
    pub flow: Option<FlowId>,
    /// Only in this status.
    pub status: Option<String>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// How many, 1 to 200; the server's default when absent.
    pub limit: Option<u16>,
}

/// What pages read about runs.
pub trait RunsPort: Send + Sync {
    /// Runs, the newest first.
    fn list(&self, query: RunsQuery) -> PortFuture<Page<RunSummary>>;
    /// A run, whole.
    fn get(&self, id: RunId) -> PortFuture<Run>;
    /// Its journal, from the first input on.
    fn journal(&self, id: RunId, cursor: Option<String>) -> PortFuture<Page<JournalRow>>;
}

impl RunsPort for Rest {
    fn list(&self, query: RunsQuery) -> PortFuture<Page<RunSummary>> {
        let text = |part: Option<String>| part.unwrap_or_default();
        let address = Query::new("/runs")
            .with("flow", &text(query.flow.map(|flow| flow.to_string())))
            .with("status", &text(query.status))
            .with("cursor", &text(query.cursor))
            .with("limit", &text(query.limit.map(|limit| limit.to_string())));
        Ask::get(address.build()).read()
    }

    fn get(&self, id: RunId) -> PortFuture<Run> {
        Ask::get(format!("/runs/{id}")).read()
    }

    fn journal(&self, id: RunId, cursor: Option<String>) -> PortFuture<Page<JournalRow>> {
        let address = Query::new(&format!("/runs/{id}/journal")).with("cursor", &cursor.unwrap_or_default());
        Ask::get(address.build()).read()
    }
}

/// Starts a run of the published version, once.
pub fn start(flow: FlowId, body: &StartRun) -> PortFuture<Started> {
    Ask::post(format!("/flows/{flow}/runs")).idempotent(fresh_key()).json(body).read()
}

/// Asks a run to stop; the reason stands in its journal.
pub fn cancel(id: RunId, body: &CancelRun) -> PortFuture<()> {
    Ask::post(format!("/runs/{id}/cancel")).json(body).done()
}

/// Starts a new run with what this one was started with, by the same trigger and on the version in force.
pub fn again(id: RunId) -> PortFuture<Started> {
    Ask::post(format!("/runs/{id}/again")).idempotent(fresh_key()).read()
}

/// Takes a run up again where it failed.
pub fn retry(id: RunId) -> PortFuture<Started> {
    Ask::post(format!("/runs/{id}/retry")).idempotent(fresh_key()).read()
}
