//! Routes of tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use holon_authz::actions::{EditTokens, ReadTokens};
use holon_model::TokenId;
use holon_model::wire::Page;
use holon_model::wire::tokens::{CreateToken, CreatedToken, Token};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{create, list, revoke};
use crate::http::{Allowed, ApiResult, JsonBody, Path};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_tokens, create_token)).routes(routes!(revoke_token))
}

/// One's tokens, the newest first.
#[utoipa::path(get, path = "/tokens", tag = "tokens", responses((status = 200, body = Page<Token>)))]
async fn list_tokens(State(state): State<AppState>, caller: Allowed<ReadTokens>) -> ApiResult<Json<Page<Token>>> {
    let person = caller.caller().person.id;
    Ok(Json(list::list(&state, caller.context(), caller.proof(), person).await?))
}

/// Makes a token; the answer is the only time it is shown. A token cannot make another one.
#[utoipa::path(post, path = "/tokens", tag = "tokens", security(("session" = [])), request_body = CreateToken,
    responses((status = 201, body = CreatedToken)))]
async fn create_token(
    State(state): State<AppState>,
    caller: Allowed<EditTokens>,
    JsonBody(ask): JsonBody<CreateToken>,
) -> ApiResult<(StatusCode, Json<CreatedToken>)> {
    let person = caller.caller().person.id;
    let intent = caller.intent(&*state.clock, create::Create { person, ask });
    Ok((StatusCode::CREATED, Json(create::create(&state, caller.proof(), intent).await?)))
}

/// Revokes a token at once.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", security(("session" = [])), params(("id" = TokenId, Path)), responses((status = 204)))]
async fn revoke_token(
    State(state): State<AppState>,
    caller: Allowed<EditTokens>,
    Path(id): Path<TokenId>,
) -> ApiResult<StatusCode> {
    let person = caller.caller().person.id;
    let intent = caller.intent(&*state.clock, revoke::Revoke { person, id });
    revoke::revoke(&state, caller.proof(), intent).await?;
    Ok(StatusCode::NO_CONTENT)
}
