//! Routes of alert rules.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use holon_authz::actions::{EditAlerts, ReadAlerts};
use holon_model::AlertId;
use holon_model::wire::Page;
use holon_model::wire::alerts::{Alert, AlertDetail, AlertFiring, SaveAlert};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{delete, list, save, try_out};
use crate::http::{Allowed, ApiResult, JsonBody, Path};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_alerts, create_alert))
        .routes(routes!(read_alert, replace_alert, delete_alert))
        .routes(routes!(test_alert))
}

/// Alert rules of the environment, last made first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", responses((status = 200, body = Page<Alert>)))]
async fn list_alerts(State(state): State<AppState>, caller: Allowed<ReadAlerts>) -> ApiResult<Json<Page<Alert>>> {
    Ok(Json(list::list(&state, caller.context(), caller.proof()).await?))
}

/// Makes an alert rule. Its address is sealed and never shown again.
#[utoipa::path(post, path = "/alerts", tag = "alerts", request_body = SaveAlert,
    responses((status = 201, body = Alert)))]
async fn create_alert(
    State(state): State<AppState>,
    caller: Allowed<EditAlerts>,
    JsonBody(body): JsonBody<SaveAlert>,
) -> ApiResult<(StatusCode, Json<Alert>)> {
    let intent = caller.intent(&*state.clock, save::Create(body));
    Ok((StatusCode::CREATED, Json(save::create(&state, caller.proof(), intent).await?)))
}

/// One alert rule with its last firings.
#[utoipa::path(get, path = "/alerts/{id}", tag = "alerts", params(("id" = AlertId, Path)),
    responses((status = 200, body = AlertDetail)))]
async fn read_alert(
    State(state): State<AppState>,
    caller: Allowed<ReadAlerts>,
    Path(id): Path<AlertId>,
) -> ApiResult<Json<AlertDetail>> {
    Ok(Json(list::read(&state, caller.context(), caller.proof(), id).await?))
}

/// Replaces an alert rule; without `url` the stored address stays.
#[utoipa::path(put, path = "/alerts/{id}", tag = "alerts", params(("id" = AlertId, Path)), request_body = SaveAlert,
    responses((status = 200, body = Alert)))]
async fn replace_alert(
    State(state): State<AppState>,
    caller: Allowed<EditAlerts>,
    Path(id): Path<AlertId>,
    JsonBody(body): JsonBody<SaveAlert>,
) -> ApiResult<Json<Alert>> {
    let intent = caller.intent(&*state.clock, save::Replace { id, body });
    Ok(Json(save::replace(&state, caller.proof(), intent).await?))
}

/// Deletes an alert rule and its firings.
#[utoipa::path(delete, path = "/alerts/{id}", tag = "alerts", params(("id" = AlertId, Path)),
    responses((status = 204)))]
async fn delete_alert(
    State(state): State<AppState>,
    caller: Allowed<EditAlerts>,
    Path(id): Path<AlertId>,
) -> ApiResult<StatusCode> {
    delete::delete(&state, caller.proof(), caller.intent(&*state.clock, delete::Delete(id))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells whoever the rule tells that this is a test, and answers what came of it.
#[utoipa::path(post, path = "/alerts/{id}/test", tag = "alerts", params(("id" = AlertId, Path)),
    responses((status = 200, body = AlertFiring)))]
async fn test_alert(
    State(state): State<AppState>,
    caller: Allowed<EditAlerts>,
    Path(id): Path<AlertId>,
) -> ApiResult<Json<AlertFiring>> {
    let intent = caller.intent(&*state.clock, try_out::TryOut(id));
    Ok(Json(try_out::try_out(&state, caller.proof(), intent).await?))
}
