//! Workers over REST: tasks are claimed, kept, given to others when their worker is lost, and one answer to each counts.

use std::time::Duration;

use axum::http::StatusCode;
use holon::workers::Watcher;
use holon_model::Millis;
use serde_json::{Value, json};

use crate::support::{Person, Server};
use crate::waiting::{ended, published, started};

/// A flow with one task for workers.
async fn handed_out(server: &Server, ada: &Person, policies: Value) -> String {
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "count": {"kind": "worker.task@1", "policies": policies, "config":
            {"pool": "texts", "name": "count", "input": {"$cel": "{'text': input.text, 'rate': 0.10}"}, "timeout": "10m", "heartbeat": "30s"}}});
    published(server, ada, nodes, &[("start.out", "count.in")], json!({"$cel": "nodes.count"})).await
}

/// A token for workers of these pools.
pub async fn token(server: &Server, ada: &Person, pools: &[&str]) -> String {
    let made = server.by(ada, "POST", "/api/v1/tokens", json!({"name": "workers", "pools": pools})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()["secret"].as_str().unwrap().to_owned()
}

/// What a worker gets that waits for it.
pub async fn claimed(server: &Server, token: &str, worker: &str) -> Value {
    let body = json!({"pool": "texts", "worker": worker, "wait": 20});
    let answer = server.with_token(token, "POST", "/api/v1/workers/claims", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let tasks = answer.json()["tasks"].as_array().unwrap().clone();
    assert_eq!(tasks.len(), 1, "{}", answer.text);
    tasks[0].clone()
}

/// How many tasks a worker gets that does not wait.
async fn free(server: &Server, token: &str) -> usize {
    let body = json!({"pool": "texts", "wait": 0, "most": 16});
    let answer = server.with_token(token, "POST", "/api/v1/workers/claims", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["tasks"].as_array().unwrap().len()
}

/// What a worker says of its task.
async fn say(server: &Server, token: &str, task: &Value, what: &str, body: Value) -> crate::support::Answer {
    server.with_token(token, "POST", &format!("{}/{what}", task["at"].as_str().unwrap()), body).await
}

/// How many answers to effects stand in the journal of a run.
async fn answers(server: &Server, ada: &Person, run: &str) -> usize {
    let journal = server.by(ada, "GET", &format!("{run}/journal"), Value::Null).await.json();
    let rows = journal["data"].as_array().unwrap();
    rows.iter().filter(|row| row["kind"].as_str().is_some_and(|kind| kind.starts_with("effect_"))).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_claimed_by_one_worker_kept_and_completed_once_with_exact_numbers() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, token) = (handed_out(&server, &ada, json!({})).await, token(&server, &ada, &["texts"]).await);
    let run = started(&server, &ada, &flow, json!({"text": "a b"})).await;
    let task = claimed(&server, &token, "one").await;
    assert_eq!(
        (&task["name"], &task["pool"], &task["path"], &task["attempt"], &task["claims"], &task["heartbeat_ms"]),
        (&json!("count"), &json!("texts"), &json!("count"), &json!(1), &json!(1), &json!(30_000))
    );
    assert_eq!(task["input"]["text"], json!("a b"));
    assert_eq!(free(&server, &token).await, 0, "nobody else gets it");
    let kept = say(&server, &token, &task, "heartbeat", json!({"progress": {"done": 1}})).await;
    assert_eq!((kept.status, kept.json()), (StatusCode::OK, json!({"wanted": true})));

    let pools = server.by(&ada, "GET", "/api/v1/workers/pools", Value::Null).await.json();
    let pool = &pools["data"][0];
    assert_eq!((&pool["name"], &pool["waiting"], &pool["claimed"]), (&json!("texts"), &json!(0), &json!(1)), "{pools}");
    let named = pool["workers"].as_array().unwrap().iter().find(|worker| worker["name"] == json!("one")).unwrap();
    assert_eq!(named["tasks"], json!(1));
    let work = server.by(&ada, "GET", "/api/v1/workers/tasks?state=claimed", Value::Null).await.json();
    let item = &work["data"][0];
    assert_eq!(
        (&item["state"], &item["worker"], &item["progress"]),
        (&json!("claimed"), &json!("one"), &json!({"done": 1}))
    );
    assert_eq!((&item["key"], item.get("input")), (&task["key"], None), "lists read no inputs");
    let none = server.by(&ada, "GET", "/api/v1/workers/tasks?state=waiting", Value::Null).await.json();
    assert_eq!(none["data"], json!([]));

    let path = format!("{}/complete", task["at"].as_str().unwrap());
    let both = tokio::join!(
        server.with_token(&token, "POST", &path, json!({"output": {"words": 2, "rate": 0.30}})),
        server.with_token(&token, "POST", &path, json!({"output": {"words": 3, "rate": 0.30}})),
    );
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [StatusCode::NO_CONTENT, StatusCode::CONFLICT], "{} {}", both.0.text, both.1.text);
    let over = server.by(&ada, "GET", &run, Value::Null).await;
    let whole = ended(&server, &ada, &run).await;
    assert_eq!(whole["summary"]["status"], json!("completed"), "{}", over.text);
    assert!(whole["output"].to_string().contains("0.3"), "{whole}");
    assert_eq!(answers(&server, &ada, &run).await, 1);
    let late = say(&server, &token, &task, "heartbeat", json!({})).await;
    assert_eq!((late.status, late.json()), (StatusCode::OK, json!({"wanted": false})));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_silent_loses_its_task_to_another_and_changes_nothing_any_more() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, token) = (handed_out(&server, &ada, json!({})).await, token(&server, &ada, &[]).await);
    let run = started(&server, &ada, &flow, json!({"text": "a"})).await;
    let lost = claimed(&server, &token, "lost").await;
    server.clock.advance(Millis(20_000));
    assert_eq!(say(&server, &token, &lost, "heartbeat", json!({})).await.json(), json!({"wanted": true}));
    server.clock.advance(Millis(29_000));
    assert_eq!(free(&server, &token).await, 0, "the heartbeat kept it");
    server.clock.advance(Millis(2_000));
    let mine = claimed(&server, &token, "other").await;
    assert_eq!((&mine["key"], &mine["attempt"], &mine["claims"]), (&lost["key"], &json!(1), &json!(2)));
    assert_ne!(mine["claim"], lost["claim"]);
    for (what, body) in [("complete", json!({"output": "lost"})), ("fail", json!({"code": "x", "message": "x"}))] {
        let refused = say(&server, &token, &lost, what, body).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "conflict"), "{}", refused.text);
    }
    assert_eq!(say(&server, &token, &lost, "heartbeat", json!({})).await.json(), json!({"wanted": false}));
    assert_eq!(answers(&server, &ada, &run).await, 0, "nothing happened");
    assert_eq!(say(&server, &token, &mine, "complete", json!({"output": "mine"})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ended(&server, &ada, &run).await["output"], json!("mine"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_task_is_handed_out_again_by_the_nodes_policy_with_the_same_key() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let policies = json!({"retry": {"attempts": 3, "initial": "1s", "jitter": false}});
    let (flow, token) = (handed_out(&server, &ada, policies).await, token(&server, &ada, &["texts"]).await);
    let run = started(&server, &ada, &flow, json!({"text": "a"})).await;
    let first = claimed(&server, &token, "w").await;
    let failed =
        say(&server, &token, &first, "fail", json!({"code": "no_disk", "message": "full", "retry_after": 60})).await;
    assert_eq!(failed.status, StatusCode::NO_CONTENT, "{}", failed.text);
    server.clock.advance(Millis(59_000));
    assert_eq!(free(&server, &token).await, 0, "it asked for a pause");
    server.clock.advance(Millis(2_000));
    let second = claimed(&server, &token, "w").await;
    assert_eq!((&second["key"], &second["attempt"], &second["claims"]), (&first["key"], &json!(2), &json!(1)));
    let again = say(&server, &token, &first, "complete", json!({"output": 1})).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "the first attempt is over");
    let body = json!({"code": "broken", "message": "No use.", "retryable": false, "detail": {"line": 7}});
    assert_eq!(say(&server, &token, &second, "fail", body).await.status, StatusCode::NO_CONTENT);
    let over = ended(&server, &ada, &run).await;
    assert_eq!(over["summary"]["status"], json!("failed"));
    assert_eq!(over["summary"]["error"], json!("broken: No use."), "{over}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_does_fails_in_its_time_and_what_loses_its_workers_fails_too() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, token) = (handed_out(&server, &ada, json!({})).await, token(&server, &ada, &["texts"]).await);
    let poison = started(&server, &ada, &flow, json!({"text": "poison"})).await;
    let mut watcher = Watcher::default();
    for time in 1..=5 {
        assert_eq!(watcher.round(&server.state).await.unwrap(), 0);
        assert_eq!(claimed(&server, &token, "w").await["claims"], json!(time));
        server.clock.advance(Millis(31_000));
    }
    assert_eq!(free(&server, &token).await, 0, "nobody gets it any more");
    assert_eq!(watcher.round(&server.state).await.unwrap(), 1);
    let over = ended(&server, &ada, &poison).await;
    assert!(over["summary"]["error"].as_str().unwrap().starts_with("worker_lost: 5 workers"), "{over}");

    let alone = started(&server, &ada, &flow, json!({"text": "alone"})).await;
    server.clock.advance(Millis(9 * 60_000));
    assert_eq!(watcher.round(&server.state).await.unwrap(), 0);
    server.clock.advance(Millis(60_000));
    assert_eq!(free(&server, &token).await, 0, "its time is up");
    assert_eq!(watcher.round(&server.state).await.unwrap(), 1);
    let over = ended(&server, &ada, &alone).await;
    assert!(over["summary"]["error"].as_str().unwrap().starts_with("timeout: no worker"), "{over}");
    assert_eq!(watcher.round(&server.state).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_cancelled_takes_its_tasks_back_and_one_that_is_paused_hands_none_out() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, token) = (handed_out(&server, &ada, json!({})).await, token(&server, &ada, &["texts"]).await);
    let run = started(&server, &ada, &flow, json!({"text": "a"})).await;
    let task = claimed(&server, &token, "w").await;
    let cancelled = server.by(&ada, "POST", &format!("{run}/cancel"), json!({"reason": "wrong"})).await;
    assert_eq!(cancelled.status, StatusCode::ACCEPTED, "{}", cancelled.text);
    ended(&server, &ada, &run).await;
    assert_eq!(say(&server, &token, &task, "heartbeat", json!({})).await.json(), json!({"wanted": false}));
    assert_eq!(say(&server, &token, &task, "complete", json!({"output": 1})).await.status, StatusCode::CONFLICT);
    let work = server.by(&ada, "GET", "/api/v1/workers/tasks", Value::Null).await.json();
    assert_eq!(work["data"], json!([]), "nothing of it is left");

    let held = started(&server, &ada, &flow, json!({"text": "b"})).await;
    let taken = started(&server, &ada, &flow, json!({"text": "c"})).await;
    let pause = |run: String| {
        let (server, ada) = (&server, &ada);
        async move {
            let paused = server.by(ada, "POST", &format!("{run}/pause"), json!({})).await;
            assert_eq!(paused.status, StatusCode::ACCEPTED, "{}", paused.text);
        }
    };
    pause(held.clone()).await;
    let task = claimed(&server, &token, "w").await;
    assert_eq!(task["input"]["text"], json!("c"), "a paused run hands nothing out");
    pause(taken.clone()).await;
    assert_eq!(say(&server, &token, &task, "heartbeat", json!({})).await.json(), json!({"wanted": true}));
    // Kept until the run goes on; and it is the one answer.
    assert!(say(&server, &token, &task, "complete", json!({"output": "kept"})).await.status.is_success());
    assert_eq!(say(&server, &token, &task, "complete", json!({"output": "more"})).await.status, StatusCode::CONFLICT);
    for run in [&held, &taken] {
        let resumed = server.by(&ada, "POST", &format!("{run}/resume"), Value::Null).await;
        assert_eq!(resumed.status, StatusCode::ACCEPTED, "{}", resumed.text);
    }
    assert_eq!(ended(&server, &ada, &taken).await["output"], json!("kept"));
    let task = claimed(&server, &token, "w").await;
    assert_eq!(task["input"]["text"], json!("b"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_for_workers_serves_its_pools_and_may_do_nothing_else() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let flow = handed_out(&server, &ada, json!({})).await;
    started(&server, &ada, &flow, json!({"text": "a"})).await;
    let (mine, other) = (token(&server, &ada, &["texts"]).await, token(&server, &ada, &["images"]).await);
    let his = token(&server, &bob, &[]).await;
    let claim = json!({"pool": "texts", "wait": 0});
    let refused = server.with_token(&other, "POST", "/api/v1/workers/claims", claim.clone()).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{}", refused.text);
    let none = server.with_token(&his, "POST", "/api/v1/workers/claims", claim).await;
    assert_eq!(
        (none.status, none.json()),
        (StatusCode::OK, json!({"tasks": []})),
        "another workspace's pool is another pool"
    );
    let task = claimed(&server, &mine, "w").await;
    for (token, status) in [(&other, StatusCode::CONFLICT), (&his, StatusCode::NOT_FOUND)] {
        let refused = say(&server, token, &task, "complete", json!({"output": 1})).await;
        assert_eq!(refused.status, status, "{}", refused.text);
    }
    for (method, path) in [
        ("GET", "/api/v1/flows"),
        ("GET", "/api/v1/workers/pools"),
        ("GET", "/api/v1/workers/tasks"),
        ("GET", "/api/v1/runs"),
        ("GET", "/api/v1/tokens"),
        ("POST", "/api/v1/tokens"),
    ] {
        let body = if method == "POST" { json!({"name": "x"}) } else { Value::Null };
        let refused = server.with_token(&mine, method, path, body).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::FORBIDDEN, "forbidden"),
            "{path}: {}",
            refused.text
        );
    }
    assert_eq!(say(&server, &mine, &task, "complete", json!({"output": 1})).await.status, StatusCode::NO_CONTENT);
    let listed = server.by(&ada, "GET", "/api/v1/tokens", Value::Null).await.json();
    assert_eq!(listed["data"][0]["pools"], json!(["images"]), "{listed}");
    let wrong = server.by(&ada, "POST", "/api/v1/tokens", json!({"name": "x", "pools": ["a b"]})).await;
    assert_eq!(wrong.json()["errors"][0]["pointer"], json!("/pools"), "{}", wrong.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_cannot_mean_is_told_and_changes_nothing() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, token) = (handed_out(&server, &ada, json!({})).await, token(&server, &ada, &["texts"]).await);
    let run = started(&server, &ada, &flow, json!({"text": "a"})).await;
    let task = claimed(&server, &token, "w").await;
    let large = json!({"output": "x".repeat(3 << 20)});
    let refused = say(&server, &token, &task, "complete", large).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"));
    let just = json!({"output": "x".repeat(2 << 20)});
    let refused = say(&server, &token, &task, "complete", just).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"));
    let said = say(&server, &token, &task, "heartbeat", json!({"progress": "x".repeat(5_000)})).await;
    assert_eq!(said.status, StatusCode::PAYLOAD_TOO_LARGE);
    for (what, body) in [
        ("complete", json!({"result": 1})),
        ("complete", json!([1])),
        ("heartbeat", json!({"how": 1})),
        ("fail", json!({"message": "x"})),
        ("fail", json!({"code": "Not a code", "message": "x"})),
    ] {
        let refused = say(&server, &token, &task, what, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}: {}", refused.text);
    }
    let odd = format!("{run}/work/not-a-claim/complete");
    assert_eq!(server.with_token(&token, "POST", &odd, json!({"output": 1})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(answers(&server, &ada, &run).await, 0);
    assert_eq!(say(&server, &token, &task, "complete", json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ended(&server, &ada, &run).await["output"], Value::Null);

    // What an expression made of the pool's name cannot be handed out.
    let nodes = json!({"start": {"kind": "trigger.manual@1"},
        "count": {"kind": "worker.task@1", "config": {"pool": {"$cel": "input.pool"}, "name": "count"}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "count.in")], Value::Null).await;
    let run = started(&server, &ada, &flow, json!({"pool": "not a pool"})).await;
    let over = ended(&server, &ada, &run).await;
    assert!(over["summary"]["error"].as_str().unwrap().starts_with("bad_config"), "{over}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_at_once_share_the_tasks_and_none_is_had_by_two() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "each": {"kind": "map@1", "config": {"items": {"$cel": "input.texts"}, "concurrency": 100, "gather": "all"}, "bodies": {"body": {"nodes": {
            "count": {"kind": "worker.task@1", "config": {"pool": "texts", "name": "count"}}}, "edges": []}}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "each.in")], json!({"$cel": "nodes.each"})).await;
    let token = token(&server, &ada, &[]).await;
    let texts: Vec<String> = (0..60).map(|number| format!("text {number}")).collect();
    // They wait before there is anything to do.
    let worker = async |name: &str| {
        let mut had = Vec::new();
        loop {
            let body = json!({"pool": "texts", "worker": name, "most": 3, "wait": if had.is_empty() { 30 } else { 1 }});
            let answer = server.with_token(&token, "POST", "/api/v1/workers/claims", body).await.json();
            let tasks = answer["tasks"].as_array().unwrap().clone();
            if tasks.is_empty() {
                return had;
            }
            for task in tasks {
                let done = say(&server, &token, &task, "complete", json!({"output": task["input"]})).await;
                assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text);
                had.push(task["key"].as_str().unwrap().to_owned());
            }
        }
    };
    let start = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        started(&server, &ada, &flow, json!({"texts": texts})).await
    };
    let (run, a, b, c, d) = tokio::join!(start, worker("a"), worker("b"), worker("c"), worker("d"));
    let mut had: Vec<String> = [a, b, c, d].concat();
    had.sort_unstable();
    assert_eq!(had.len(), 60);
    had.dedup();
    assert_eq!(had.len(), 60, "each by one");
    assert_eq!(ended(&server, &ada, &run).await["output"], json!(texts));
}
