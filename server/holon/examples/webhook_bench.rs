//! Measures the composed server from outside: a delivery over HTTP/1.1 to a synchronous webhook, answered at the end of a
//! run of three journaled steps (an effect in process that does nothing). Its own Postgres, with fsync on; one JSON line a
//! measure.
//!
//! `cargo run --release -p holon --example webhook_bench`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its result")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use holon::compose::{Ground, Kinds, compose_with};
use holon::listen::listen;
use holon::state::AppState;
use holon_flow::capability::NodeError;
use holon_flow::{Capability, Catalogue};
use holon_model::Value;
use holon_platform::clock::SystemClock;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::db::Database;
use holon_platform::execute::{EffectContext, EffectRequest, Executor};
use holon_platform::shutdown::Shutdown;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

const STEPS: u64 = 3;
const WARM_UP: usize = 200;
const SEQUENTIAL: usize = 1_000;
const CLIENTS: usize = 64;
const LOAD_FOR: Duration = Duration::from_secs(8);
/// What one client waits for a finished run at most, at the median, in milliseconds.
const MOST_MS: f64 = 3.0;
const ORIGIN: &str = "http://localhost:8080";

const MANIFEST: &str = r#"{
  "capability": 1, "id": "bench", "version": "1.0.0", "title": "Bench", "summary": "A step that does nothing.",
  "permissions": [], "commands": [], "events": [], "panels": [],
  "configuration": {"type": "object", "additionalProperties": false},
  "kinds": [
    {"kind": "bench.nothing@1", "title": "Nothing", "summary": "Does nothing.",      "category": "Bench", "icon": "play", "keywords": [], "config": {"type": "object"},
     "ports": {"outputs": ["out"], "error": true}, "effect": "idempotent", "preview": "sample", "line": "",
     "defaults": {}, "behaviour": "effect"}
  ]}"#;

struct Nothing;

#[async_trait]
impl Executor for Nothing {
    async fn execute(&self, _: &EffectContext, _: EffectRequest) -> Result<Value, NodeError> {
        Ok(Value::Null)
    }
}

fn kinds() -> Kinds {
    let mut kinds = Kinds::built_in();
    let nothing = Capability::from_manifest(MANIFEST, &[]).expect("the manifest is right");
    let all = kinds.catalogue.capabilities().iter().cloned().chain([nothing]).collect();
    kinds.catalogue = Arc::new(Catalogue::new(all));
    kinds.executors.insert("bench.nothing@1".to_owned(), Arc::new(Nothing));
    kinds
}

fn definition() -> serde_json::Value {
    json!({"holon": 1, "name": "three", "nodes": {
        "hook": {"kind": "trigger.webhook@1", "config": {"answer": "sync"}},
        "a": {"kind": "bench.nothing@1"}, "b": {"kind": "bench.nothing@1"}, "c": {"kind": "bench.nothing@1"}},
      "edges": [{"from": "hook.out", "to": "a.in"}, {"from": "a.out", "to": "b.in"}, {"from": "b.out", "to": "c.in"}]})
}

/// A connection that is kept: what a client of the server is, without a library in between.
struct Client {
    stream: BufReader<TcpStream>,
}

/// Status, the cookie that was set, body.
type Answer = (u16, Option<String>, String);

impl Client {
    #[expect(clippy::disallowed_methods, reason = "dials this process' own listener; nothing leaves the machine")]
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket can be set up");
        Self { stream: BufReader::new(stream) }
    }

    async fn post(&mut self, path: &str, cookie: &str, body: &str) -> Answer {
        self.send("POST", path, cookie, body).await
    }

    async fn send(&mut self, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost:8080\r\norigin: {ORIGIN}\r\ncookie: {cookie}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).await.expect("the server takes the request");
        let (mut status, mut length, mut cookie) = (0, 0, None);
        let mut line = String::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line).await.expect("the server answers");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).expect("a status");
            } else if let Some((name, value)) = text.split_once(": ") {
                match name {
                    "content-length" => length = value.parse().expect("a length"),
                    "set-cookie" => cookie = value.split(';').next().map(str::to_owned),
                    _ => {}
                }
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.expect("the server answers in full");
        (status, cookie, String::from_utf8(body).expect("the answer is text"))
    }

    /// Milliseconds from a delivery to the end of its run.
    async fn one_run(&mut self, path: &str) -> f64 {
        let begun = Instant::now();
        let (status, _, body) = self.post(path, "", r#"{"n":7}"#).await;
        assert_eq!(status, 200, "{body}");
        begun.elapsed().as_secs_f64() * 1_000.0
    }
}

/// Signs somebody up, publishes the flow, and gives the path of its webhook.
async fn published(client: &mut Client) -> String {
    let person =
        json!({"name": "ada", "email": "ada@example.com", "password": "tangerine boat ladder", "workspace": "a"});
    let (status, cookie, body) = client.post("/api/v1/sign-up", "", &person.to_string()).await;
    assert_eq!(status, 201, "{body}");
    let cookie = cookie.expect("a session");
    let flow = json!({"definition": definition()}).to_string();
    let (status, _, body) = client.post("/api/v1/flows", &cookie, &flow).await;
    assert_eq!(status, 201, "{body}");
    let made: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let path = format!("/api/v1/flows/{}", made["id"].as_str().expect("an id"));
    let (status, _, body) = client.post(&format!("{path}/publish"), &cookie, "{}").await;
    assert_eq!(status, 200, "{body}");
    let (_, _, body) = client.send("GET", &path, &cookie, "").await;
    let flow: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let url = flow["webhooks"][0]["url"].as_str().expect("an address").to_owned();
    url[url.find("/hooks/").expect("a webhook's path")..].to_owned()
}

async fn open() -> (Config, Database, PathBuf) {
    let dir = std::env::temp_dir().join(format!("holon-bench-{}", SystemClock::shared().uuid_v7().simple()));
    let mut env: BTreeMap<String, String> = std::env::vars().filter(|(name, _)| name == "HOLON_POSTGRES_BIN").collect();
    env.insert("HOLON_DATA_DIR".into(), dir.display().to_string());
    env.insert("HOLON_PUBLIC_URL".into(), ORIGIN.into());
    let sources = Sources::new(env).expect("there is no file to read");
    let config = Config::from_sources(&sources).expect("the settings are right");
    let database = Database::open(&config, &Keyring::from_bytes([7; 32])).await.expect("Postgres starts");
    (config, database, dir)
}

#[tokio::main]
async fn main() {
    let (config, database, dir) = open().await;
    let shutdown = Shutdown::new();
    let ground = Ground {
        config,
        pools: database.pools.clone(),
        keyring: Arc::new(Keyring::from_bytes([7; 32])),
        clock: SystemClock::shared(),
        shutdown: shutdown.clone(),
        address: "bench".into(),
        alone: true,
    };
    let state = compose_with(ground, kinds()).await.expect("the server starts");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = holon::router(state.clone());
    let serving = tokio::spawn(async move { listen(listener, router, &shutdown, Duration::from_secs(1)).await });
    let ok = measure(&state, address).await;
    serving.abort();
    state.runtime.drain(Duration::from_secs(5)).await;
    database.close().await;
    // What stays in the temporary folder is of no worth.
    let _ = std::fs::remove_dir_all(dir);
    if !ok {
        std::process::exit(1);
    }
}

async fn measure(state: &AppState, address: SocketAddr) -> bool {
    let mut client = Client::connect(address).await;
    let path: Arc<str> = published(&mut client).await.into();
    while !state.runtime.ready() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for _ in 0..WARM_UP {
        client.one_run(&path).await;
    }
    let mut runs = Vec::new();
    for _ in 0..SEQUENTIAL {
        runs.push(client.one_run(&path).await);
    }
    let run = median(&mut runs);
    let ok = run <= MOST_MS;
    print("runtime.webhook_to_finish_p50", run, "ms", Some(("<= 3", ok)));
    print("runtime.webhook_to_finish_p99", runs[runs.len() * 99 / 100], "ms", None);

    let before = (state.runtime.metrics().await, wal(state).await);
    let done = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let (path, done) = (Arc::clone(&path), Arc::clone(&done));
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            let mut taken = Vec::new();
            while begun.elapsed() < LOAD_FOR {
                taken.push(client.one_run(&path).await);
                done.fetch_add(1, Relaxed);
            }
            taken
        })
    });
    let mut taken = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        taken.extend(client.await.expect("a client ends well"));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = (state.runtime.metrics().await, wal(state).await);
    let count = done.load(Relaxed) as f64;
    let steps = count * STEPS as f64;
    print("runtime.webhook_runs_per_second_64", count / seconds, "runs/s", None);
    print("runtime.webhook_p50_64", median(&mut taken), "ms", None);
    let commits = (after.0.commits - before.0.commits) as f64;
    print("runtime.webhook_commits_per_step_64", commits / steps, "commits/step", None);
    print("runtime.webhook_wal_per_step_64", (after.1 - before.1) as f64 / steps, "bytes/step", None);
    ok
}

async fn wal(state: &AppState) -> i64 {
    let at = sqlx::query_scalar("select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint");
    at.fetch_one(&state.pools.engine).await.expect("Postgres answers")
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn print(name: &str, value: f64, unit: &str, must: Option<(&str, bool)>) {
    let value = (value * 1_000.0).round() / 1_000.0;
    let must = must.map_or_else(String::new, |(must, ok)| format!(r#","must":"{must}","ok":{ok}"#));
    println!(r#"{{"name":"{name}","value":{value},"unit":"{unit}"{must}}}"#);
}
