//! Sign-up, sign-in, sign-out, and what a session is.

use axum::http::StatusCode;
use holon_model::Millis;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::{ORIGIN, PASSWORD, Server, request, sign_up};

const DAY: Millis = Millis(24 * 60 * 60 * 1000);

#[tokio::test]
async fn the_first_person_is_the_operator_and_the_next_is_not() {
    let server = Server::new().await;
    assert_eq!(server.anonymous("GET", "/api/v1/instance", Value::Null).await.json()["first_run"], true);
    let ada = server.person("ada").await;
    let bob = server.person("bob").await;
    assert_eq!(server.anonymous("GET", "/api/v1/instance", Value::Null).await.json()["first_run"], false);
    assert_eq!((ada.session["operator"].clone(), bob.session["operator"].clone()), (json!(true), json!(false)));
    assert_eq!(server.by(&bob, "GET", "/api/v1/session", Value::Null).await.json(), bob.session);
    assert_ne!(ada.session["tenant"]["id"], bob.session["tenant"]["id"]);
}

#[tokio::test]
async fn of_many_first_people_at_once_exactly_one_becomes_the_operator() {
    let server = Server::new().await;
    let sign_ups = (0..6).map(|n| server.person(Box::leak(format!("p{n}").into_boxed_str())));
    let operators = futures::future::join_all(sign_ups).await.iter().filter(|p| p.session["operator"] == true).count();
    assert_eq!(operators, 1);
}

#[tokio::test]
async fn the_cookie_is_what_the_public_address_allows() {
    let local = Server::new().await;
    let answer = local.anonymous("POST", "/api/v1/sign-up", sign_up("ada")).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("holon_8080="), "{cookie}");
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax") && cookie.contains("; Path=/"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "{cookie}");

    let secure = Server::with(&[("HOLON_PUBLIC_URL", "https://holon.example")]).await;
    let answer =
        secure.send(request("POST", "/api/v1/sign-up", &[("origin", "https://holon.example")], sign_up("ada"))).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-holon=") && cookie.contains("; Secure"), "{cookie}");

    let refused = Server::with(&[("HOLON_PUBLIC_URL", "http://192.168.1.5:8080")]).await;
    let instance = refused.anonymous("GET", "/api/v1/instance", Value::Null).await.json();
    assert!(instance["sign_in_obstacle"].as_str().unwrap().contains("HOLON_ALLOW_PLAIN_HTTP"), "{instance}");
    let answer = refused
        .send(request("POST", "/api/v1/sign-up", &[("origin", "http://192.168.1.5:8080")], sign_up("ada")))
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "a cookie that would not be kept is not pretended");
}

#[tokio::test]
async fn a_page_opened_at_another_address_says_so_before_anybody_tries() {
    let server = Server::new().await;
    let at = |host: &'static str| request("GET", "/api/v1/instance", &[("host", host)], Value::Null);
    assert_eq!(server.send(at("127.0.0.1:8080")).await.json()["sign_in_obstacle"], Value::Null);
    let instance = server.send(at("192.168.1.5:8080")).await.json();
    assert!(instance["sign_in_obstacle"].as_str().unwrap().contains(ORIGIN), "{instance}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_that_nobody_declared_both_pages_say_that_signing_in_cannot_work_and_what_to_set() {
    let plain = [("HOLON_PUBLIC_URL", "http://holon.lan:8080"), ("HOLON_ALLOW_PLAIN_HTTP", "true")];
    let by_proxy = [("host", "localhost:8080"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "flows.example")];
    let host_kept = [("host", "flows.example"), ("x-forwarded-proto", "https, http")];
    let rewritten = [("host", "localhost:8080"), ("x-forwarded-host", "flows.example")];
    let silent = [("host", "flows.example")];
    let secure = "HOLON_PUBLIC_URL=https://flows.example,";
    for (config, headers, says) in [
        (&[][..], &by_proxy[..], secure),
        (&[], &host_kept, secure),
        (&plain, &by_proxy, secure),
        (&plain, &host_kept, secure),
        (&[], &rewritten, "HOLON_PUBLIC_URL to the address that people open"),
        (&[], &silent, "HOLON_PUBLIC_URL to the address that people open"),
    ] {
        let server = Server::with(config).await;
        // Before anybody is there, and afterwards.
        for first in [true, false] {
            let open = if first { &["/sign-up"][..] } else { &["/sign-up", "/sign-in"] };
            for path in open {
                let page = server.send(request("GET", path, headers, Value::Null)).await;
                assert_eq!(page.status, StatusCode::OK, "{path}");
                let warned = page.text.contains("Signing in cannot work from this address");
                assert!(warned && page.text.contains(says), "{path} of {headers:?}: {}", page.text);
            }
            let instance = server.send(request("GET", "/api/v1/instance", headers, Value::Null)).await.json();
            assert!(instance["sign_in_obstacle"].as_str().unwrap().contains(says), "{instance}");
            // Whoever tries all the same is refused with the same advice, and is told nothing else.
            let mut sent = headers.to_vec();
            sent.push(("origin", "https://flows.example"));
            for (path, body) in [
                ("/api/v1/sign-up", sign_up("eve")),
                ("/api/v1/sign-in", json!({"email": "eve@example.com", "password": PASSWORD})),
            ] {
                let refused = server.send(request("POST", path, &sent, body)).await;
                assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "cross_site"), "{path}");
                assert!(refused.text.contains("HOLON_PUBLIC_URL"), "{}", refused.text);
            }
            if first {
                let origin = config.first().map_or(ORIGIN, |(_, url)| url);
                let body = sign_up("ada");
                let signed_up = server.send(request("POST", "/api/v1/sign-up", &[("origin", origin)], body)).await;
                assert_eq!(signed_up.status, StatusCode::CREATED, "{}", signed_up.text);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_that_was_declared_neither_page_warns() {
    let config = [("HOLON_PUBLIC_URL", "https://flows.example"), ("HOLON_TRUSTED_PROXIES", "10.0.0.0/8")];
    let server = Server::with(&config).await;
    let headers = [("host", "localhost:8080"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "flows.example")];
    let page = server.send(request("GET", "/sign-up", &headers, Value::Null)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("Signing in cannot work"), "{}", page.text);
    let instance = server.send(request("GET", "/api/v1/instance", &headers, Value::Null)).await.json();
    assert_eq!(instance["sign_in_obstacle"], Value::Null);
}

#[tokio::test]
async fn unknown_people_and_wrong_passwords_get_the_same_answer() {
    let server = Server::new().await;
    server.person("ada").await;
    let try_in = |email: &'static str, password: &'static str| {
        server.anonymous("POST", "/api/v1/sign-in", json!({"email": email, "password": password}))
    };
    let wrong = try_in("ada@example.com", "not her password").await;
    let unknown = try_in("eve@example.com", "not her password").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.comparable(), unknown.comparable());
    let names = |a: &crate::support::Answer| a.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&wrong), names(&unknown));
    assert_eq!(try_in("  ADA@example.COM ", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_email_signs_up_once_whatever_its_capitals() {
    let server = Server::new().await;
    server.person("ada").await;
    let mut body = sign_up("ada");
    body["email"] = json!("ADA@Example.com");
    let again = server.anonymous("POST", "/api/v1/sign-up", body).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "already_exists".to_owned()));
    assert_eq!(again.json()["errors"][0]["pointer"], "/email");
}

#[tokio::test]
async fn what_sign_up_tells_of_e_mails_is_soon_over_and_nothing_where_it_is_not_open() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let as_known = || server.anonymous("POST", "/api/v1/sign-up", sign_up("ada"));
    for _ in 0..10 {
        assert_eq!(as_known().await.code(), "already_exists");
    }
    // From now on a known and an unknown e-mail are answered the same.
    let (known, unknown) = (as_known().await, server.anonymous("POST", "/api/v1/sign-up", sign_up("eve")).await);
    assert_eq!(known.code(), "too_many_requests");
    assert_eq!(known.comparable(), unknown.comparable());
    assert!(known.headers["retry-after"] == unknown.headers["retry-after"]);
    server.clock.advance(Millis(600_000));
    assert_eq!(as_known().await.code(), "already_exists");
    server.clock.advance(Millis(600_000));
    // Whoever really signs up is not counted.
    for name in ["bob", "cyd", "dan", "fay", "gus", "hal"] {
        server.person(name).await;
    }

    for policy in ["closed", "invitation"] {
        server.by(&ada, "PUT", "/api/v1/settings", json!({"sign_up": policy})).await;
        let (known, unknown) = (as_known().await, server.anonymous("POST", "/api/v1/sign-up", sign_up("eve")).await);
        assert_eq!((known.status, known.code().as_str()), (StatusCode::FORBIDDEN, "sign_up_closed"));
        assert_eq!(known.comparable(), unknown.comparable(), "{policy}");
    }
}

#[tokio::test]
async fn a_password_has_fifteen_characters() {
    let server = Server::new().await;
    let mut body = sign_up("ada");
    body["password"] = json!("boat x ladder7");
    let answer = server.anonymous("POST", "/api/v1/sign-up", body.clone()).await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/password", "{}", answer.text);
    assert!(answer.json()["errors"][0]["detail"].as_str().unwrap().contains("15 characters"), "{}", answer.text);
    body["password"] = json!("boat x ladder 7");
    assert_eq!(server.anonymous("POST", "/api/v1/sign-up", body).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn fields_that_are_not_accepted_are_named_all_at_once() {
    let server = Server::new().await;
    let body = json!({"name": " ", "email": "ada", "password": "short", "workspace": ""});
    let answer = server.anonymous("POST", "/api/v1/sign-up", body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let json = answer.json();
    let pointers: Vec<&str> =
        json["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/name", "/workspace", "/email", "/password"]);
}

#[tokio::test]
async fn nobody_signs_up_into_somebody_elses_workspace_or_as_operator_by_adding_fields() {
    let server = Server::new().await;
    for field in ["tenant_id", "operator", "role", "person_id"] {
        let mut body = sign_up("eve");
        body[field] = json!(true);
        let answer = server.anonymous("POST", "/api/v1/sign-up", body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed".to_owned()));
    }
}

#[tokio::test]
async fn a_session_ends_with_sign_out_and_its_cookie_is_worth_nothing_then() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let out = server.by(&ada, "POST", "/api/v1/sign-out", Value::Null).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(server.by(&ada, "GET", "/api/v1/session", Value::Null).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(server.by(&ada, "POST", "/api/v1/sign-out", Value::Null).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_the_browser_had() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let again = server.by(&ada, "POST", "/api/v1/sign-in", body).await;
    assert_ne!(again.cookie(), ada.cookie, "a session id set by somebody else before sign-in is not kept");
    assert_eq!(server.by(&ada, "GET", "/api/v1/session", Value::Null).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_unused_session_ends_and_a_used_one_ends_too_in_the_end() {
    let server = Server::new().await;
    let (idle, used) = (server.person("idle").await, server.person("used").await);
    let status = |person: crate::support::Person| {
        let server = &server;
        async move { server.by(&person, "GET", "/api/v1/session", Value::Null).await.status }
    };
    for _ in 0..29 {
        server.clock.advance(DAY);
        assert_eq!(status(used.clone()).await, StatusCode::OK);
    }
    assert_eq!(status(idle).await, StatusCode::UNAUTHORIZED);
    server.clock.advance(DAY);
    assert_eq!(status(used).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_does_not_lock_the_person_out() {
    let server = Server::new().await;
    server.person("ada").await;
    let guess = |password: &'static str| {
        server.anonymous("POST", "/api/v1/sign-in", json!({"email": "ada@example.com", "password": password}))
    };
    let mut refused = None;
    for _ in 0..10 {
        let answer = guess("a wrong guess").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the guesses are slowed down");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    server.clock.advance(Millis(60_000));
    assert_eq!(guess(PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_change_of_identity_is_in_the_audit_log_with_its_request() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.by(&ada, "POST", "/api/v1/sign-out", Value::Null).await;
    let mut admin = PgConnection::connect_with(&server.db.admin_options()).await.unwrap();
    let rows: Vec<(String, String, String, Option<String>)> =
        sqlx::query_as("select intent_type, actor, source, request_id from audit_event order by event_id")
            .fetch_all(&mut admin)
            .await
            .unwrap();
    let types: Vec<&str> = rows.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(types, ["workspace.create", "session.begin", "session.end"]);
    let person = ada.session["person"]["id"].as_str().unwrap();
    for (_, actor, source, request) in &rows {
        assert_eq!((actor.as_str(), source.as_str()), (person, "web"));
        assert!(request.as_deref().unwrap().starts_with("req_"));
    }
}
