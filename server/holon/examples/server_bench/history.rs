//! What runs of the past cost: the same work on a server that has next to none and on one that has millions, request by request in turns.

use std::collections::BTreeMap;

use serde_json::json;
use tokio::time::Instant;

use crate::client::{Client, milliseconds};
use crate::fill;
use crate::ground::{Server, steps};
use crate::told::{at, median, print};

/// Runs of the past, where `HOLON_BENCH_RUNS` says nothing.
const RUNS: u64 = 10_000_000;
/// Runs that really ran on both, before one is filled: more than fill a page of a list.
const REAL: usize = 400;
/// Steps of each.
const STEPS: usize = 10;
const ROUNDS: usize = 5;
/// How often each thing is done in a round.
const TIMES: usize = 300;
/// How much longer half of a thing, and nearly all of it, may take.
const MOST: [(&str, f64, f64); 2] = [("p50", 0.5, 1.2), ("p99", 0.99, 1.5)];

/// A thing that is done: its name, and a request.
struct Deed {
    name: &'static str,
    method: &'static str,
    path: String,
    body: &'static str,
    expects: u16,
}

/// Says whether nothing takes much longer beside a long history.
pub async fn measure() -> bool {
    let runs = std::env::var("HOLON_BENCH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(RUNS);
    let (empty, full) = (Server::start().await, Server::start().await);
    let (of_empty, of_full) = (prepare(&empty).await, prepare(&full).await);
    let begun = Instant::now();
    fill::fill(&full, runs).await;
    print("history.filled_in", begun.elapsed().as_secs_f64(), "s", None);
    print("history.database", size(&full).await, "MB", None);
    let mut ok = true;
    let mut sides = [Side::of(&empty, of_empty).await, Side::of(&full, of_full).await];
    let mut factors: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for deed in 0..sides[0].deeds.len() {
            let [mut without, mut with] = [Vec::new(), Vec::new()];
            for _ in 0..TIMES {
                without.push(sides[0].take(deed).await);
                with.push(sides[1].take(deed).await);
            }
            for (what, share, _) in MOST {
                let factor = at(&mut with, share) / at(&mut without, share);
                factors.entry((sides[0].deeds[deed].name, what)).or_default().push(factor);
            }
            print(&format!("history.{}_p50_empty", sides[0].deeds[deed].name), median(&mut without), "ms", None);
            print(&format!("history.{}_p50", sides[0].deeds[deed].name), median(&mut with), "ms", None);
        }
    }
    for ((name, what), mut all) in factors {
        let most = MOST.iter().find(|(known, ..)| *known == what).map_or(f64::NAN, |(.., most)| *most);
        let factor = median(&mut all);
        ok &= factor <= most;
        print(&format!("history.{name}_{what}"), factor, "times", Some((&format!("<= {most}"), factor <= most)));
    }
    drop(sides);
    empty.stop().await;
    full.stop().await;
    ok
}

/// One of the two, with a connection that is kept.
struct Side {
    client: Client,
    cookie: String,
    deeds: Vec<Deed>,
}

impl Side {
    async fn of(server: &Server, deeds: Vec<Deed>) -> Self {
        let mut side = Self { client: server.client().await, cookie: server.cookie.clone(), deeds };
        for deed in 0..side.deeds.len() {
            for _ in 0..50 {
                side.take(deed).await;
            }
        }
        side
    }

    async fn take(&mut self, deed: usize) -> f64 {
        let Deed { method, path, body, expects, .. } = &self.deeds[deed];
        let begun = Instant::now();
        let (status, _, answer) = self.client.send(method, path, &self.cookie, body).await;
        assert_eq!(status, *expects, "{path}: {answer}");
        milliseconds(begun)
    }
}

/// Lets runs run that can be copied; gives what is measured.
async fn prepare(server: &Server) -> Vec<Deed> {
    let (flow, _) = server.publish(steps("ten", STEPS, json!({"answer": "sync"}))).await;
    let mut failing = steps("fails", 1, json!({"answer": "sync"}));
    failing["nodes"]["s0"] = json!({"kind": "flow.fail@1", "config": {"message": "no"}});
    let (_, fails) = server.publish(failing).await;
    let (three, step) = server.publish(steps("three", 3, json!({"answer": "sync"}))).await;
    let mut client = server.client().await;
    for number in 0..REAL {
        let team = if number % 10 == 0 { "red" } else { "blue" };
        let (path, body, expects) = if number % 20 == 19 {
            (fails.clone(), json!({"number": number}), 502)
        } else {
            let marks = json!({"input": {"number": number}, "labels": {"team": team}, "correlation": format!("order {number}")});
            (format!("/api/v1/flows/{flow}/runs"), marks, 201)
        };
        let (status, _, answer) = client.post(&path, &server.cookie, &body.to_string()).await;
        assert_eq!(status, expects, "{path}: {answer}");
    }
    over(server).await;
    let get =
        |name, query: &str| Deed { name, method: "GET", path: format!("/api/v1/runs?{query}"), body: "", expects: 200 };
    let post = |name, path, body, expects| Deed { name, method: "POST", path, body, expects };
    vec![
        post("start", format!("/api/v1/flows/{three}/runs"), r#"{"input": {"n": 1}}"#, 201),
        post("three_steps", step, r#"{"n": 1}"#, 200),
        get("list", "limit=50"),
        get("search_flow", &format!("limit=50&flow={flow}")),
        get("search_status", "limit=10&status=failed"),
        get("search_label", "limit=20&label=team:red"),
        get("search_correlation", "limit=20&correlation=order%207"),
        get("search_label_of_flow_completed", &format!("limit=20&label=team:red&flow={flow}&status=completed")),
    ]
}

/// Waits until all that really ran are over: a copy of one that is not would have no end.
async fn over(server: &Server) {
    let engine = &server.state.pools.engine;
    let ended =
        || sqlx::query_scalar::<_, i64>("select count(*) from run_hist where moment = 'ended'").fetch_one(engine);
    while ended().await.expect("Postgres answers") < i64::try_from(REAL).expect("not so many") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Of the database.
async fn size(server: &Server) -> f64 {
    let query = sqlx::query_scalar("select pg_database_size(current_database())");
    let bytes: i64 = query.fetch_one(&server.state.pools.engine).await.expect("Postgres answers");
    bytes as f64 / 1e6
}
