//! Runs: the port and its REST client.

use std::collections::BTreeMap;

use holon_model::wire::Page;
use holon_model::wire::runs::{
    BulkResults, BulkRuns, CancelRun, ForkCheck, ForkRun, Forked, JournalRow, PauseRun, Run, RunAgain, RunSummary,
    StartRun, Started, Starter, TerminateRun,
};
use holon_model::{FlowId, RunId, Timestamp};

use crate::ports::PortFuture;
use crate::rest::{Ask, Query, Rest, fresh_key};
use crate::ui::format;

/// Which runs to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunsQuery {
    /// Only of this flow.
    pub flow: Option<FlowId>,
    /// Only in this status.
    pub status: Option<String>,
    /// Only what a trigger of this kind started, such as `trigger.webhook`.
    pub trigger: Option<String>,
    /// Only what was accepted then or later.
    pub since: Option<Timestamp>,
    /// Only what was accepted before then.
    pub until: Option<Timestamp>,
    /// Only about this.
    pub correlation: Option<String>,
    /// Only with all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// How many, 1 to 200; the server's default when absent.
    pub limit: Option<u16>,
}

/// What pages read about runs.
pub trait RunsPort: Send + Sync {
    /// Runs, the newest first.
    fn list(&self, query: RunsQuery) -> PortFuture<Page<RunSummary>>;
    /// What can start one.
    fn starters(&self) -> PortFuture<Page<Starter>>;
    /// A run, whole.
    fn get(&self, id: RunId) -> PortFuture<Run>;
    /// Its journal, from the first input on.
    fn journal(&self, id: RunId, cursor: Option<String>) -> PortFuture<Page<JournalRow>>;
}

impl RunsPort for Rest {
    fn list(&self, query: RunsQuery) -> PortFuture<Page<RunSummary>> {
        let text = |part: Option<String>| part.unwrap_or_default();
        let instant = |at: Option<Timestamp>| text(at.map(format::iso));
        let address = Query::new("/runs")
            .with("flow", &text(query.flow.map(|flow| flow.to_string())))
            .with("status", &text(query.status))
            .with("trigger", &text(query.trigger))
            .with("since", &instant(query.since))
            .with("until", &instant(query.until))
            .with("correlation", &text(query.correlation))
            .with("cursor", &text(query.cursor))
            .with("limit", &text(query.limit.map(|limit| limit.to_string())));
        let labels = query.labels.iter();
        let address = labels.fold(address, |address, (key, value)| address.with("label", &format!("{key}:{value}")));
        Ask::get(address.build()).read()
    }

    fn starters(&self) -> PortFuture<Page<Starter>> {
        Ask::get("/starters".to_owned()).read()
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

/// Ends a run at once, without undoing anything.
pub fn terminate(id: RunId, body: &TerminateRun) -> PortFuture<()> {
    Ask::post(format!("/runs/{id}/terminate")).json(body).done()
}

/// Lets a run take in nothing more until it is resumed.
pub fn pause(id: RunId, body: &PauseRun) -> PortFuture<()> {
    Ask::post(format!("/runs/{id}/pause")).json(body).done()
}

/// Lets a paused run go on.
pub fn resume(id: RunId) -> PortFuture<()> {
    Ask::post(format!("/runs/{id}/resume")).done()
}

/// Starts a new run by the same trigger on the version in force, with what this one was started with, or with another input.
pub fn again(id: RunId, body: &RunAgain) -> PortFuture<Started> {
    Ask::post(format!("/runs/{id}/again")).idempotent(fresh_key()).json(body).read()
}

/// Takes a run up again where it failed.
pub fn retry(id: RunId) -> PortFuture<Started> {
    Ask::post(format!("/runs/{id}/retry")).idempotent(fresh_key()).read()
}

/// Which of a run's inputs a version can take.
pub fn fork_check(id: RunId, body: &ForkRun) -> PortFuture<ForkCheck> {
    Ask::post(format!("/runs/{id}/fork/check")).json(body).read()
}

/// Starts a new run with a copy of the first inputs of this one.
pub fn fork(id: RunId, body: &ForkRun) -> PortFuture<Forked> {
    Ask::post(format!("/runs/{id}/fork")).idempotent(fresh_key()).json(body).read()
}

/// Does something to each of many runs.
pub fn bulk(body: &BulkRuns) -> PortFuture<BulkResults> {
    Ask::post("/runs/bulk").idempotent(fresh_key()).json(body).read()
}
