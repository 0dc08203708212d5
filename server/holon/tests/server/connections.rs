//! Connections: a secret goes in and comes out only towards the runtime.

use axum::http::StatusCode;
use holon_model::{EnvironmentId, TenantId};
use holon_platform::execute::ConnectionError;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::{Person, Server};

const CANARY: &str = "canary-5fca1d";

fn ids(person: &Person) -> (TenantId, EnvironmentId) {
    let id = |pointer| person.session.pointer(pointer).and_then(Value::as_str).unwrap();
    (id("/tenant/id").parse().unwrap(), id("/environment/id").parse().unwrap())
}

fn body(name: &str, secret: &str) -> Value {
    json!({"name": name, "kind": "http_bearer", "secret": secret, "hosts": ["API.example.com"]})
}

async fn made(server: &Server, person: &Person, name: &str) -> String {
    let answer = server.by(person, "POST", "/api/v1/connections", body(name, CANARY)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_runtime_finds_the_secret_by_name_and_only_the_newest() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (tenant, environment) = ids(&ada);
    let id = made(&server, &ada, "git").await;
    let found = server.state.connections.resolve(tenant, environment, "git").await.unwrap();
    assert_eq!((found.secret.expose(), found.hosts), (CANARY.as_bytes(), vec!["api.example.com".to_owned()]));
    let answer = server.by(&ada, "PUT", &format!("/api/v1/connections/{id}"), body("git", "second")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let found = server.state.connections.resolve(tenant, environment, "git").await.unwrap();
    assert_eq!(found.secret.expose(), b"second");
    server.by(&ada, "DELETE", &format!("/api/v1/connections/{id}"), Value::Null).await;
    let gone = server.state.connections.resolve(tenant, environment, "git").await.unwrap_err();
    assert_eq!(gone, ConnectionError::Unknown { name: "git".to_owned() });
}

#[tokio::test]
async fn a_secret_is_in_no_answer_no_row_and_no_audit_detail() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let id = made(&server, &ada, "git").await;
    for (method, path, body) in [
        ("GET", "/api/v1/connections".to_owned(), Value::Null),
        ("PUT", format!("/api/v1/connections/{id}"), body("git", CANARY)),
        ("POST", "/api/v1/connections".to_owned(), body("git", CANARY)),
        ("POST", "/api/v1/connections".to_owned(), body("Bad Name", CANARY)),
    ] {
        let answer = server.by(&ada, method, &path, body).await;
        assert!(!answer.text.contains(CANARY), "{method} {path}: {}", answer.text);
    }
    let mut admin = PgConnection::connect_with(&server.db.admin_options()).await.unwrap();
    for table in ["connection", "tenant_key", "audit_event"] {
        let statement = sqlx::AssertSqlSafe(format!(
            "select string_agg(t::text, '') like '%' || $1 || '%' or string_agg(t::text, '') like '%' || encode($1::bytea, 'hex') || '%' from {table} t"
        ));
        let found: Option<bool> = sqlx::query_scalar(statement).bind(CANARY).fetch_one(&mut admin).await.unwrap();
        assert_eq!(found, Some(false), "{table}");
    }
}

#[tokio::test]
async fn a_sealed_secret_moved_to_another_tenant_does_not_open() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    made(&server, &ada, "git").await;
    made(&server, &bob, "git").await;
    let ((a, _), (b, environment)) = (ids(&ada), ids(&bob));
    let mut admin = PgConnection::connect_with(&server.db.admin_options()).await.unwrap();
    sqlx::query(
        "update connection set sealed = (select sealed from connection where tenant_id = $1) where tenant_id = $2",
    )
    .bind(a.0)
    .bind(b.0)
    .execute(&mut admin)
    .await
    .unwrap();
    let error = server.state.connections.resolve(b, environment, "git").await.unwrap_err();
    assert_eq!(error, ConnectionError::Sealed { name: "git".to_owned() });
    admin.execute("update tenant_key set wrapped = '\\x01'").await.unwrap();
    assert!(server.state.connections.resolve(b, environment, "git").await.is_err());
}

#[tokio::test]
async fn names_are_taken_within_a_workspace_and_free_in_another() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    made(&server, &ada, "git").await;
    made(&server, &bob, "git").await;
    let again = server.by(&ada, "POST", "/api/v1/connections", body("git", "x")).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "already_exists".to_owned()));
    let listed = server.by(&ada, "GET", "/api/v1/connections", Value::Null).await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}
