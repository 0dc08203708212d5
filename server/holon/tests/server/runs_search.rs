//! Finding runs: by what they were labelled with, what they are about, when and by what they were started, all together.

use axum::http::StatusCode;
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::{Person, Server};

/// A published flow that waits for an hour, or ends at once.
async fn flow(server: &Server, ada: &Person, waits: bool) -> String {
    let node = if waits {
        json!({"kind": "flow.wait@1", "config": {"for": "1h"}})
    } else {
        json!({"kind": "data.set@1", "config": {"fields": {"n": 1}}})
    };
    let nodes = json!({"start": {"kind": "trigger.manual@1"}, "node": node});
    let edges = json!([{"from": "start.out", "to": "node.in"}]);
    let definition = json!({"holon": 1, "name": if waits { "waits" } else { "ends" }, "nodes": nodes, "edges": edges});
    let made = server.by(ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let published = server.by(ada, "POST", &format!("/api/v1/flows/{id}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    id
}

async fn started(server: &Server, ada: &Person, flow: &str, body: Value) -> String {
    let started = server.by(ada, "POST", &format!("/api/v1/flows/{flow}/runs"), body).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    let id = started.json()["id"].as_str().unwrap().to_owned();
    server.clock.advance(holon_model::Millis(60_000));
    id
}

async fn listed(server: &Server, ada: &Person, query: &str) -> Vec<String> {
    let list = server.by(ada, "GET", &format!("/api/v1/runs?{query}"), Value::Null).await;
    assert_eq!(list.status, StatusCode::OK, "{query}: {}", list.text);
    list.json()["data"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_are_found_by_labels_correlation_trigger_and_time_and_by_all_of_them_together() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let (ends, waits) = (flow(&server, &ada, false).await, flow(&server, &ada, true).await);
    let red = json!({"input": null, "labels": {"team": "red", "a:b\"c": "x"}, "correlation": "order 7"});
    let refused = server.by(&ada, "POST", &format!("/api/v1/flows/{ends}/runs"), red).await;
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/labels/a:b\"c"))
    );
    let one =
        started(&server, &ada, &ends, json!({"labels": {"team": "red", "kind": "test"}, "correlation": "order 7"}))
            .await;
    let two = started(&server, &ada, &waits, json!({"labels": {"team": "red"}, "correlation": "order 7"})).await;
    let three = started(&server, &ada, &ends, json!({"labels": {"team": "blue"}})).await;
    let four = started(&server, &ada, &waits, json!({})).await;
    let events = server.by(&ada, "GET", &format!("/api/v1/runs/{three}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"));
    let all = listed(&server, &ada, "").await;
    assert_eq!(all, [&four, &three, &two, &one].map(String::clone));
    let line = |id: &str| {
        let path = format!("/api/v1/runs/{id}");
        let (server, ada) = (&server, &ada);
        async move { server.by(ada, "GET", &path, Value::Null).await.json()["summary"].clone() }
    };
    let shown = line(&one).await;
    assert_eq!((&shown["labels"], &shown["correlation"]), (&json!({"team": "red", "kind": "test"}), &json!("order 7")));
    assert_eq!(line(&four).await.get("labels"), None);
    let at = |run: &Value| {
        let at = time::OffsetDateTime::from_unix_timestamp_nanos(
            i128::from(run["started_at"].as_i64().unwrap()) * 1_000_000,
        );
        at.unwrap().format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    let (second, third) = (at(&line(&two).await), at(&line(&three).await));
    for (query, found) in [
        ("label=team:red".to_owned(), vec![&two, &one]),
        ("label=team:red&label=kind%3Atest".to_owned(), vec![&one]),
        ("label=team:red&label=kind:other".to_owned(), vec![]),
        ("label=team:red&status=waiting".to_owned(), vec![&two]),
        ("label=team:red&status=completed".to_owned(), vec![&one]),
        (format!("label=team:red&flow={ends}"), vec![&one]),
        ("correlation=order%207".to_owned(), vec![&two, &one]),
        ("correlation=order%207&status=completed".to_owned(), vec![&one]),
        ("correlation=order%207&status=waiting".to_owned(), vec![&two]),
        ("correlation=order".to_owned(), vec![]),
        ("trigger=trigger.manual".to_owned(), vec![&four, &three, &two, &one]),
        ("trigger=trigger.webhook".to_owned(), vec![]),
        ("trigger=trigger.manual&status=completed".to_owned(), vec![&three, &one]),
        ("status=waiting&trigger=trigger.webhook".to_owned(), vec![]),
        (format!("since={second}"), vec![&four, &three, &two]),
        (format!("until={second}"), vec![&one]),
        (format!("since={second}&until={third}"), vec![&two]),
        (format!("status=completed&since={second}"), vec![&three]),
        (format!("status=waiting&until={third}"), vec![&two]),
        (format!("label=team:red&since={second}"), vec![&two]),
    ] {
        let ids = listed(&server, &ada, &query).await;
        assert_eq!(ids.iter().collect::<Vec<_>>(), found, "{query}");
    }
    // Pages go on where they ended, whatever is asked.
    let first = server.by(&ada, "GET", "/api/v1/runs?label=team:red&limit=1", Value::Null).await.json();
    assert_eq!(first["data"][0]["id"].as_str(), Some(two.as_str()));
    let next = format!("label=team:red&limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(listed(&server, &ada, &next).await, [one.as_str()]);
    assert!(
        listed(&server, &bob, "label=team:red").await.is_empty()
            && listed(&server, &bob, "correlation=order%207").await.is_empty()
    );
    for slip in ["label=team", "since=yesterday", "status=gone", "correlation=", "trigger=%00"] {
        let refused = server.by(&ada, "GET", &format!("/api/v1/runs?{slip}"), Value::Null).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
            "{slip}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_done_again_is_found_by_the_same_and_may_have_another_input() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let ends = flow(&server, &ada, false).await;
    let body = json!({"input": {"n": 1}, "labels": {"team": "red"}, "correlation": "order 7"});
    let run = started(&server, &ada, &ends, body).await;
    for (body, input) in [
        (Value::Null, json!({"n": 1})),
        (json!({}), json!({"n": 1})),
        (json!({"input": {"n": 12.50}}), json!({"n": 12.50})),
        (json!({"input": null}), Value::Null),
    ] {
        let again = server.by(&ada, "POST", &format!("/api/v1/runs/{run}/again"), body).await;
        assert_eq!(again.status, StatusCode::CREATED, "{}", again.text);
        let id = again.json()["id"].as_str().unwrap().to_owned();
        let shown = server.by(&ada, "GET", &format!("/api/v1/runs/{id}"), Value::Null).await.json();
        assert_eq!(shown["input"], input);
        assert_eq!(
            (&shown["summary"]["correlation"], &shown["summary"]["labels"]["team"]),
            (&json!("order 7"), &json!("red"))
        );
    }
    assert_eq!(listed(&server, &ada, "label=team:red").await.len(), 5);
    let slip = server.by(&ada, "POST", &format!("/api/v1/runs/{run}/again"), json!({"with": 1})).await;
    assert_eq!(
        (slip.status, slip.code().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
        "{}",
        slip.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_says_what_its_runs_are_about() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let found_by = json!({"correlation": {"$cel": "trigger.body.order"}, "labels": {"source": "shop"}});
    let nodes = json!({"hook": {"kind": "trigger.webhook@1", "config": {"method": "POST", "found_by": found_by}}});
    let definition = json!({"holon": 1, "name": "hooked", "nodes": nodes, "edges": []});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await.json();
    let flow = format!("/api/v1/flows/{}", made["id"].as_str().unwrap());
    let published = server.by(&ada, "POST", &format!("{flow}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let shown = server.by(&ada, "GET", &flow, Value::Null).await.json();
    let url = shown["webhooks"][0]["url"].as_str().unwrap_or_else(|| panic!("{shown}"));
    let path = url.find("/hooks/").map(|at| &url[at..]).unwrap();
    for body in [json!({"order": 7}), json!({"none": true})] {
        let answer = server.anonymous("POST", path, body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    }
    assert_eq!(listed(&server, &ada, "correlation=7&label=source:shop").await.len(), 1);
    assert_eq!(listed(&server, &ada, "label=source:shop&trigger=trigger.webhook").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_search_walks_an_index_that_gives_its_runs_in_order_and_reads_no_payload() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    flow(&server, &ada, false).await;
    let mut owner = PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap();
    // A hundred thousand runs, of which each label and correlation names some.
    let fill = "insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor,
            started_at, definition_hash, labels, correlation)
          select t.tenant_id, holon_run_bound(now() - interval '1 hour' + n * interval '30 ms'), 'started', gen_random_uuid(),
            gen_random_uuid(), 1, now(), 'queued', 'trigger.manual', 'system', now(), '\\x00',
            jsonb_build_object('n', (n % 100)::text), (n % 1000)::text
          from tenant t, generate_series(1, 100000) n";
    sqlx::query(fill).execute(&mut owner).await.unwrap();
    let fill = "insert into run_label (tenant_id, key, value, run_id)
          select tenant_id, 'n', labels ->> 'n', run_id from run_hist where labels is not null";
    sqlx::query(fill).execute(&mut owner).await.unwrap();
    sqlx::query("analyze run_hist, run_label").execute(&mut owner).await.unwrap();
    for (what, index) in [
        (
            "run_label w where w.tenant_id = (select tenant_id from tenant) and w.key = 'n' and w.value = '7' order by w.run_id desc",
            "run_label",
        ),
        (
            "run_hist s where s.tenant_id = (select tenant_id from tenant) and s.moment = 'started' and s.correlation = '7' order by s.run_id desc",
            "correlation",
        ),
        (
            "run_hist s where s.tenant_id = (select tenant_id from tenant) and s.moment = 'started' and s.trigger = 'none' order by s.run_id desc",
            "trigger",
        ),
    ] {
        let explain = format!("explain (analyze, buffers, format json) select run_id from {what} limit 50");
        let plan: Value = sqlx::query_scalar(sqlx::AssertSqlSafe(explain)).fetch_one(&mut owner).await.unwrap();
        let pages = |of: &str| plan.pointer(&format!("/0/Plan/Shared {of} Blocks")).and_then(Value::as_u64).unwrap();
        // All of them fill thousands of pages.
        let read = pages("Hit") + pages("Read");
        assert!(plan.to_string().contains(index) && read < 250, "{read} pages\n{plan:#}");
    }
}
