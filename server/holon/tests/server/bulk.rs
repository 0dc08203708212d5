//! Hundreds of runs over REST, as the page of runs deals with them: read page by page, selected, and dealt with in pieces of which each
//! says what became of every run.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::runs::calling;
use crate::support::{Person, Server};
use crate::waiting::published;

const MANY: usize = 500;
/// A piece and a page, as `app/src/runs/bulk.rs` and `list.rs` ask for them.
const PIECE: usize = 50;
const PAGE: usize = 200;

/// Starts as many runs, some at a time.
async fn started(server: &Server, ada: &Person, flow: &str) -> BTreeSet<String> {
    let path = format!("{flow}/runs");
    let one = |n: usize| {
        let path = path.clone();
        async move {
            let started = server.by(ada, "POST", &path, json!({"input": {"n": n}})).await;
            assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
            started.json()["id"].as_str().unwrap().to_owned()
        }
    };
    stream::iter(0..MANY).map(one).buffer_unordered(16).collect().await
}

/// All runs of a question, as *Show more* reads them.
async fn listed(server: &Server, ada: &Person, query: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/runs?{query}&limit={PAGE}{cursor}");
        let page = server.by(ada, "GET", &path, Value::Null).await.json();
        all.extend(page["data"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

/// Reads the list until so many stand in it.
async fn until(server: &Server, ada: &Person, query: &str, count: usize) -> Vec<String> {
    let looking = async {
        loop {
            let all = listed(server, ada, query).await;
            if all.len() == count {
                return all;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), looking).await.expect("they come to it")
}

/// Does one thing to all of them, a piece after the other; what became of each, in their order.
async fn dealt_with(server: &Server, ada: &Person, action: &str, runs: &[String]) -> Vec<Value> {
    let mut all = Vec::new();
    for piece in runs.chunks(PIECE) {
        let done = server.by(ada, "POST", "/api/v1/runs/bulk", json!({"action": action, "runs": piece})).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        all.extend(done.json()["results"].as_array().unwrap().iter().cloned());
    }
    let named: Vec<&str> = all.iter().map(|one| one["run"].as_str().unwrap()).collect();
    assert_eq!(named, runs);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_failed_runs_are_selected_and_retried_and_those_that_cannot_be_are_named() {
    let endpoint = Endpoint::start().await;
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    endpoint.fail(Method::POST, "chat", StatusCode::BAD_REQUEST);
    let flow = calling(&server, &ada, &endpoint, "/chat", 1).await;
    let all = started(&server, &ada, &flow).await;
    let failed = until(&server, &ada, "status=failed", MANY).await;
    assert_eq!(
        failed.iter().cloned().collect::<BTreeSet<_>>(),
        all,
        "every page has its own runs and none is left out"
    );
    endpoint.heal();
    let before = endpoint.received().len();
    // Between selecting and asking some were dealt with by nobody's leave: they are unknown, or never failed.
    let nobody = format!("{}01900000000070008000000000000001", &failed[0][..failed[0].len() - 32]);
    let nodes =
        json!({"start": {"kind": "trigger.manual@1"}, "set": {"kind": "data.set@1", "config": {"fields": {"n": 1}}}});
    let well = published(&server, &ada, nodes, &[("start.out", "set.in")], json!({"$cel": "run.id"})).await;
    let well = server.by(&ada, "POST", &format!("{well}/runs"), json!({"input": null})).await.json();
    let well = well["id"].as_str().unwrap().to_owned();
    until(&server, &ada, "status=completed", 1).await;
    let mut chosen = failed.clone();
    chosen.insert(120, nobody.clone());
    chosen.insert(333, well.clone());
    let results = dealt_with(&server, &ada, "retry", &chosen).await;
    let refused: Vec<(&str, &str)> = results
        .iter()
        .filter(|one| one["ok"] == false)
        .map(|one| (one["run"].as_str().unwrap(), one["problem"]["code"].as_str().unwrap()))
        .collect();
    assert_eq!(refused, [(nobody.as_str(), "not_found"), (well.as_str(), "conflict")]);
    let new: BTreeSet<String> = results.iter().filter_map(|one| one["new"].as_str().map(str::to_owned)).collect();
    assert_eq!(new.len(), MANY, "each has a run of its own");
    let completed = until(&server, &ada, "status=completed", MANY + 1).await;
    assert_eq!(completed.into_iter().filter(|run| *run != well).collect::<BTreeSet<_>>(), new);
    // Each goes on with the key of then.
    let received = endpoint.received();
    let keys = |some: &[(String, String, String)]| some.iter().map(|(_, key, _)| key.clone()).collect::<BTreeSet<_>>();
    assert_eq!((received.len() - before, keys(&received[before..])), (MANY, keys(&received[..before])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_runs_that_wait_are_selected_and_cancelled() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes =
        json!({"start": {"kind": "trigger.manual@1"}, "wait": {"kind": "flow.wait@1", "config": {"for": "1h"}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "wait.in")], json!({"$cel": "run.id"})).await;
    let all = started(&server, &ada, &flow).await;
    let waiting = until(&server, &ada, "status=waiting", MANY).await;
    let results = dealt_with(&server, &ada, "cancel", &waiting).await;
    assert!(results.iter().all(|one| one["ok"] == true), "{results:?}");
    let cancelled = until(&server, &ada, "status=cancelled", MANY).await;
    assert_eq!(cancelled.into_iter().collect::<BTreeSet<_>>(), all);
    assert!(listed(&server, &ada, "status=waiting").await.is_empty());
    // Asked once more, each says that there is nothing to do.
    let again = dealt_with(&server, &ada, "cancel", &waiting[..PIECE]).await;
    assert!(again.iter().all(|one| one["problem"]["code"] == "conflict"), "{again:?}");
}
