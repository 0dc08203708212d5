//! A session ends: the server forgets it, so that a copied cookie is worth nothing afterwards.

use axum::http::HeaderMap;
use holon_model::intent::IntentPayload;
use holon_model::{Intent, Value};
use holon_platform::crypto::hash_token;

use super::{Error, cookie, store};
use crate::audit;
use crate::http::Caller;
use crate::state::AppState;

/// A session ends.
struct EndSession;

impl IntentPayload for EndSession {
    const TYPE: &'static str = "session.end";
}

/// Ends the session of the request's cookie. Without one there is nothing to do, and that is fine.
pub async fn sign_out(state: &AppState, headers: &HeaderMap, caller: Option<Caller>) -> Result<(), Error> {
    let Some(token) = cookie::read(&state.config, headers) else { return Ok(()) };
    let mut tx = state.pools.auth.begin().await?;
    store::end_session(&mut tx, &hash_token(token), state.clock.now()).await?;
    if let Some(caller) = caller
        && let Some(session) = caller.session
    {
        store::bind_tenant(&mut tx, caller.context.tenant).await?;
        let intent: Intent<EndSession> = caller.intent(&*state.clock, EndSession);
        audit::record_in(&mut tx, &*state.clock, &intent, &session.to_string(), &Value::Null).await?;
    }
    tx.commit().await?;
    Ok(())
}
