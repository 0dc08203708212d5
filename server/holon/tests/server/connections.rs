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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_is_saved_before_its_connections_are_there_and_published_only_with_them() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    // Another workspace's connection is none of ours.
    made(&server, &bob, "shop").await;
    let ask = json!({"kind": "http.request@1", "config": {"url": "https://api.example.com", "connection": "shop"}});
    let definition = json!({"holon": 1, "name": "asks", "nodes": {
        "hook": {"kind": "trigger.webhook@1", "config": {"auth": {"hmac": {"connection": "gitbub"}}}},
        "off": {"kind": "email.send@1", "config": {"connection": "nowhere", "to": "a@example.com"}, "disabled": true},
        "each": {"kind": "map@1", "config": {"items": {"$cel": "[1]"}}, "bodies": {"body": {"nodes": {"ask": ask}, "edges": []}}}},
      "edges": [{"from": "hook.out", "to": "each.in"}]});
    let flow = server.by(&ada, "POST", "/api/v1/flows", json!({ "definition": definition })).await;
    assert_eq!(flow.status, StatusCode::CREATED, "{}", flow.text);
    let path = format!("/api/v1/flows/{}", flow.json()["id"].as_str().unwrap());
    let publish = async || server.by(&ada, "POST", &format!("{path}/publish"), json!({})).await;
    let add = async |name: &str, kind: &str| {
        let hosts = if kind == "hmac_key" { json!([]) } else { json!(["api.example.com"]) };
        let body = json!({"name": name, "kind": kind, "secret": "s", "hosts": hosts});
        let answer = server.by(&ada, "POST", "/api/v1/connections", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    };
    let (key, shop) =
        ("/nodes/hook/config/auth/hmac/connection", "/nodes/each/bodies/body/nodes/ask/config/connection");
    let found = |answer: &Value, field: &str| {
        let mut found: Vec<(String, String, String)> = answer[field]
            .as_array()
            .unwrap()
            .iter()
            .filter(|found| found["code"].as_str().unwrap().ends_with("_connection"))
            .map(|found| {
                let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
                (text("pointer"), text("code"), format!("{}{} {}", text("detail"), text("message"), text("hint")))
            })
            .collect();
        found.sort();
        found
    };

    let refused = publish().await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_definition"));
    let errors = found(&refused.json(), "errors");
    let places: Vec<(&str, &str)> = errors.iter().map(|(at, code, _)| (at.as_str(), code.as_str())).collect();
    assert_eq!(places, [(shop, "unknown_connection"), (key, "unknown_connection")], "{}", refused.text);
    assert!(errors[0].2.contains("`shop`") && errors[0].2.contains("Create it"), "{errors:?}");
    // Whoever reads the draft reads the same of it.
    let read = server.by(&ada, "GET", &path, Value::Null).await.json();
    assert_eq!(found(&read, "diagnostics").len(), 2, "{read}");

    add("github", "hmac_key").await;
    add("shop", "hmac_key").await;
    let errors = found(&publish().await.json(), "errors");
    assert_eq!((errors[0].0.as_str(), errors[0].1.as_str()), (shop, "unfit_connection"), "{errors:?}");
    assert!(errors[0].2.contains("`hmac_key`") && errors[0].2.contains("`http_bearer`"), "{errors:?}");
    assert!(errors[1].2.contains("Did you mean `github`?"), "{errors:?}");

    add("gitbub", "hmac_key").await;
    let shops = server.by(&ada, "GET", "/api/v1/connections", Value::Null).await.json();
    let shops = shops["data"].as_array().unwrap().iter().find(|one| one["name"] == "shop").unwrap()["id"].clone();
    let gone =
        server.by(&ada, "DELETE", &format!("/api/v1/connections/{}", shops.as_str().unwrap()), Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    add("shop", "http_bearer").await;
    let published = publish().await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
}
