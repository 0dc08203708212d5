//! Recorded runs over REST: verified, looked at as they were, and tried on a draft or a version.

use axum::http::StatusCode;
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::endpoint::Endpoint;
use crate::runs::{calling, ran};
use crate::support::{ORIGIN, Person, Server, request};
use crate::waiting::{ended, published, started};

async fn owner(server: &Server) -> PgConnection {
    PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap()
}

fn id(run: &str) -> uuid::Uuid {
    uuid::Uuid::parse_str(run.rsplit('_').next().unwrap()).unwrap()
}

async fn get(server: &Server, who: &Person, path: &str) -> Value {
    let answer = server.by(who, "GET", path, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_verified_and_the_first_difference_of_its_record_is_named() {
    let endpoint = Endpoint::start().await;
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    let flow = calling(&server, &ada, &endpoint, "/chat", 4).await;
    let (run, other) = (ran(&server, &ada, &flow, json!({})).await, ran(&server, &ada, &flow, json!({})).await);
    let shown = get(&server, &ada, &run).await;
    let verified = get(&server, &ada, &format!("{run}/verify")).await;
    assert_eq!(verified, json!({"agrees": true, "inputs": 5, "log_hash": shown["log_hash"], "over": true}));

    let mut owner = owner(&server).await;
    // It ended with another hash than its last input gives: what came after that one is gone.
    let ended = "update run_hist set log_hash = decode(repeat('ab', 32), 'hex') where run_id = $1 and moment = 'ended'";
    sqlx::query(ended).bind(id(&run)).execute(&mut owner).await.unwrap();
    let found = get(&server, &ada, &format!("{run}/verify")).await;
    let difference = &found["difference"];
    assert_eq!((&found["agrees"], &found["inputs"]), (&json!(false), &json!(5)), "{found}");
    assert_eq!(
        (&difference["what"], &difference["seq"], &difference["recorded"], &difference["computed"]),
        (&json!("missing"), &json!(5), &json!("ab".repeat(32)), &shown["log_hash"])
    );

    // An input that does not read, and one that belongs to another run.
    let last: i64 = sqlx::query_scalar("select max(seq) from journal where run_id = $1")
        .bind(id(&run))
        .fetch_one(&mut owner)
        .await
        .unwrap();
    let damage = sqlx::query("update journal set body = '\\x63' where run_id = $1 and seq = $2");
    damage.bind(id(&run)).bind(last).execute(&mut owner).await.unwrap();
    let found = get(&server, &ada, &format!("{run}/verify")).await;
    assert_eq!(
        (&found["difference"]["what"], &found["difference"]["seq"], &found["inputs"]),
        (&json!("unreadable"), &json!(last), &json!(last)),
        "{found}"
    );
    let moment = server.by(&ada, "GET", &format!("{run}/at/{last}"), Value::Null).await;
    assert_eq!((moment.status, moment.code().as_str()), (StatusCode::CONFLICT, "conflict"), "{}", moment.text);
    assert_eq!(get(&server, &ada, &format!("{run}/at/{}", last - 1)).await["seq"], json!(last - 1));

    let swap = "update journal set body = (select body from journal where run_id = $2 and seq = 0) where run_id = $1 and seq = 0";
    sqlx::query(swap).bind(id(&other)).bind(id(&run)).execute(&mut owner).await.unwrap();
    let found = get(&server, &ada, &format!("{other}/verify")).await;
    assert_eq!(
        (&found["agrees"], &found["difference"]["what"], &found["difference"]["seq"]),
        (&json!(false), &json!("refused"), &json!(1)),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_shown_as_it_was_after_any_of_its_inputs_page_by_page() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": {"$cel": "input.order"}}},
        "sum": {"kind": "data.set@1", "config": {"keep": false, "fields": {"sum": {"$cel": "input.amount + 1"}}}}});
    let edges = [("start.out", "paid.in"), ("paid.out", "sum.in")];
    let flow = published(&server, &ada, nodes, &edges, json!({"$cel": "nodes.sum"})).await;
    let run = started(&server, &ada, &flow, json!({"order": "A-7"})).await;
    let node = |moment: &Value, path: &str| -> Value {
        let nodes = moment["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["path"] == path).cloned().unwrap_or_default()
    };
    let first = get(&server, &ada, &format!("{run}/at/0")).await;
    assert_eq!((&first["kind"], &first["status"]), (&json!("start"), &json!("waiting")), "{first}");
    assert_eq!(node(&first, "paid")["status"], json!("waiting"));
    assert_eq!(node(&first, "sum")["status"], json!("pending"));
    let later = server.by(&ada, "GET", &format!("{run}/at/1"), Value::Null).await;
    assert_eq!((later.status, later.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    assert!(later.text.contains("1 so far, 0 to 0"), "{}", later.text);

    let signal = json!({"name": "paid", "correlation": "A-7", "sender": "bank", "payload": {"amount": 12.50}});
    assert!(server.by(&ada, "POST", &format!("{run}/signals"), signal).await.status.is_success());
    let over = ended(&server, &ada, &run).await;
    let then = get(&server, &ada, &format!("{run}/at/0")).await;
    assert_eq!(then, first, "what was stays as it was");
    let last = get(&server, &ada, &format!("{run}/at/1")).await;
    assert_eq!((&last["status"], &last["output"]), (&json!("completed"), &json!({"sum": 13.50})), "{last}");
    assert_eq!((&last["nodes"], &last["log_hash"]), (&over["nodes"], &over["log_hash"]));
    let became: Vec<&str> =
        last["became"].as_array().unwrap().iter().filter_map(|fact| fact["what"].as_str()).collect();
    assert!(became.contains(&"node_succeeded") && became.contains(&"run_completed"), "{became:?}");

    // The pages together are the whole, and one node says what it was told to do.
    let (mut nodes, mut cursor) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = get(&server, &ada, &format!("{run}/at/1?limit=1{cursor}")).await;
        nodes.extend(page["nodes"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(nodes), last["nodes"]);
    let one = get(&server, &ada, &format!("{run}/at/1?path=sum")).await;
    assert_eq!(
        (one["nodes"].as_array().unwrap().len(), &one["config"]["fields"]),
        (1, &json!({"sum": 13.50})),
        "{one}"
    );
    assert_eq!(get(&server, &ada, &format!("{run}/at/0?path=sum")).await.get("config"), None);
    let slip = server.by(&ada, "GET", &format!("{run}/at/1?cursor=x"), Value::Null).await;
    assert_eq!(slip.status, StatusCode::BAD_REQUEST, "{}", slip.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_runs_are_tried_on_a_draft_piece_by_piece_and_nothing_is_called() {
    let endpoint = Endpoint::start().await;
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let flow = calling(&server, &ada, &endpoint, "/chat", 1).await;
    let mut runs = Vec::new();
    for n in 0..60 {
        runs.push(ran(&server, &ada, &flow, json!({"n": n})).await.rsplit('/').next().unwrap().to_owned());
    }
    let received = endpoint.received().len();
    // The draft does not pass the answer on for large numbers.
    let shown = server.by(&ada, "GET", &flow, Value::Null).await;
    let etag = shown.headers["etag"].to_str().unwrap().to_owned();
    let mut definition = shown.json()["definition"].clone();
    definition["result"] = json!({"$cel": "nodes.start.n >= 50 ? 0 : nodes.call0"});
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", etag.as_str())];
    let saved = server.send(request("PUT", &flow, &headers, definition)).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);

    let ask = async |body: Value| server.by(&ada, "POST", &format!("{flow}/backtest"), body).await;
    let first = ask(json!({})).await.json();
    assert_eq!((first["data"].as_array().unwrap().len(), &first["tried"]), (50, &json!(50)), "{first}");
    assert_eq!(first["data"][0]["run"], json!(runs[59]), "the newest first");
    let second = ask(json!({"cursor": first["next_cursor"]})).await.json();
    assert_eq!((second["data"].as_array().unwrap().len(), &second["tried"]), (10, &json!(60)));
    assert_eq!(second.get("next_cursor"), None);
    let tried: Vec<&Value> = [&first, &second].iter().flat_map(|page| page["data"].as_array().unwrap()).collect();
    let different: Vec<&str> = tried
        .iter()
        .filter(|one| one["found"]["verdict"] == "different")
        .map(|one| one["run"].as_str().unwrap())
        .collect();
    let mut expected: Vec<&str> = runs[50..].iter().map(String::as_str).collect();
    expected.reverse();
    assert_eq!(different, expected, "each told by name");
    assert_eq!(tried[0]["found"]["now"]["output"], json!(0));
    assert!(tried.iter().filter(|one| one["found"]["verdict"] == "same").count() == 50);

    // Named runs, a bound, and the version that they ran on.
    let named = ask(json!({"runs": [runs[3], runs[55], "run_01900000000070008000000000000001"]})).await.json();
    assert_eq!(named["data"][0]["found"]["verdict"], json!("same"));
    assert_eq!(named["data"][1]["found"]["verdict"], json!("different"));
    assert!(named["data"][2]["why"].is_string() && named["data"][2].get("found").is_none());
    assert_eq!((named.get("next_cursor"), &named["tried"]), (None, &json!(3)));
    let few = ask(json!({"most": 7, "version": 1})).await.json();
    assert_eq!((few["data"].as_array().unwrap().len(), few.get("next_cursor")), (7, None));
    assert!(few["data"].as_array().unwrap().iter().all(|one| one["found"]["verdict"] == "same"));
    assert_eq!(ask(json!({"version": 9})).await.status, StatusCode::NOT_FOUND);
    for (wrong, pointer) in [
        (json!({"most": 0}), "/most"),
        (json!({"most": 1001}), "/most"),
        (json!({"runs": []}), "/runs"),
        (json!({"runs": [runs[0]], "most": 5}), "/most"),
        (json!({"cursor": "x"}), "/cursor"),
    ] {
        let refused = ask(wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.json()["errors"][0]["pointer"], json!(pointer), "{}", refused.text);
    }
    assert_eq!(endpoint.received().len(), received, "nothing outside was asked");

    // Somebody else's runs are no runs of this flow, and are not told from those that there are not.
    let theirs = calling(&server, &bob, &endpoint, "/chat", 1).await;
    let foreign = json!({"runs": [runs[0], "run_01900000000070008000000000000001"]});
    let found = server.by(&bob, "POST", &format!("{theirs}/backtest"), foreign).await.json();
    assert_eq!((&found["data"][0]["why"], &found["data"][0]["version"]), (&found["data"][1]["why"], &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_not_over_or_was_terminated_has_no_end_to_compare() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes =
        json!({"start": {"kind": "trigger.manual@1"}, "wait": {"kind": "flow.wait@1", "config": {"for": "1h"}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "wait.in")], Value::Null).await;
    let (going, ended) = (started(&server, &ada, &flow, json!(1)).await, started(&server, &ada, &flow, json!(2)).await);
    assert!(server.by(&ada, "POST", &format!("{ended}/terminate"), Value::Null).await.status.is_success());
    let listed = server.by(&ada, "POST", &format!("{flow}/backtest"), json!({})).await.json();
    assert_eq!(listed, json!({"mistakes": 0, "data": [], "tried": 0}));
    let runs: Vec<&str> = [&going, &ended].iter().map(|run| run.rsplit('/').next().unwrap()).collect();
    let named = server.by(&ada, "POST", &format!("{flow}/backtest"), json!({"runs": runs})).await.json();
    assert_eq!(named["data"][0]["why"], json!("It is not over yet."));
    assert!(named["data"][1]["why"].as_str().unwrap().contains("terminated"), "{named}");
    // What there is of both holds.
    for run in [going, ended] {
        let verified = get(&server, &ada, &format!("{run}/verify")).await;
        assert_eq!((&verified["agrees"], &verified["inputs"]), (&json!(true), &json!(1)), "{verified}");
    }
}
