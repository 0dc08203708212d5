//! Requests that another site's page makes a browser send, and the headers that keep pages in their place.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{ORIGIN, PASSWORD, Server, request};

const EVIL: &str = "https://evil.example";

#[tokio::test]
async fn unsafe_requests_pass_only_from_our_own_pages_or_without_a_cookie() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let cookie = ("cookie", ada.cookie.as_str());
    let cases: &[(&[(&str, &str)], bool)] = &[
        (&[cookie, ("origin", ORIGIN)], true),
        (&[cookie, ("origin", ORIGIN), ("sec-fetch-site", "same-origin")], true),
        (&[cookie, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")], true),
        (&[cookie, ("sec-fetch-site", "same-origin")], true),
        (&[cookie], false),
        (&[cookie, ("origin", EVIL)], false),
        (&[cookie, ("origin", "null")], false),
        (&[cookie, ("origin", "http://localhost:9999")], false),
        (&[cookie, ("origin", "http://localhost:8080.evil.example")], false),
        (&[cookie, ("sec-fetch-site", "cross-site")], false),
        (&[cookie, ("sec-fetch-site", "same-site")], false),
        (&[cookie, ("origin", EVIL), ("sec-fetch-site", "same-origin")], false),
        (&[cookie, ("origin", EVIL), ("authorization", "Bearer x")], false),
    ];
    for (headers, passes) in cases {
        let answer = server.send(request("POST", "/api/v1/tokens", headers, json!({"name": "t"}))).await;
        let expected = if *passes { StatusCode::CREATED } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{headers:?}: {}", answer.text);
        assert!(*passes || answer.code() == "cross_site", "{headers:?}");
    }
}

#[tokio::test]
async fn another_site_cannot_sign_a_browser_in_either() {
    let server = Server::new().await;
    server.person("ada").await;
    let body = || json!({"email": "ada@example.com", "password": PASSWORD});
    for headers in [&[("origin", EVIL)][..], &[("sec-fetch-site", "cross-site")]] {
        let answer = server.send(request("POST", "/api/v1/sign-in", headers, body())).await;
        assert_eq!(answer.code(), "cross_site", "{headers:?}");
    }
    // A program without a browser says neither and has no cookie that could be misused.
    assert_eq!(server.send(request("POST", "/api/v1/sign-in", &[], body())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_opened_at_another_address_is_told_where_to_go() {
    let server = Server::new().await;
    let headers = [("origin", "http://192.168.1.5:8080")];
    let answer =
        server.send(request("POST", "/api/v1/sign-in", &headers, json!({"email": "a@b", "password": "x"}))).await;
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(ORIGIN) && detail.contains("HOLON_PUBLIC_URL"), "{detail}");
}

#[tokio::test]
async fn every_answer_has_the_security_headers_and_a_nonce_of_its_own() {
    let server = Server::new().await;
    let mut nonces = std::collections::BTreeSet::new();
    for path in ["/api/v1/instance", "/api/v1/session", "/health/live", "/sign-in", "/api/v1/nothing"] {
        let answer = server.anonymous("GET", path, Value::Null).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'nonce-")
                && !policy.contains("unsafe-eval' 'unsafe-inline"),
            "{policy}"
        );
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(nonce.len() >= 22 && nonces.insert(nonce), "{path}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers[name], value, "{path}");
        }
        assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req_"), "{path}");
    }
}
