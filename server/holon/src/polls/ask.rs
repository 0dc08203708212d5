//! Asks the endpoint, as a step `http.request` of the flow would: by the same executor, on the one road out, with the connection's
//! secret. Nothing is written down here.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use holon_cap_triggers::{Found, Poll, PollFault};
use holon_flow::capability::NodeError;
use holon_model::{Millis, RunId, Timestamp, Value, json};
use holon_platform::clock::to_text;
use holon_platform::execute::{EffectContext, EffectRequest, Executor};
use holon_platform::records::NoRecords;
use holon_runtime::Definitions as _;
use tokio_util::sync::CancellationToken;

use super::store::Row;
use crate::state::AppState;

/// The longest that one request may take.
const REQUEST: Duration = Duration::from_secs(60);
/// And all of a look's pages together.
const ALL: Duration = Duration::from_secs(120);
/// The kind whose executor asks.
const HTTP: &str = "http.request@1";

static EXECUTOR: LazyLock<Option<Arc<dyn Executor>>> = LazyLock::new(|| holon_catalogue::executors().remove(HTTP));

/// Why nothing was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Such as `http_status` or `bad_items`.
    pub code: String,
    /// In words.
    pub message: String,
    /// Where in the trigger's config.
    pub pointer: Option<String>,
    /// Not before then, says the endpoint.
    pub after: Option<Millis>,
}

impl Failed {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), pointer: None, after: None }
    }
}

impl From<PollFault> for Failed {
    fn from(fault: PollFault) -> Self {
        Self { pointer: Some(fault.pointer), ..Self::new(&fault.code, fault.message) }
    }
}

impl From<NodeError> for Failed {
    fn from(error: NodeError) -> Self {
        let seconds = error.detail.get("retry_after").and_then(Value::as_int);
        let after = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let pointer = match error.code.as_str() {
            "bad_url" => Some("/url"),
            "unknown_connection" | "unusable_connection" => Some("/connection"),
            "bad_page" => Some("/pagination"),
            "invalid_json" | "not_text" => Some("/response"),
            _ => None,
        };
        Self {
            pointer: pointer.map(str::to_owned),
            after: after.map(|seconds| Millis(seconds.saturating_mul(1000))),
            ..Self::new(&error.code, error.message)
        }
    }
}

/// What the trigger says, and what the endpoint lists.
pub async fn ask(state: &AppState, row: &Row, at: Timestamp) -> Result<(Poll, Found), Failed> {
    let loaded = state.definitions.load(row.tenant, row.flow, row.version).await;
    let loaded = loaded.map_err(|error| Failed::new("unavailable", error.to_string()))?;
    let gone = || Failed::new("unavailable", "the flow has no such trigger any more; publish it again");
    let node = loaded.definition.graph.nodes.get(row.node.as_str()).ok_or_else(gone)?;
    let kind = state.catalogue.get(&node.kind).ok_or_else(gone)?;
    let poll = Poll::read(kind, &node.config)?;
    let cursor = json::parse(row.cursor.as_bytes()).unwrap_or_default();
    let now = to_text(at);
    let config = poll.request(&cursor, &now)?;
    let response = send(state, row, config).await?;
    let finding = tokio::task::spawn_blocking(move || {
        let found = poll.find(&response, &cursor, &now)?;
        Ok((poll, found))
    });
    // It panics never; were it to, the look has failed.
    finding.await.map_err(|_| Failed::new("internal", "the answer could not be looked through; the log says more"))?
}

async fn send(state: &AppState, row: &Row, config: Value) -> Result<Value, Failed> {
    let executor = EXECUTOR.as_ref().ok_or_else(|| Failed::new("no_executor", "this server cannot ask endpoints"))?;
    let cx = EffectContext {
        tenant: row.tenant,
        environment: row.environment,
        egress: Arc::new(state.egress.for_tenant(row.tenant)),
        connections: Arc::clone(&state.connections),
        records: Arc::new(NoRecords),
        cancel: CancellationToken::new(),
    };
    let request = EffectRequest {
        run: RunId(row.id.0),
        path: row.node.clone(),
        kind: HTTP.to_owned(),
        config,
        input: Value::Null,
        key: format!("{}:{}", row.id, row.look),
        attempt: 1,
        timeout: Some(REQUEST),
    };
    match tokio::time::timeout(ALL, executor.execute(&cx, request)).await {
        Ok(answered) => Ok(answered?),
        Err(_) => Err(Failed::new("timeout", format!("the endpoint did not answer within {} s", ALL.as_secs()))),
    }
}
