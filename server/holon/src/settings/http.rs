//! Routes of the operator's settings.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use holon_authz::actions::{EditSettings, ReadSettings};
use holon_model::wire::identity::{InvitationLink, Settings};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{invite, read, save};
use crate::http::{Allowed, ApiResult, JsonBody};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_settings, put_settings)).routes(routes!(post_invitation))
}

/// The instance's settings, for its operator.
#[utoipa::path(get, path = "/settings", tag = "instance", responses((status = 200, body = Settings)))]
async fn get_settings(State(state): State<AppState>, caller: Allowed<ReadSettings>) -> ApiResult<Json<Settings>> {
    Ok(Json(read::read(&state, caller.proof()).await?))
}

/// Decides who may sign up.
#[utoipa::path(put, path = "/settings", tag = "instance", security(("session" = [])), request_body = Settings, responses((status = 204)))]
async fn put_settings(
    State(state): State<AppState>,
    caller: Allowed<EditSettings>,
    JsonBody(settings): JsonBody<Settings>,
) -> ApiResult<StatusCode> {
    let person = caller.caller().person.id;
    let intent = caller.intent(&*state.clock, save::Save { person, settings });
    save::save(&state, caller.proof(), intent).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a link that lets one person sign up within seven days. It is shown once.
#[utoipa::path(post, path = "/invitations", tag = "instance", security(("session" = [])), responses((status = 201, body = InvitationLink)))]
async fn post_invitation(
    State(state): State<AppState>,
    caller: Allowed<EditSettings>,
) -> ApiResult<(StatusCode, Json<InvitationLink>)> {
    let intent = caller.intent(&*state.clock, invite::Invite(caller.caller().person.id));
    Ok((StatusCode::CREATED, Json(invite::invite(&state, caller.proof(), intent).await?)))
}
