//! Flows over REST: drafts, revisions, publishing, and starting with a key.

use std::sync::Arc;

use axum::http::StatusCode;
use holon::compose::Kinds;
use holon_flow::Catalogue;
use serde_json::{Value, json};

use crate::support::{ORIGIN, Person, Server, request};

async fn new_flow(server: &Server, ada: &Person) -> (String, Value) {
    let made = server.by(ada, "POST", "/api/v1/flows", json!({"name": "First"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    (format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap()), made.json())
}

async fn put(server: &Server, ada: &Person, path: &str, revision: &str, definition: Value) -> crate::support::Answer {
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", revision)];
    server.send(request("PUT", path, &headers, definition)).await
}

#[tokio::test]
async fn a_stale_save_is_refused_and_overwrites_nothing() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, flow) = new_flow(&server, &ada).await;
    let mut definition = flow["definition"].clone();
    definition["description"] = json!("by the first tab");
    assert_eq!(put(&server, &ada, &path, "\"1\"", definition.clone()).await.status, StatusCode::OK);
    definition["description"] = json!("by the second tab");
    let stale = put(&server, &ada, &path, "\"1\"", definition).await;
    assert_eq!((stale.status, stale.code().as_str()), (StatusCode::PRECONDITION_FAILED, "stale_revision"));
    let command = json!({"base_rev": 1, "commands": []});
    let stale = server.by(&ada, "POST", &format!("{path}/commands"), command).await;
    assert_eq!((stale.status, stale.code().as_str()), (StatusCode::PRECONDITION_FAILED, "stale_revision"));
    let read = server.by(&ada, "GET", &path, Value::Null).await;
    assert_eq!(read.json()["definition"]["description"], "by the first tab");
    assert_eq!(read.headers["etag"], "\"2\"");
    let blind = server.by(&ada, "PUT", &path, flow["definition"].clone()).await;
    assert_eq!(blind.code(), "precondition_required");
}

#[tokio::test]
async fn who_changed_what_of_a_draft_is_told_newest_first_by_page_and_what_was_refused_is_not_among_it() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let (path, flow) = new_flow(&server, &ada).await;
    let commands = |base: i64, commands: Value| {
        let body = json!({"base_rev": base, "commands": commands});
        let (server, ada, path) = (&server, &ada, format!("{path}/commands"));
        async move { server.by(ada, "POST", &path, body).await.status }
    };
    let note = |text: &str| json!({"set_note": {"at": "", "key": "start", "note": text}});
    let named = json!({"set_name": {"name": "Orders"}});
    assert_eq!(commands(1, json!([named, note("here it begins")])).await, StatusCode::OK);
    assert_eq!(commands(1, json!([note("late")])).await, StatusCode::PRECONDITION_FAILED);
    let half = json!([note("half"), {"set_note": {"at": "", "key": "gone", "note": "x"}}]);
    assert_eq!(commands(2, half).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(put(&server, &ada, &path, "\"2\"", flow["definition"].clone()).await.status, StatusCode::OK);
    let page = async |query: &str| server.by(&ada, "GET", &format!("{path}/changes{query}"), Value::Null).await;
    let first = page("?limit=2").await.json();
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let second = page(&format!("?limit=2&cursor={cursor}")).await.json();
    assert_eq!(second["next_cursor"], Value::Null);
    let told = |page: &Value| -> Vec<(i64, String, String)> {
        let text = |change: &Value, key: &str| change[key].as_str().unwrap_or_default().to_owned();
        let rows = page["data"].as_array().unwrap().iter();
        rows.map(|row| (row["revision"].as_i64().unwrap(), text(row, "summary"), text(row, "by_name"))).collect()
    };
    let row = |revision: i64, summary: &str| (revision, summary.to_owned(), "ada".to_owned());
    assert_eq!(told(&first), [row(3, "Replaced"), row(2, "name and 1 more")]);
    assert_eq!(told(&second), [row(1, "Created")]);
    assert_eq!(first["data"][0]["by"], ada.session["person"]["id"]);
    let foreign = server.by(&bob, "GET", &format!("{path}/changes"), Value::Null).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_kind_says_of_which_capability_it_is_and_what_whoever_publishes_it_must_hold() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let of = |kind: &'static str| server.by(&ada, "GET", kind, Value::Null);
    let kept = of("/api/v1/kinds/state.put@1").await.json()["capability"].clone();
    assert_eq!((&kept["id"], &kept["permissions"]), (&json!("state"), &json!(["state:read", "state:edit"])));
    let all = of("/api/v1/kinds").await.json();
    let nameless = all.as_array().unwrap().iter().filter(|kind| kind["capability"]["title"].as_str().is_none());
    assert_eq!(nameless.map(|kind| &kind["kind"]).collect::<Vec<_>>(), Vec::<&Value>::new());
}

/// The built-in kinds, where keeping state needs what only the operator holds, and no token.
fn with_stricter_state() -> Kinds {
    let mut capabilities = holon_catalogue::catalogue().capabilities().to_vec();
    let state = capabilities.iter_mut().find(|capability| capability.id == "state").unwrap();
    state.permissions.push("instance:edit".to_owned());
    Kinds { catalogue: Arc::new(Catalogue::new(capabilities)), ..Kinds::built_in() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lacks_what_a_node_needs_publishes_nothing_and_is_told_at_which_node() {
    let server = Server::with_kinds(with_stricter_state()).await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let counts = json!({"kind": "state.increment@1", "config": {"key": "n"}});
    let body = json!({"nodes": {"count": counts}, "edges": []});
    let nodes = json!({"start": {"kind": "trigger.manual@1"},
        "each": {"kind": "map@1", "config": {"items": {"$cel": "[1]"}}, "bodies": {"body": body}}});
    let edges = json!([{"from": "start.out", "to": "each.in"}]);
    let mut definition = json!({"holon": 1, "name": "counts", "nodes": nodes, "edges": edges});
    let mut made = Vec::new();
    for person in [&ada, &bob] {
        let flow = server.by(person, "POST", "/api/v1/flows", json!({ "definition": definition })).await;
        assert_eq!(flow.status, StatusCode::CREATED, "{}", flow.text);
        made.push(format!("/api/v1/flows/{}", flow.json()["id"].as_str().unwrap()));
    }
    let [hers, his] = [&made[0], &made[1]];
    let lacks = |refused: &crate::support::Answer| {
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{}", refused.text);
        let errors = refused.json()["errors"].clone();
        assert_eq!(errors[0]["pointer"], "/nodes/each/bodies/body/nodes/count", "{errors}");
        assert!(errors[0]["detail"].as_str().unwrap().ends_with("needs the permission instance:edit"), "{errors}");
        assert_eq!(errors.as_array().unwrap().len(), 1, "what is held is not named: {errors}");
    };
    let publish = async |person: &Person, flow: &str| {
        server.by(person, "POST", &format!("{flow}/publish"), json!({"message": "first"})).await
    };
    lacks(&publish(&bob, his).await);
    let shown = server.by(&bob, "GET", &format!("{his}/versions"), Value::Null).await.json();
    assert_eq!(shown["data"], json!([]), "nothing was published");
    assert_eq!(server.by(&bob, "POST", &format!("{his}/runs"), json!({})).await.status, StatusCode::CONFLICT);
    // The operator may, and a program with the operator's token may not.
    let token = server.by(&ada, "POST", "/api/v1/tokens", json!({"name": "ci"})).await.json();
    let token = token["secret"].as_str().unwrap().to_owned();
    lacks(&server.with_token(&token, "POST", &format!("{hers}/publish"), json!({})).await);
    let published = publish(&ada, hers).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    // What is switched off needs nothing.
    let revision = server.by(&bob, "GET", his, Value::Null).await;
    definition["nodes"]["each"]["disabled"] = json!(true);
    definition["nodes"]["each"]["bodies"]["body"]["nodes"]["count"]["disabled"] = json!(true);
    let saved = put(&server, &bob, his, revision.headers["etag"].to_str().unwrap(), definition).await;
    assert!(saved.status.is_success(), "{}", saved.text);
    let published = publish(&bob, his).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_with_errors_is_saved_and_not_published() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, flow) = new_flow(&server, &ada).await;
    let mut definition = flow["definition"].clone();
    definition["nodes"]["odd"] = json!({"kind": "no.such.kind@1"});
    let saved = put(&server, &ada, &path, "*", definition).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    assert!(saved.json()["diagnostics"][0]["pointer"].as_str().unwrap().starts_with("/nodes/odd"), "{}", saved.text);
    let refused = server.by(&ada, "POST", &format!("{path}/publish"), json!({"message": ""})).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_definition"));
    assert_eq!(put(&server, &ada, &path, "*", json!({"holon": 1, "nodes": 7})).await.code(), "invalid_definition");
    let not_published = server.by(&ada, "POST", &format!("{path}/runs"), json!({"input": null})).await;
    assert_eq!((not_published.status, not_published.code().as_str()), (StatusCode::CONFLICT, "conflict"));
}

#[tokio::test]
async fn publishing_the_same_meaning_again_makes_no_new_version() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, flow) = new_flow(&server, &ada).await;
    let address = format!("{path}/publish");
    let publish = || server.by(&ada, "POST", &address, json!({"message": "first"}));
    let first = publish().await.json();
    assert_eq!(
        (first["version"].as_i64(), &first["hash"], first["published_by"].as_str()),
        (Some(1), &flow["hash"], Some("ada"))
    );
    assert_eq!(first["unchanged"], json!(false));
    let mut again = first.clone();
    again["unchanged"] = json!(true);
    assert_eq!(publish().await.json(), again);
    let versions = server.by(&ada, "GET", &format!("{path}/versions"), Value::Null).await.json();
    assert_eq!(versions["data"].as_array().unwrap().len(), 1);
    let version = server.by(&ada, "GET", &format!("{path}/versions/1"), Value::Null).await.json();
    assert_eq!(version["definition"], flow["definition"]);
}

#[tokio::test]
async fn a_definition_may_be_large_however_it_is_sent_and_may_not_have_more_triggers_than_can_be_served() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let definition = json!({"holon": 1, "name": "large", "edges": [], "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "set": {"kind": "data.set@1", "config": {"fields": {"text": "x".repeat(3 << 20)}}}}});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", &made.text[..made.text.len().min(500)]);
    let hooks: serde_json::Map<String, Value> =
        (0..21).map(|n| (format!("hook{n}"), json!({"kind": "trigger.webhook@1"}))).collect();
    let many = |count: usize| -> Value {
        let nodes: serde_json::Map<String, Value> = hooks.clone().into_iter().take(count).collect();
        json!({"definition": {"holon": 1, "name": "many", "edges": [], "nodes": nodes}})
    };
    for (count, status) in [(20, StatusCode::OK), (21, StatusCode::UNPROCESSABLE_ENTITY)] {
        let made = server.by(&ada, "POST", "/api/v1/flows", many(count)).await;
        let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
        let published = server.by(&ada, "POST", &format!("{path}/publish"), json!({})).await;
        assert_eq!(published.status, status, "{}", published.text);
        assert_eq!(published.text.contains("limit_exceeded"), count > 20, "{}", published.text);
    }
}

#[tokio::test]
async fn one_key_starts_one_run() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, _) = new_flow(&server, &ada).await;
    server.by(&ada, "POST", &format!("{path}/publish"), json!({"message": ""})).await;
    let start = |input: Value| {
        let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("idempotency-key", "k-1")];
        server.send(request("POST", &format!("{path}/runs"), &headers, json!({"input": input})))
    };
    let first = start(json!(1)).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let again = start(json!(1)).await;
    assert_eq!((again.status, &again.json()["id"]), (StatusCode::OK, &first.json()["id"]));
    assert_eq!(start(json!(2)).await.code(), "idempotency_mismatch");
    let runs = server.by(&ada, "GET", "/api/v1/runs", Value::Null).await.json();
    assert_eq!(runs["data"].as_array().unwrap().len(), 1);
    assert_eq!(runs["data"][0]["status"], "completed", "{runs}");
}

#[tokio::test]
async fn what_a_test_address_catches_becomes_the_sample() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, _) = new_flow(&server, &ada).await;
    let opened = server.by(&ada, "POST", &format!("{path}/catch"), Value::Null).await.json();
    let url = opened["url"].as_str().unwrap();
    let caught = format!("{path}/catch/{}", opened["token"].as_str().unwrap());
    assert_eq!(server.by(&ada, "GET", &caught, Value::Null).await.json()["value"], Value::Null);
    let hook = &url[url.find("/hooks/").unwrap()..];
    assert_eq!(server.send(request("POST", hook, &[], json!({"hello": 1.50}))).await.status, StatusCode::OK);
    assert_eq!(server.send(request("POST", hook, &[], json!({"second": true}))).await.status, StatusCode::NOT_FOUND);
    let found = server.by(&ada, "GET", &caught, Value::Null).await;
    assert_eq!(found.json()["value"]["body"], json!({"hello": 1.5}), "{}", found.text);
}
