//! Forms as triggers: the page, what is sent, and who may see it.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::{Answer, ORIGIN, Person, Server, request};
use crate::waiting::{ended, published};

/// A flow with a form, published: its path and the form's.
async fn form(server: &Server, ada: &Person, config: Value, nodes: Value) -> (String, String) {
    let schema = json!({"type": "object", "required": ["name", "kind"], "additionalProperties": false, "properties": {
        "name": {"type": "string", "title": "Your <name>", "maxLength": 20}, "kind": {"enum": ["tea", "cup"]},
        "price": {"type": "number", "minimum": 1}, "to": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}}});
    let mut all = json!({"ask": {"kind": "trigger.form@1", "config": {"title": "Order", "schema": schema}}});
    for (key, value) in config.as_object().unwrap() {
        all["ask"]["config"][key] = value.clone();
    }
    let mut edges = Vec::new();
    for (key, node) in nodes.as_object().unwrap() {
        all[key] = node.clone();
        edges.push(("ask.out".to_owned(), format!("{key}.in")));
    }
    let edges: Vec<(&str, &str)> = edges.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let flow = published(server, ada, all, &edges, json!({"$cel": "nodes.ask"})).await;
    let read = server.by(ada, "GET", &flow, Value::Null).await.json();
    assert_eq!(
        (&read["webhooks"][0]["is_form"], &read["webhooks"][0]["method"]),
        (&json!(true), &json!("GET")),
        "{read}"
    );
    let url = read["webhooks"][0]["url"].as_str().unwrap();
    (flow, url.strip_prefix(ORIGIN).unwrap().to_owned())
}

async fn submit(server: &Server, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    let mut request =
        Request::builder().method("POST").uri(path).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(Body::from(body.finish())).unwrap()).await
}

/// What tells one opening of the page from another.
fn once(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"once\" value=\"").unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

async fn runs(server: &Server, ada: &Person, flow: &str) -> Vec<Value> {
    let id = flow.rsplit('/').next().unwrap();
    let page = server.by(ada, "GET", &format!("/api/v1/runs?flow={id}"), Value::Null).await.json();
    page["data"].as_array().unwrap().clone()
}

const ORIGINS: &[(&str, &str)] = &[("origin", ORIGIN)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_sent_twice_starts_one_run_and_one_that_is_changed_another() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, form) = form(&server, &ada, json!({"thanks": "Thanks, & <soon>."}), json!({})).await;
    let page = server.send(request("GET", &form, &[], Value::Null)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("Your &lt;name&gt;") && page.text.contains("<legend>To"), "{}", page.text);
    let key = once(&page.text);
    let filled = [
        ("once", key.as_str()),
        ("form/name", "Ada"),
        ("form/kind", "1"),
        ("form/price", "12.50"),
        ("form/to/city", "Bonn"),
    ];
    for _ in 0..2 {
        let sent = submit(&server, &form, &filled, ORIGINS).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        assert!(sent.text.contains("Thanks, &amp; &lt;soon&gt;."), "{}", sent.text);
    }
    let started = runs(&server, &ada, &flow).await;
    assert_eq!((started.len(), &started[0]["trigger"]), (1, &json!("trigger.form")), "{started:?}");
    let over = ended(&server, &ada, &format!("/api/v1/runs/{}", started[0]["id"].as_str().unwrap())).await;
    let expected = json!({"data": {"name": "Ada", "kind": "cup", "price": 12.50, "to": {"city": "Bonn"}}, "by": null});
    assert_eq!(over["output"], expected);
    let changed = [("once", key.as_str()), ("form/name", "Eve"), ("form/kind", "0")];
    assert_eq!(submit(&server, &form, &changed, ORIGINS).await.status, StatusCode::OK);
    assert_eq!(runs(&server, &ada, &flow).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_form_stands_at_its_fields_and_starts_nothing() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, form) = form(&server, &ada, json!({}), json!({})).await;
    let long = "x".repeat(21);
    for (filled, told) in [
        (&[][..], "This must be filled in."),
        (&[("form/name", "Ada"), ("form/kind", "2")], "This is not one of the choices."),
        (&[("form/name", "Ada"), ("form/kind", "0"), ("form/price", "12,5")], "This is not a number."),
        (&[("form/name", "Ada"), ("form/kind", "0"), ("form/price", "0.5")], "aria-invalid"),
        (&[("form/name", long.as_str()), ("form/kind", "0")], "aria-invalid"),
    ] {
        let refused = submit(&server, &form, filled, ORIGINS).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert!(refused.text.contains(told) && refused.text.contains("It was not sent."), "{told}: {}", refused.text);
    }
    let hostile =
        submit(&server, &form, &[("form/name", "</textarea><script>alert(1)</script>"), ("once", "\"><b>")], ORIGINS)
            .await;
    assert!(!hostile.text.contains("<script>") && !hostile.text.contains("<b>"), "{}", hostile.text);
    let large = "x".repeat(300 << 10);
    assert_eq!(
        submit(&server, &form, &[("form/name", large.as_str())], ORIGINS).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let json = server.send(request("POST", &form, ORIGINS, json!({"name": "Ada"}))).await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", json.text);
    let foreign =
        submit(&server, &form, &[("form/name", "Ada"), ("form/kind", "0")], &[("origin", "https://evil.example")])
            .await;
    assert_eq!((foreign.status, foreign.code().as_str()), (StatusCode::FORBIDDEN, "cross_site"));
    // The address of a page takes no deliveries, and nobody's guess is a page.
    let hook = form.replace("/f/", "/hooks/");
    assert_eq!(server.send(request("POST", &hook, &[], json!({"n": 1}))).await.status, StatusCode::NOT_FOUND);
    for unknown in [format!("/f/{}", "a".repeat(32)), "/f/x".to_owned()] {
        assert_eq!(server.send(request("GET", &unknown, &[], Value::Null)).await.status, StatusCode::NOT_FOUND);
        assert_eq!(submit(&server, &unknown, &[("form/name", "Ada")], ORIGINS).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(runs(&server, &ada, &flow).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_for_members_is_seen_by_members_of_its_workspace_only() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let (flow, form) = form(&server, &ada, json!({"access": "members"}), json!({})).await;
    let nobody = server.send(request("GET", &form, &[], Value::Null)).await;
    assert_eq!(nobody.status, StatusCode::SEE_OTHER);
    assert!(nobody.headers["location"].to_str().unwrap().starts_with("/sign-in?next=%2Ff%2F"));
    assert_eq!(server.by(&bob, "GET", &form, Value::Null).await.status, StatusCode::NOT_FOUND);
    let filled = [("form/name", "Ada"), ("form/kind", "0")];
    let stranger = [("origin", ORIGIN), ("cookie", bob.cookie.as_str())];
    assert_eq!(submit(&server, &form, &filled, &stranger).await.status, StatusCode::NOT_FOUND);
    assert_eq!(submit(&server, &form, &filled, ORIGINS).await.status, StatusCode::SEE_OTHER);
    assert_eq!(runs(&server, &ada, &flow).await.len(), 0);
    assert_eq!(server.by(&ada, "GET", &form, Value::Null).await.status, StatusCode::OK);
    let sent = submit(&server, &form, &filled, &[("origin", ORIGIN), ("cookie", ada.cookie.as_str())]).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
    let started = runs(&server, &ada, &flow).await;
    let over = ended(&server, &ada, &format!("/api/v1/runs/{}", started[0]["id"].as_str().unwrap())).await;
    assert_eq!(over["output"]["by"], ada.session["person"]["id"], "{over}");
    // A member is somebody: the start has its row in the audit log.
    let mut owner = PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap();
    let said = "select actor, detail #>> '{}' from audit_event where intent_type = 'form.submit'";
    let said: Vec<(String, String)> = sqlx::query_as(said).fetch_all(&mut owner).await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(said, [(text(&ada.session["person"]["id"]), text(&started[0]["id"]))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_the_flow_reads_its_answer_and_not_why_it_failed() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let filled = [("form/name", "Ada"), ("form/kind", "0")];
    let sync = json!({"answer": "sync"});
    let say =
        json!({"say": {"kind": "flow.respond@1", "config": {"body": {"$text": "Hello <{{ input.data.name }}>"}}}});
    let (_, says) = form(&server, &ada, sync.clone(), say).await;
    let told = submit(&server, &says, &filled, ORIGINS).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    assert!(told.text.contains("Hello &lt;Ada&gt;"), "{}", told.text);
    let fail = json!({"no": {"kind": "flow.fail@1", "config": {"message": "the secret is 7"}}});
    let (_, fails) = form(&server, &ada, sync, fail).await;
    let told = submit(&server, &fails, &filled, ORIGINS).await;
    assert_eq!(told.status, StatusCode::BAD_GATEWAY, "{}", told.text);
    assert!(told.text.contains("run_") && !told.text.contains("secret"), "{}", told.text);
}
