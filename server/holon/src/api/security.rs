//! Who may call what, as the document says it: a browser's session, a personal token, a token for workers, or anybody.

use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

use super::operations;

const SESSION: &str = "session";
const TOKEN: &str = "token";
const WORKER_TOKEN: &str = "worker_token";

/// Names the schemes, and says of each operation which of them lead in. One that says so itself keeps it.
pub fn describe(api: &mut OpenApi, cookie: &str) {
    let components = api.components.get_or_insert_default();
    components.add_security_scheme(SESSION, session(cookie));
    let personal = "A personal token, `holon_pat_…`, made on the page of tokens. It may do what its maker may do, except making tokens \
                    and deciding about the instance.";
    components.add_security_scheme(TOKEN, bearer(personal));
    let worker =
        "A token made with `pools`: it may take tasks of these pools and say what became of them, and nothing else.";
    components.add_security_scheme(WORKER_TOKEN, bearer(worker));
    api.security = Some(vec![with(SESSION), with(TOKEN)]);
    for item in api.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            let for_workers = operation.tags.iter().flatten().any(|tag| tag == "workers") && method != "get";
            match &mut operation.security {
                // Anybody: no scheme at all, instead of one that asks for nothing.
                Some(schemes) if schemes.iter().all(|scheme| *scheme == SecurityRequirement::default()) => {
                    schemes.clear()
                }
                None if for_workers => operation.security = Some(vec![with(SESSION), with(TOKEN), with(WORKER_TOKEN)]),
                _ => {}
            }
        }
    }
}

fn with(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new::<_, [&str; 0], _>(scheme, [])
}

fn session(cookie: &str) -> SecurityScheme {
    let about = "What signing in sets in a browser. Whoever sends it with a method that changes something says in `Origin` which page it \
                 comes from.";
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(cookie, about)))
}

fn bearer(about: &str) -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("holon_pat_…");
    SecurityScheme::Http(scheme.description(Some(about)).build())
}
