//! Requests that nobody should send: each gets a problem that says what is wrong, and the server goes on.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, ORIGIN, Person, Server};

async fn post(server: &Server, person: &Person, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let mut builder =
        Request::builder().method("POST").uri(path).header("origin", ORIGIN).header("cookie", &person.cookie);
    if !kind.is_empty() {
        builder = builder.header("content-type", kind);
    }
    server.send(builder.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn each_bad_body_gets_its_own_precise_error() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let json = "application/json";
    let deep = format!("{{\"name\": {}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let cases: Vec<(&str, Vec<u8>, StatusCode, &str)> = vec![
        (json, b"".to_vec(), StatusCode::BAD_REQUEST, "invalid_json"),
        (json, b"{".to_vec(), StatusCode::BAD_REQUEST, "invalid_json"),
        (json, b"{\"name\": \"a\"} x".to_vec(), StatusCode::BAD_REQUEST, "invalid_json"),
        (json, b"{\"name\": \"\xff\"}".to_vec(), StatusCode::BAD_REQUEST, "invalid_json"),
        (json, b"[]".to_vec(), StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
        (json, b"{\"name\": 7}".to_vec(), StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
        (json, b"{\"name\": \"a\", \"nome\": 1}".to_vec(), StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
        (json, b"{\"name\": \"a\", \"name\": \"b\"}".to_vec(), StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
        (json, b"{\"name\": \"a\", \"days\": 1e999}".to_vec(), StatusCode::BAD_REQUEST, "invalid_json"),
        (
            json,
            b"{\"name\": \"a\", \"days\": 99999999999999999999}".to_vec(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "validation_failed",
        ),
        (json, b"{\"name\": \"a\\u0000b\"}".to_vec(), StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
        (json, deep.into_bytes(), StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
        (json, vec![b' '; 10 << 20], StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
        ("text/plain", b"{\"name\": \"a\"}".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
        ("", b"{\"name\": \"a\"}".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
        (
            "application/x-www-form-urlencoded",
            b"name=a".to_vec(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
        ),
    ];
    for (kind, body, status, code) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = post(&server, &ada, "/api/v1/tokens", kind, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{shown}: {}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{shown}");
        let problem = answer.json();
        assert!(problem["detail"].as_str().is_some_and(|d| d.len() > 10), "{shown}: {problem}");
        assert_eq!(problem["request_id"], answer.headers["x-request-id"].to_str().unwrap(), "{shown}");
    }
    assert_eq!(
        post(&server, &ada, "/api/v1/tokens", "application/json; charset=utf-8", "{\"name\": \"a\"}").await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn the_error_of_a_nested_field_points_to_it() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let body = json!({"name": "a", "kind": "http_bearer", "secret": "x", "hosts": ["a.example", 7]});
    let answer = server.by(&ada, "POST", "/api/v1/connections", body).await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/hosts/1");
}

#[tokio::test]
async fn unknown_addresses_wrong_methods_and_odd_ids_are_problems_too() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    for (method, path, status, code) in [
        ("GET", "/api/v1/nothing", StatusCode::NOT_FOUND, "not_found"),
        ("PATCH", "/api/v1/tokens", StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        ("DELETE", "/api/v1/session", StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        ("DELETE", "/api/v1/tokens/nonsense", StatusCode::NOT_FOUND, "not_found"),
        ("DELETE", "/api/v1/tokens/flow_01900000000070008000000000000001", StatusCode::NOT_FOUND, "not_found"),
        ("DELETE", "/api/v1/tokens/%00", StatusCode::NOT_FOUND, "not_found"),
        ("DELETE", "/api/v1/tokens/..%2f..%2fetc", StatusCode::NOT_FOUND, "not_found"),
        ("GET", "/api/v1/flows?limit=many", StatusCode::BAD_REQUEST, "invalid_request"),
        ("GET", "/api/v1/flows?cursor=made-up", StatusCode::BAD_REQUEST, "invalid_request"),
    ] {
        let answer = server.by(&ada, method, path, Value::Null).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{method} {path}: {}", answer.text);
        if status == StatusCode::METHOD_NOT_ALLOWED {
            assert!(!answer.headers["allow"].is_empty(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_said_and_not_a_fault_of_ours() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.db.pools.auth.close().await;
    let answer = server.by(&ada, "GET", "/api/v1/session", Value::Null).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable".to_owned()));
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(server.anonymous("GET", "/health/ready", Value::Null).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(server.anonymous("GET", "/health/live", Value::Null).await.status, StatusCode::OK);
}
