//! Runs over REST: their pages read no more than they show, and large payloads are stored once.

use axum::http::StatusCode;
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::endpoint::Endpoint;
use crate::support::{Person, Server};

/// A published flow that a person starts and that calls `path` of the endpoint `calls` times, one after the other.
pub async fn calling(server: &Server, ada: &Person, endpoint: &Endpoint, path: &str, calls: usize) -> String {
    let call = json!({"kind": "http.request@1", "config": {
        "method": "POST", "url": format!("http://127.0.0.1:{}{path}", endpoint.port), "body": {"json": {"n": 7}}}});
    let mut nodes = json!({"start": {"kind": "trigger.manual@1"}});
    let mut edges = Vec::new();
    let mut before = "start".to_owned();
    for number in 0..calls {
        let key = format!("call{number}");
        nodes[&key] = call.clone();
        edges.push(json!({"from": format!("{before}.out"), "to": format!("{key}.in")}));
        before = key;
    }
    let definition = json!({"holon": 1, "name": "calls", "nodes": nodes, "edges": edges});
    let made = server.by(ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = server.by(ada, "POST", &format!("{path}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    path
}

/// Starts a run with this input, waits for its end, and gives its path.
pub async fn ran(server: &Server, ada: &Person, flow: &str, input: Value) -> String {
    let started = server.by(ada, "POST", &format!("{flow}/runs"), json!({"input": input})).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    let path = format!("/api/v1/runs/{}", started.json()["id"].as_str().unwrap());
    // The stream of a run ends with the run.
    let events = server.by(ada, "GET", &format!("{path}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    path
}

async fn owner(server: &Server) -> PgConnection {
    PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_is_read_page_by_page_and_the_pages_are_the_whole() {
    let endpoint = Endpoint::start().await;
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    let flow = calling(&server, &ada, &endpoint, "/chat", 6).await;
    let run = ran(&server, &ada, &flow, json!({"n": 1})).await;
    let whole = server.by(&ada, "GET", &format!("{run}/journal"), Value::Null).await.json();
    assert_eq!((whole["data"].as_array().unwrap().len(), &whole["next_cursor"]), (7, &Value::Null));
    let (mut pages, mut rows, mut cursor) = (0, Vec::new(), String::new());
    loop {
        let page = server.by(&ada, "GET", &format!("{run}/journal?limit=3{cursor}"), Value::Null).await.json();
        pages += 1;
        rows.extend(page["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((pages, Value::from(rows)), (3, whole["data"].clone()));
    // Only the rows of the page are read: one that is damaged is in the way of its own page only.
    let damage = sqlx::query("update journal set body = '\\x63' where seq = 6");
    assert_eq!(damage.execute(&mut owner(&server).await).await.unwrap().rows_affected(), 1);
    let first = server.by(&ada, "GET", &format!("{run}/journal?limit=3"), Value::Null).await;
    assert_eq!(first.json()["data"], json!(whole["data"].as_array().unwrap()[..3]));
    let last = server.by(&ada, "GET", &format!("{run}/journal?limit=3{cursor}"), Value::Null).await;
    assert_eq!(last.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_over_is_shown_by_its_final_state_as_its_journal_would_show_it() {
    let endpoint = Endpoint::start().await;
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    for path in ["/chat", "/nowhere"] {
        let flow = calling(&server, &ada, &endpoint, path, 2).await;
        let run = ran(&server, &ada, &flow, json!({"n": 1})).await;
        let shown = |mut run: Value| {
            // Where the stream goes on: after the last event, which the two say differently; and what is tried on the journal.
            run.as_object_mut().unwrap().retain(|name, _| !["last_event", "retry"].contains(&name.as_str()));
            run
        };
        let by_state = server.by(&ada, "GET", &run, Value::Null).await.json();
        let (mut owner, id) = (owner(&server).await, by_state["summary"]["id"].as_str().unwrap());
        let id = uuid::Uuid::parse_str(id.trim_start_matches("run_")).unwrap();
        // Not its journal: all but the first input may be damaged.
        let damage = sqlx::query("update journal set body = '\\x63' where seq > 0 and run_id = $1 returning body");
        let bodies = sqlx::query_as::<_, (i64, Vec<u8>)>("select seq, body from journal where run_id = $1").bind(id);
        let bodies = bodies.fetch_all(&mut owner).await.unwrap();
        damage.bind(id).execute(&mut owner).await.unwrap();
        assert_eq!(shown(server.by(&ada, "GET", &run, Value::Null).await.json()), shown(by_state.clone()));
        for (seq, body) in bodies {
            let mend = sqlx::query("update journal set body = $3 where run_id = $1 and seq = $2");
            mend.bind(id).bind(seq).bind(body).execute(&mut owner).await.unwrap();
        }
        let forget = sqlx::query("update run_hist set final = '' where run_id = $1 and moment = 'ended'").bind(id);
        assert_eq!(forget.execute(&mut owner).await.unwrap().rows_affected(), 1);
        let by_journal = server.by(&ada, "GET", &run, Value::Null).await.json();
        assert_eq!(shown(by_journal), shown(by_state));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_payload_is_stored_once_a_tenant_and_shown_as_any_other() {
    let endpoint = Endpoint::start().await;
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let input = json!({"text": "é".repeat(50_000)});
    for who in [&ada, &ada, &bob] {
        let flow = calling(&server, who, &endpoint, "/chat", 1).await;
        let run = ran(&server, who, &flow, input.clone()).await;
        assert_eq!(server.by(who, "GET", &run, Value::Null).await.json()["input"], input);
        let journal = server.by(who, "GET", &format!("{run}/journal"), Value::Null).await.json();
        assert_eq!(journal["data"][0]["shown"]["input"], input);
        assert_eq!(journal["data"].as_array().unwrap().len(), 2);
    }
    let mut owner = owner(&server).await;
    let blobs: Vec<(i64, i64)> =
        sqlx::query_as("select count(*), sum(octet_length(bytes)) from blob group by tenant_id order by tenant_id")
            .fetch_all(&mut owner)
            .await
            .unwrap();
    assert_eq!(blobs.len(), 2, "one a tenant: {blobs:?}");
    assert!(blobs.iter().all(|(count, bytes)| *count == 1 && *bytes > 100_000), "{blobs:?}");
    let rows: i32 =
        sqlx::query_scalar("select max(octet_length(body)) from journal").fetch_one(&mut owner).await.unwrap();
    assert!(rows < 2_000, "{rows}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_run_again_from_the_trigger_and_with_the_input_that_it_came_from() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    // The other trigger would be taken if none were named.
    let definition = json!({"holon": 1, "name": "two ways in", "nodes": {
        "a": {"kind": "trigger.manual@1"}, "b": {"kind": "trigger.webhook@1", "config": {"answer": "sync"}},
        "by_hand": {"kind": "data.set@1", "config": {"fields": {"by": "hand"}, "keep": false}},
        "by_hook": {"kind": "data.set@1", "config": {"fields": {"by": "hook", "n": {"$cel": "input.body.n"}}, "keep": false}}},
      "edges": [{"from": "a.out", "to": "by_hand.in"}, {"from": "b.out", "to": "by_hook.in"}]});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let flow = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = server.by(&ada, "POST", &format!("{flow}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let read = server.by(&ada, "GET", &flow, Value::Null).await.json();
    let url = read["webhooks"][0]["url"].as_str().unwrap();
    let hook = url[url.find("/hooks/").unwrap()..].to_owned();
    let first = server.send(crate::support::request("POST", &hook, &[], json!({"n": 7}))).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let path = |id: &str| format!("/api/v1/runs/{id}");
    let first_run = path(first.headers["holon-run"].to_str().unwrap());
    let again = server.by(&ada, "POST", &format!("{first_run}/again"), Value::Null).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.text);
    let second_run = path(again.json()["id"].as_str().unwrap());
    let events = server.by(&ada, "GET", &format!("{second_run}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    let (first, second) = (
        server.by(&ada, "GET", &first_run, Value::Null).await.json(),
        server.by(&ada, "GET", &second_run, Value::Null).await.json(),
    );
    assert_eq!(second["output"], first["output"]);
    assert_eq!(second["input"], first["input"]);
    assert_eq!(second["summary"]["trigger"], "trigger.webhook");
    // Without that trigger it is not run by another one.
    let mut without = definition.clone();
    without["nodes"].as_object_mut().unwrap().remove("b");
    without["edges"].as_array_mut().unwrap().pop();
    let headers = [("origin", crate::support::ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", "*")];
    let saved = server.send(crate::support::request("PUT", &flow, &headers, without)).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    server.by(&ada, "POST", &format!("{flow}/publish"), json!({})).await;
    let refused = server.by(&ada, "POST", &format!("{first_run}/again"), Value::Null).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "conflict"), "{}", refused.text);
    assert!(refused.text.contains("the trigger `b`"), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_of_a_run_that_failed_by_itself_says_what_to_do_instead() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let definition = json!({"holon": 1, "name": "fails", "nodes": {
        "start": {"kind": "trigger.manual@1"}, "no": {"kind": "flow.fail@1", "config": {"code": "no", "message": "no"}}},
      "edges": [{"from": "start.out", "to": "no.in"}]});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    let flow = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    server.by(&ada, "POST", &format!("{flow}/publish"), json!({})).await;
    let run = ran(&server, &ada, &flow, json!({})).await;
    let refused = server.by(&ada, "POST", &format!("{run}/retry"), Value::Null).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "conflict"), "{}", refused.text);
    assert!(refused.text.contains("run it again"), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_a_run_that_is_over_ends_wherever_its_reader_begins() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes =
        json!({"start": {"kind": "trigger.manual@1"}, "set": {"kind": "data.set@1", "config": {"fields": {"n": 1}}}});
    let definition =
        json!({"holon": 1, "name": "short", "nodes": nodes, "edges": [{"from": "start.out", "to": "set.in"}]});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    let flow = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    server.by(&ada, "POST", &format!("{flow}/publish"), json!({})).await;
    let run = ran(&server, &ada, &flow, json!({})).await;
    let ids = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix("id: ").map(str::to_owned)).collect()
    };
    let whole = server.by(&ada, "GET", &format!("{run}/events"), Value::Null).await.text;
    let all = ids(&whole);
    assert!(all.len() > 2, "{whole}");
    let events = |after: &str, header: &str| {
        let mut headers = vec![("cookie", ada.cookie.clone())];
        if !header.is_empty() {
            headers.push(("last-event-id", header.to_owned()));
        }
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        server.send(crate::support::request("GET", &format!("{run}/events?after={after}"), &headers, Value::Null))
    };
    let last = all.last().unwrap();
    for (after, header, rest) in
        [(all[0].as_str(), "", &all[1..]), ("", &all[0], &all[1..]), (last, &all[0], &all[1..]), (last, "", &[])]
    {
        let told = events(after, header).await.text;
        assert_eq!(ids(&told), rest, "after {after:?}, header {header:?}");
        assert!(told.contains("event: end"), "after {after:?}, header {header:?}: {told}");
    }
    assert_eq!(events("nonsense", "").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_cancelled_says_by_whom_and_why_and_lists_of_a_status_hold_what_is_in_it() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let nodes =
        json!({"start": {"kind": "trigger.manual@1"}, "wait": {"kind": "flow.wait@1", "config": {"for": "1h"}}});
    let definition =
        json!({"holon": 1, "name": "waits", "nodes": nodes, "edges": [{"from": "start.out", "to": "wait.in"}]});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    let flow = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    server.by(&ada, "POST", &format!("{flow}/publish"), json!({})).await;
    let start = || async {
        let started = server.by(&ada, "POST", &format!("{flow}/runs"), json!({"input": null})).await;
        assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
        started.json()["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (start().await, start().await);
    let (here, who) = (&server, &ada);
    let listed = |status: &'static str| async move {
        let list = here.by(who, "GET", &format!("/api/v1/runs?status={status}"), Value::Null).await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.text);
        let lines = list.json()["data"].as_array().unwrap().clone();
        assert!(lines.iter().all(|line| line["status"] == status), "{lines:?}");
        lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("waiting").await, [second.clone(), first.clone()]);
    let id = ada.session["person"]["id"].as_str().unwrap();
    for (run, body, said) in [
        (&first, Value::Null, format!("cancelled by ada ({id})")),
        (&second, json!({"reason": " wrong order "}), format!("wrong order (cancelled by ada, {id})")),
    ] {
        for wrong in [json!({"reason": "x".repeat(501)}), json!({"reason": "a\u{0}b"}), json!({"why": "x"})] {
            let refused = server.by(&ada, "POST", &format!("/api/v1/runs/{run}/cancel"), wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        }
        let cancelled = server.by(&ada, "POST", &format!("/api/v1/runs/{run}/cancel"), body).await;
        assert_eq!(cancelled.status, StatusCode::ACCEPTED, "{}", cancelled.text);
        let events = server.by(&ada, "GET", &format!("/api/v1/runs/{run}/events"), Value::Null).await;
        assert!(events.text.contains("event: end"), "{}", events.text);
        let shown = server.by(&ada, "GET", &format!("/api/v1/runs/{run}"), Value::Null).await.json();
        assert_eq!(shown["summary"]["error"].as_str(), Some(said.as_str()), "{shown}");
        let journal = server.by(&ada, "GET", &format!("/api/v1/runs/{run}/journal"), Value::Null).await;
        assert!(journal.text.contains(&said), "{}", journal.text);
    }
    assert_eq!(listed("cancelled").await, [second, first]);
    assert!(listed("waiting").await.is_empty() && listed("failed").await.is_empty());
    assert_eq!(server.by(&bob, "GET", "/api/v1/runs?status=cancelled", Value::Null).await.json()["data"], json!([]));
    let slip = server.by(&ada, "GET", "/api/v1/runs?status=canceled", Value::Null).await;
    assert_eq!((slip.status, slip.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_that_is_asked_for_twice_with_one_key_is_one_run() {
    let endpoint = Endpoint::start().await;
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    let flow = calling(&server, &ada, &endpoint, "/nowhere", 1).await;
    let run = ran(&server, &ada, &flow, json!({})).await;
    let retry = |key: &'static str| {
        let headers = [("origin", crate::support::ORIGIN), ("cookie", ada.cookie.as_str()), ("idempotency-key", key)];
        server.send(crate::support::request("POST", &format!("{run}/retry"), &headers, Value::Null))
    };
    let first = retry("one").await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let second = retry("one").await;
    assert_eq!((second.status, &second.json()["id"]), (StatusCode::OK, &first.json()["id"]), "{}", second.text);
    let other = retry("two").await;
    assert_eq!(other.status, StatusCode::CREATED, "{}", other.text);
    assert_ne!(other.json()["id"], first.json()["id"]);
}
