//! Routes of identity.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use holon_model::wire::identity::{Instance, Session, SignIn, SignUp};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resolve::LONGEST;
use super::sign_in::Grant;
use super::{Error, cookie, instance, sign_in, sign_out, sign_up};
use crate::http::{ApiResult, Caller, JsonBody};
use crate::middleware::{Bucket, ClientIp};
use crate::state::AppState;

const SIGN_UP_BY_ADDRESS: Bucket = Bucket { name: "sign_up_address", burst: 30, refill: 10_000 };
/// E-mails that one address may be told are taken: whoever has used them up is told nothing of any e-mail, `docs/adr/0040-telling-at-sign-up.md`.
const TAKEN_BY_ADDRESS: Bucket = Bucket { name: "sign_up_taken", burst: 10, refill: 600_000 };

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_instance))
        .routes(routes!(post_sign_up))
        .routes(routes!(post_sign_in))
        .routes(routes!(post_sign_out))
        .routes(routes!(get_session))
}

/// What a page must know before anybody is signed in.
#[utoipa::path(get, path = "/instance", tag = "identity", security(()), responses((status = 200, body = Instance)))]
async fn get_instance(State(state): State<AppState>, headers: HeaderMap) -> ApiResult<Json<Instance>> {
    Ok(Json(instance::instance(&state, &headers).await?))
}

/// Makes a person and a workspace, and signs in. The first person of an instance becomes its operator.
#[utoipa::path(post, path = "/sign-up", tag = "identity", security(()), request_body = SignUp,
    responses((status = 201, body = Session)))]
async fn post_sign_up(
    State(state): State<AppState>,
    ip: ClientIp,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SignUp>,
) -> ApiResult<Response> {
    refuse_obstacle(&state)?;
    let told = (TAKEN_BY_ADDRESS, ip.bucket());
    state.throttle.take(state.clock.now(), &[(SIGN_UP_BY_ADDRESS, ip.bucket()), told.clone()])?;
    // Only what tells something of an e-mail counts: not what is given up half-way either.
    let told = scopeguard::guard(told, |told| state.throttle.give_back(&[told]));
    let done = sign_up::sign_up(&state, &headers, body).await;
    if matches!(done, Err(Error::EmailTaken)) {
        scopeguard::ScopeGuard::into_inner(told);
    }
    Ok((StatusCode::CREATED, signed_in(&state, &done?)).into_response())
}

/// Signs in.
#[utoipa::path(post, path = "/sign-in", tag = "identity", security(()), request_body = SignIn,
    responses((status = 200, body = Session)))]
async fn post_sign_in(
    State(state): State<AppState>,
    ip: ClientIp,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SignIn>,
) -> ApiResult<Response> {
    refuse_obstacle(&state)?;
    let grant = sign_in::sign_in(&state, &headers, ip, body).await?;
    Ok(signed_in(&state, &grant).into_response())
}

/// Ends the session. Without one it does nothing.
#[utoipa::path(post, path = "/sign-out", tag = "identity", security(()), responses((status = 204)))]
async fn post_sign_out(
    State(state): State<AppState>,
    caller: Option<Caller>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    sign_out::sign_out(&state, &headers, caller).await?;
    let gone = cookie::write(&state.config, None, 0);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Who is signed in, and where.
#[utoipa::path(get, path = "/session", tag = "identity", security(("session" = []), ("token" = []), ("worker_token" = [])), responses((status = 200, body = Session)))]
async fn get_session(caller: Caller) -> Json<Session> {
    Json(caller.session())
}

fn signed_in(state: &AppState, grant: &Grant) -> impl IntoResponse + use<> {
    let cookie = cookie::write(&state.config, Some(&grant.token), LONGEST.0 / 1000);
    ([(header::SET_COOKIE, cookie)], Json(grant.caller.session()))
}

/// A cookie that the browser would not keep is said here, not found out by the next request.
fn refuse_obstacle(state: &AppState) -> Result<(), Error> {
    instance::obstacle(&state.config, &HeaderMap::new()).map_or(Ok(()), |why| Err(Error::Obstacle(why)))
}
