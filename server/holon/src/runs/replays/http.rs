//! Routes of recorded runs: verify one, look at one as it was, try many on another definition.

use axum::Json;
use axum::extract::State;
use holon_authz::actions::{ReadFlows, ReadRuns};
use holon_model::wire::replay::{Backtest, BacktestPage, RunAt, Verified};
use holon_model::{FlowId, Problem, RunId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{at, backtest, verify};
use crate::http::{Allowed, ApiResult, JsonBody, Path, Query, cursor};
use crate::state::AppState;

/// Nodes of a page, at most and when nobody says how many.
const MOST_NODES: u16 = 1_000;
const USUAL_NODES: u16 = 200;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(verify_run)).routes(routes!(run_at)).routes(routes!(backtest_flow))
}

/// Replays a run's journal and holds each log hash against the one that was recorded: the log hash, or the first difference.
#[utoipa::path(get, path = "/runs/{id}/verify", tag = "runs", params(("id" = RunId, Path)),
    responses((status = 200, body = Verified)))]
async fn verify_run(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Path(run): Path<RunId>,
) -> ApiResult<Json<Verified>> {
    Ok(Json(verify::verify(&state, caller.context(), caller.proof(), run).await?))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AtQuery {
    /// This node only, by its structural path such as `each[3]/call`, and what it was told to do.
    path: Option<String>,
    /// Where the nodes go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Nodes at most, 1 to 1,000; 200 if absent.
    limit: Option<u16>,
}

/// A run as it was after one of its inputs, by replaying it: the state and the data of its nodes, and what the input led to. Of
/// maps the nodes of the first 1,000 items.
#[utoipa::path(get, path = "/runs/{id}/at/{seq}", tag = "runs",
    params(("id" = RunId, Path), ("seq" = u32, Path, description = "Number of the input in the journal, from 0"), AtQuery),
    responses((status = 200, body = RunAt), (status = 409, body = Problem, content_type = "application/problem+json",
        description = "The journal does not replay up to there: verify the run")))]
async fn run_at(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Path((run, seq)): Path<(RunId, u32)>,
    Query(query): Query<AtQuery>,
) -> ApiResult<Json<RunAt>> {
    let from: u32 = query.cursor.as_deref().map(cursor::decode).transpose()?.unwrap_or(0);
    let limit = query.limit.unwrap_or(USUAL_NODES).clamp(1, MOST_NODES);
    let ask = at::Ask { seq: seq.into(), path: query.path, from: from as usize, limit: limit.into() };
    Ok(Json(at::at(&state, caller.context(), caller.proof(), run, ask).await?))
}

/// Tries recorded runs of a flow on its draft or on a version, and says which would end differently. It goes in pieces: pass
/// `next_cursor` on until there is none. Nothing is called, nothing is started, nothing is stored.
#[utoipa::path(post, path = "/flows/{id}/backtest", tag = "runs", params(("id" = FlowId, Path)),
    request_body = Backtest, responses((status = 200, body = BacktestPage)))]
async fn backtest_flow(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Path(flow): Path<FlowId>,
    JsonBody(body): JsonBody<Backtest>,
) -> ApiResult<Json<BacktestPage>> {
    let flows = caller.caller().allowed::<ReadFlows>()?;
    let proofs = (caller.proof(), flows.proof());
    Ok(Json(backtest::backtest(&state, caller.context(), proofs, flow, body).await?))
}
