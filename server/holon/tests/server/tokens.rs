//! Personal API tokens.

use axum::http::StatusCode;
use holon_model::Millis;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::{Person, Server};

async fn token(server: &Server, person: &Person, body: Value) -> (String, String) {
    let answer = server.by(person, "POST", "/api/v1/tokens", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let json = answer.json();
    (json["token"]["id"].as_str().unwrap().to_owned(), json["secret"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_speaks_for_its_person_until_it_is_revoked() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (id, secret) = token(&server, &ada, json!({"name": "ci"})).await;
    let session = || server.with_token(&secret, "GET", "/api/v1/session", Value::Null);
    assert_eq!(session().await.json()["person"], ada.session["person"]);
    let listed = server.by(&ada, "GET", "/api/v1/tokens", Value::Null).await;
    assert_eq!(listed.json()["data"][0]["id"], id.as_str());
    assert!(!listed.text.contains(&secret) && listed.json()["data"][0]["last_used_at"].is_i64());
    assert_eq!(
        server.by(&ada, "DELETE", &format!("/api/v1/tokens/{id}"), Value::Null).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(session().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        server.by(&ada, "DELETE", &format!("/api/v1/tokens/{id}"), Value::Null).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_token_with_an_end_ends() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (_, secret) = token(&server, &ada, json!({"name": "week", "days": 7})).await;
    server.clock.advance(Millis(7 * 24 * 60 * 60 * 1000 - 1));
    assert_eq!(server.with_token(&secret, "GET", "/api/v1/session", Value::Null).await.status, StatusCode::OK);
    server.clock.advance(Millis(1));
    assert_eq!(
        server.with_token(&secret, "GET", "/api/v1/session", Value::Null).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_token_cannot_make_or_revoke_tokens_nor_change_the_instance() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (id, secret) = token(&server, &ada, json!({"name": "ci"})).await;
    for (method, path, body) in [
        ("POST", "/api/v1/tokens".to_owned(), json!({"name": "more"})),
        ("DELETE", format!("/api/v1/tokens/{id}"), Value::Null),
        ("PUT", "/api/v1/settings".to_owned(), json!({"sign_up": "closed"})),
        ("POST", "/api/v1/invitations".to_owned(), Value::Null),
    ] {
        let answer = server.with_token(&secret, method, &path, body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_not_a_token_is_nobody_even_beside_a_good_cookie() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (_, secret) = token(&server, &ada, json!({"name": "ci"})).await;
    let cut = &secret[..secret.len() - 1];
    for value in
        [format!("Bearer {cut}"), "Bearer x".to_owned(), format!("Basic {secret}"), secret.clone(), String::new()]
    {
        let headers = [("authorization", value.as_str()), ("cookie", ada.cookie.as_str())];
        let answer = server.send(crate::support::request("GET", "/api/v1/session", &headers, Value::Null)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{value}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn neither_tokens_nor_sessions_stand_in_the_database_in_clear() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (_, secret) = token(&server, &ada, json!({"name": "ci"})).await;
    let session = ada.cookie.split_once('=').unwrap().1;
    let mut admin = PgConnection::connect_with(&server.db.admin_options()).await.unwrap();
    for table in ["api_token", "session", "audit_event", "person"] {
        let statement = sqlx::AssertSqlSafe(format!("select coalesce(string_agg(t::text, ''), '') from {table} t"));
        let dump: String = sqlx::query_scalar(statement).fetch_one(&mut admin).await.unwrap();
        assert!(!dump.is_empty(), "{table}");
        for clear in [secret.as_str(), session, crate::support::PASSWORD] {
            assert!(!dump.contains(clear), "{table}");
        }
    }
}
