//! What a page must know before anybody is signed in.

use axum::http::{HeaderMap, header};
use holon_model::wire::identity::{Instance, SignUpPolicy};
use holon_platform::config::{Config, CookieMode};
use sqlx::PgConnection;

use super::{Error, store};
use crate::state::AppState;

/// What a page must know before anybody is signed in.
pub async fn instance(state: &AppState, headers: &HeaderMap) -> Result<Instance, Error> {
    let mut auth = state.pools.auth.acquire().await?;
    Ok(Instance {
        first_run: !store::anybody(&mut auth).await?,
        sign_up: sign_up_policy(&mut auth).await?,
        sign_in_obstacle: obstacle(&state.config, headers),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Who may sign up; open until the operator decides otherwise.
pub async fn sign_up_policy(auth: &mut PgConnection) -> Result<SignUpPolicy, Error> {
    match store::setting(auth, "sign_up").await?.as_deref() {
        None | Some("open") => Ok(SignUpPolicy::Open),
        Some("invitation") => Ok(SignUpPolicy::Invitation),
        Some("closed") => Ok(SignUpPolicy::Closed),
        Some(other) => Err(Error::Inconsistent(format!("sign-up policy `{other}`"))),
    }
}

/// Why signing in cannot work from where the page was opened, in words for the page.
pub(super) fn obstacle(config: &Config, headers: &HeaderMap) -> Option<String> {
    let base = config.public_base();
    if config.cookie_mode() == CookieMode::Refused {
        return Some(format!(
            "This server's address is {base}, which is not encrypted: browsers would send the session where others can \
             read it. Put a proxy with https in front and set HOLON_PUBLIC_URL, or, on a network you trust, set \
             HOLON_ALLOW_PLAIN_HTTP=true."
        ));
    }
    let host = opened_at(headers)?;
    if by_https(headers) && base.starts_with("http://") {
        // What stands in the browser's address bar is another origin: all that the page sends would be refused.
        return Some(format!(
            "This page was opened at https://{host}, through a proxy, but this server's address is {base}: what the page \
             sends would be refused. Set HOLON_PUBLIC_URL=https://{host}, and the proxy's own address in \
             HOLON_TRUSTED_PROXIES."
        ));
    }
    let local = config.public_origins().iter().any(|origin| origin.ends_with(&format!("//{host}")));
    (config.public_is_local() && !local).then(|| {
        format!(
            "This page was opened at {host}, but this server's address is {base}. Open {base} instead, or set \
             HOLON_PUBLIC_URL to the address that people open."
        )
    })
}

/// What stands in the browser's address bar, as far as anybody says: a proxy, or else `Host`, which a proxy may have rewritten. A proxy
/// that was not declared is believed here as any other: whoever makes it up is told something that is not so, and nothing else.
fn opened_at(headers: &HeaderMap) -> Option<&str> {
    let said = first(headers, "x-forwarded-host").filter(|host| !host.is_empty());
    said.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// Whether a proxy says that the browser came to it by https.
fn by_https(headers: &HeaderMap) -> bool {
    first(headers, "x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// The first of a list in a header: what the outermost proxy says.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim)
}
