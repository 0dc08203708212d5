//! The document of the API: whole, true, and readable.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::documented::DOCUMENT;
use crate::support::{ORIGIN, Server, request};

/// Routes that are pages, files or the operator's own: they are not for programs that call the API.
const NOT_FOR_PROGRAMS: &[&str] = &["/api/docs", "/docs/errors/{code}", "/metrics", "/pkg", "/favicon", "/robots.txt"];

/// `(method, path, operation)` of every operation.
fn operations() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

/// The path with a value for each parameter: ids of the right form that nothing has.
fn called(path: &str, operation: &Value) -> String {
    operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path").fold(
        path.to_owned(),
        |path, parameter| {
            let name = parameter["name"].as_str().unwrap();
            let shape = parameter["schema"]["$ref"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
            let pattern = DOCUMENT["components"]["schemas"][shape]["pattern"].as_str();
            let value = match pattern.and_then(|pattern| pattern.strip_prefix('^')?.split_once('_')) {
                Some((prefix, _)) => format!("{prefix}_01900000000070008000000000000001"),
                None if parameter["schema"]["type"] == "integer" => "1".to_owned(),
                None => "a".repeat(32),
            };
            path.replace(&format!("{{{name}}}"), &value)
        },
    )
}

/// The schemes of which each leads in.
fn schemes(operation: &Value) -> BTreeSet<&str> {
    let own = operation.get("security").unwrap_or(&DOCUMENT["security"]);
    own.as_array().unwrap().iter().flat_map(|scheme| scheme.as_object().unwrap().keys()).map(String::as_str).collect()
}

fn example(operation: &Value) -> Value {
    operation["requestBody"]["content"]["application/json"]["example"].clone()
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    fn walk(value: &Value, seen: &mut usize) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads outside"));
                    assert!(DOCUMENT.pointer(pointer).is_some(), "{reference} leads nowhere");
                    *seen += 1;
                }
                map.values().for_each(|value| walk(value, seen));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, seen)),
            _ => {}
        }
    }
    let mut seen = 0;
    walk(&DOCUMENT, &mut seen);
    assert!(seen > 500, "{seen}");
    assert!(DOCUMENT["externalDocs"]["description"].is_string(), "validators want one");
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name"));
        assert!(names.insert(name), "two operations are called {name}");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            assert!(answer["$ref"].is_string() || answer["description"].is_string(), "{method} {path} {status}");
        }
        for scheme in schemes(operation) {
            assert!(DOCUMENT["components"]["securitySchemes"][scheme].is_object(), "{method} {path}: {scheme}");
        }
    }
}

#[tokio::test]
async fn every_route_of_the_server_is_in_the_document() {
    let server = Server::new().await;
    let routes = server.routes();
    assert!(routes.len() > 80, "the routes are found: {routes:?}");
    let documented: BTreeSet<&str> = operations().into_iter().map(|(_, path, _)| path).collect();
    for route in &routes {
        let known = documented.contains(route.as_str()) || NOT_FOR_PROGRAMS.iter().any(|part| route.starts_with(part));
        assert!(known, "{route} is not in the document");
    }
    for path in documented {
        assert!(routes.iter().any(|route| route == path), "{path} is in the document and no route");
    }
}

#[tokio::test]
async fn who_may_call_what_is_what_the_document_says() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let token = async |body: Value| {
        let made = server.by(&ada, "POST", "/api/v1/tokens", body).await;
        made.json()["secret"].as_str().unwrap().to_owned()
    };
    let tokens = [
        ("token", token(json!({"name": "t"})).await),
        ("worker_token", token(json!({"name": "w", "pools": []})).await),
    ];
    for (method, path, operation) in operations() {
        let schemes = schemes(operation);
        if !path.starts_with("/api/v1/") || schemes.is_empty() {
            continue;
        }
        assert!(schemes.contains("session"), "{method} {path}");
        for (scheme, token) in &tokens {
            let headers = [("authorization", format!("Bearer {token}")), ("if-match", "\"1\"".to_owned())];
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let status = server
                .status(request(&method.to_uppercase(), &called(path, operation), &headers, example(operation)))
                .await;
            assert_eq!(
                status == StatusCode::FORBIDDEN,
                !schemes.contains(scheme),
                "{method} {path} with a {scheme}: {status}"
            );
        }
    }
}

#[tokio::test]
async fn every_operation_that_reads_json_shows_a_body_that_it_takes() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    for (method, path, operation) in operations() {
        if !operation["requestBody"]["content"]["application/json"].is_object() {
            continue;
        }
        let body = example(operation);
        assert!(!body.is_null(), "{method} {path} has no example in server/holon/src/api/examples.rs");
        let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", "\"1\"")];
        let answer = server.send(request(&method.to_uppercase(), &called(path, operation), &headers, body)).await;
        assert!(![400, 413, 415, 422].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn people_read_the_same_with_a_call_to_try_and_the_schema_of_flows_has_an_address() {
    let server = Server::new().await;
    let served = server.anonymous("GET", "/api/openapi.json", Value::Null).await;
    assert_eq!(served.json(), *DOCUMENT);
    let page = server.anonymous("GET", "/api/docs", Value::Null).await.text;
    for (method, path, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap();
        assert!(
            page.contains(&format!("<article id=\"{name}\"><h3><code>{} {path}</code>", method.to_uppercase())),
            "{name}"
        );
    }
    assert_eq!(page.matches("<pre tabindex=\"0\"><code>curl ").count(), operations().len());
    for named in [
        "id=\"shape-Flow\"",
        "id=\"error-412\"",
        "href=\"/docs/errors/stale_revision\"",
        "href=\"/api/flow.schema.json\"",
    ] {
        assert!(page.contains(named), "{named}");
    }
    let schema = server.anonymous("GET", "/api/flow.schema.json", Value::Null).await;
    assert_eq!(schema.headers["content-type"], "application/schema+json");
    assert!(schema.json()["$defs"].is_object());
}
