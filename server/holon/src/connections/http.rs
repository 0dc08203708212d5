//! Routes of connections.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use holon_authz::actions::{EditConnections, ReadConnections};
use holon_model::ConnectionId;
use holon_model::wire::Page;
use holon_model::wire::connections::{Connection, ConnectionUse, SaveConnection};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{delete, list, save, uses};
use crate::http::{Allowed, ApiResult, JsonBody, Path};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_connections, create_connection))
        .routes(routes!(replace_connection, delete_connection))
        .routes(routes!(connection_flows))
}

/// Connections by name, without their secrets.
#[utoipa::path(get, path = "/connections", tag = "connections", responses((status = 200, body = Page<Connection>)))]
async fn list_connections(
    State(state): State<AppState>,
    caller: Allowed<ReadConnections>,
) -> ApiResult<Json<Page<Connection>>> {
    Ok(Json(list::list(&state, caller.context(), caller.proof()).await?))
}

/// The flows that name a connection.
#[utoipa::path(get, path = "/connections/{id}/flows", tag = "connections", params(("id" = ConnectionId, Path)),
    responses((status = 200, body = Page<ConnectionUse>)))]
async fn connection_flows(
    State(state): State<AppState>,
    caller: Allowed<ReadConnections>,
    Path(id): Path<ConnectionId>,
) -> ApiResult<Json<Page<ConnectionUse>>> {
    Ok(Json(uses::uses(&state, caller.context(), caller.proof(), id).await?))
}

/// Makes a connection. Its secret is never shown again.
#[utoipa::path(post, path = "/connections", tag = "connections", request_body = SaveConnection,
    responses((status = 201, body = Connection)))]
async fn create_connection(
    State(state): State<AppState>,
    caller: Allowed<EditConnections>,
    JsonBody(body): JsonBody<SaveConnection>,
) -> ApiResult<(StatusCode, Json<Connection>)> {
    let intent = caller.intent(&*state.clock, save::Create(body));
    Ok((StatusCode::CREATED, Json(save::create(&state, caller.proof(), intent).await?)))
}

/// Replaces the secret, the hosts and the rest.
#[utoipa::path(put, path = "/connections/{id}", tag = "connections", params(("id" = ConnectionId, Path)),
    request_body = SaveConnection, responses((status = 200, body = Connection)))]
async fn replace_connection(
    State(state): State<AppState>,
    caller: Allowed<EditConnections>,
    Path(id): Path<ConnectionId>,
    JsonBody(body): JsonBody<SaveConnection>,
) -> ApiResult<Json<Connection>> {
    let intent = caller.intent(&*state.clock, save::Replace { id, body });
    Ok(Json(save::replace(&state, caller.proof(), intent).await?))
}

/// Removes a connection; nodes that name it fail from then on.
#[utoipa::path(delete, path = "/connections/{id}", tag = "connections", params(("id" = ConnectionId, Path)),
    responses((status = 204)))]
async fn delete_connection(
    State(state): State<AppState>,
    caller: Allowed<EditConnections>,
    Path(id): Path<ConnectionId>,
) -> ApiResult<StatusCode> {
    let intent = caller.intent(&*state.clock, delete::Delete(id));
    delete::delete(&state, caller.proof(), intent).await?;
    Ok(StatusCode::NO_CONTENT)
}
