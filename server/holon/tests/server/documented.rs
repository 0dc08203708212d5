//! Holds every answer that any test meets against the document: no operation answers what it does not say.

use std::sync::LazyLock;

use axum::http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;

/// The document of the tests' servers.
pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(holon::open_api("holon_8080")).expect("the document is JSON"));

/// Fails when an operation answers with a status that it does not name, or the API with an error that is no problem.
pub fn hold(method: &Method, path: &str, status: StatusCode, headers: &HeaderMap) {
    let Some((template, operation)) = find(method, path) else { return };
    let said = &operation["responses"];
    let code = status.as_str();
    assert!(
        said[code].is_object() || said["default"].is_object(),
        "{method} {template} answered {code}, which the document does not say"
    );
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if status.as_u16() >= 400 && template.starts_with("/api/v1/") {
        assert_eq!(kind, "application/problem+json", "{method} {template} answered {code}");
    }
}

/// The operation at this path; none for a page, and for a method that the path does not answer.
fn find<'d>(method: &Method, path: &str) -> Option<(&'d str, &'d Value)> {
    let paths = DOCUMENT["paths"].as_object().expect("there are paths");
    let matches = |template: &str| {
        let (parts, given) = (template.split('/'), path.split('/'));
        parts.clone().count() == given.clone().count()
            && parts.zip(given).all(|(part, given)| part.starts_with('{') || part == given)
    };
    // `/events/runs` is meant before `/events/{id}`.
    let mut found: Vec<&String> = paths.keys().filter(|template| matches(template)).collect();
    found.sort_by_key(|template| template.matches('{').count());
    let template = *found.first()?;
    let operation = paths[template].get(method.as_str().to_lowercase())?;
    Some((template, operation))
}
