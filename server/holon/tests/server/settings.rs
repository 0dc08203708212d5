//! The operator decides who may sign up.

use axum::http::StatusCode;
use holon_model::Millis;
use serde_json::{Value, json};

use crate::support::{Person, Server, sign_up};

async fn policy(server: &Server, operator: &Person, policy: &str) {
    let answer = server.by(operator, "PUT", "/api/v1/settings", json!({"sign_up": policy})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
}

async fn invitation(server: &Server, operator: &Person) -> String {
    let answer = server.by(operator, "POST", "/api/v1/invitations", Value::Null).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    url.strip_prefix("http://localhost:8080/sign-up?invitation=").unwrap().to_owned()
}

async fn try_sign_up(server: &Server, name: &str, invitation: Option<&str>) -> StatusCode {
    let mut body = sign_up(name);
    if let Some(invitation) = invitation {
        body["invitation"] = json!(invitation);
    }
    server.anonymous("POST", "/api/v1/sign-up", body).await.status
}

#[tokio::test]
async fn only_the_operator_sees_and_changes_the_settings() {
    let server = Server::new().await;
    let (operator, other) = (server.person("ada").await, server.person("bob").await);
    let settings = server.by(&operator, "GET", "/api/v1/settings", Value::Null).await;
    assert_eq!(settings.json(), json!({"sign_up": "open"}));
    for (method, path, body) in [
        ("GET", "/api/v1/settings", Value::Null),
        ("PUT", "/api/v1/settings", json!({"sign_up": "closed"})),
        ("POST", "/api/v1/invitations", Value::Null),
    ] {
        assert_eq!(server.by(&other, method, path, body).await.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn closed_is_closed_even_with_an_invitation() {
    let server = Server::new().await;
    let operator = server.person("ada").await;
    let invitation = invitation(&server, &operator).await;
    policy(&server, &operator, "closed").await;
    assert_eq!(try_sign_up(&server, "bob", None).await, StatusCode::FORBIDDEN);
    assert_eq!(try_sign_up(&server, "bob", Some(&invitation)).await, StatusCode::FORBIDDEN);
    policy(&server, &operator, "open").await;
    assert_eq!(try_sign_up(&server, "bob", None).await, StatusCode::CREATED);
}

#[tokio::test]
async fn an_invitation_lets_one_person_in_for_seven_days() {
    let server = Server::new().await;
    let operator = server.person("ada").await;
    policy(&server, &operator, "invitation").await;
    let (first, late) = (invitation(&server, &operator).await, invitation(&server, &operator).await);
    assert_eq!(try_sign_up(&server, "bob", None).await, StatusCode::FORBIDDEN);
    assert_eq!(try_sign_up(&server, "bob", Some("made up")).await, StatusCode::FORBIDDEN);
    // A sign-up that fails does not use the invitation up.
    assert_eq!(try_sign_up(&server, "ada", Some(&first)).await, StatusCode::CONFLICT);
    assert_eq!(try_sign_up(&server, "bob", Some(&first)).await, StatusCode::CREATED);
    assert_eq!(try_sign_up(&server, "eve", Some(&first)).await, StatusCode::FORBIDDEN);
    server.clock.advance(Millis(7 * 24 * 60 * 60 * 1000));
    assert_eq!(try_sign_up(&server, "eve", Some(&late)).await, StatusCode::FORBIDDEN);
}
