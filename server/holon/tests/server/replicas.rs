//! Two real server processes over one Postgres: one of them is killed under load, its runs move on in the other, none that was
//! acknowledged is lost, and what they call is called with one key each. Says how long the takeover took.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use holon_platform::db::Role;
use holon_platform::db::test_db::TestDb;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{ORIGIN, sign_up};

/// A server process; it is killed with this.
pub struct Process {
    pub child: Child,
    pub port: u16,
    log: PathBuf,
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "of a test that fails, what its servers had to say is for people to read")]
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let ended = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{} ended with {ended:?}; it said:\n{}", self.log.display(), last_lines(&self.log, 40));
        }
    }
}

/// The end of a file, as far as it reads.
pub fn last_lines(path: &Path, most: usize) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}

pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

impl Process {
    pub async fn start(db: &TestDb, dir: &Path, name: &str) -> Self {
        let process = Self::spawn(db, dir, name, &[]).await;
        process.ready().await;
        process
    }

    /// Starts it, with more in its environment, and does not wait for it.
    pub async fn spawn(db: &TestDb, dir: &Path, name: &str, env: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let log = dir.join(format!("{name}.log"));
        let child = Self::program(db, dir, name, &["serve"])
            .env("HOLON_PORT", port.to_string())
            .envs(env.iter().copied())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, port, log }
    }

    /// The program with the configuration of a server of this database.
    pub fn program(db: &TestDb, dir: &Path, name: &str, arguments: &[&str]) -> Command {
        let url = |role| db.options(role).to_url_lossy().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_holon"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOLON_PUBLIC_URL", ORIGIN)
            .env("HOLON_DATA_DIR", dir.join(name))
            .env("HOLON_ROOT_KEY_FILE", dir.join("root.key"))
            .env("HOLON_DATABASE_OWNER_URL", url(Role::Owner))
            .env("HOLON_DATABASE_APP_URL", url(Role::App))
            .env("HOLON_DATABASE_AUTH_URL", url(Role::Auth))
            .env("HOLON_DATABASE_ENGINE_URL", url(Role::Engine))
            .env("HOLON_EGRESS_ALLOW_LOOPBACK", "true")
            .env("HOLON_LOG", "warn");
        command
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&self) {
        let ready = async {
            while self.ask("GET", "/health/ready", &[], &Value::Null).await.is_none_or(|reply| reply.status != 200) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ready).await.expect("the server starts");
    }

    /// What it said last.
    pub fn said(&self) -> String {
        last_lines(&self.log, 40)
    }

    /// One request on a connection of its own; nothing when there is no answer.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Option<Reply> {
        ask(self.port, method, path, headers, body).await
    }

    /// Delivers an order to a webhook; the run, if it was acknowledged.
    async fn deliver(&self, hook: &str, order: usize) -> Option<String> {
        let reply = self.ask("POST", hook, &[], &json!({ "order": order })).await?;
        (reply.status == 202).then(|| reply.headers["holon-run"].clone())
    }
}

/// One request to a server of this port, on a connection of its own; nothing when there is no answer.
#[expect(clippy::disallowed_methods, reason = "the test is the client")]
pub async fn ask(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Option<Reply> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Some(Reply { status, headers: lines.filter_map(header).collect(), body: body.to_owned() })
}

/// What was called: keys by order.
type Received = Arc<Mutex<BTreeMap<u64, BTreeSet<String>>>>;

async fn receive(State(received): State<Received>, headers: HeaderMap, body: axum::Json<Value>) -> axum::Json<Value> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let order = body["order"].as_u64().unwrap_or(u64::MAX);
    received.lock().unwrap().entry(order).or_default().insert(key);
    axum::Json(json!({ "accepted": true }))
}

/// Signs somebody up and publishes a flow that waits for a moment and then calls the receiver; the cookie and the webhook's path.
async fn published(server: &Process, receiver: &str) -> (String, String) {
    let made = server.ask("POST", "/api/v1/sign-up", &[("origin", ORIGIN)], &sign_up("ada")).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let cookie = made.headers["set-cookie"].split(';').next().unwrap().to_owned();
    let headers = [("origin", ORIGIN), ("cookie", cookie.as_str())];
    let definition = json!({"holon": 1, "name": "orders", "nodes": {
        "hook": {"kind": "trigger.webhook@1", "config": {"method": "POST"}},
        "pause": {"kind": "flow.wait@1", "config": {"for": "1s"}},
        "call": {"kind": "http.request@1", "config": {"method": "POST", "url": receiver,
            "body": {"json": {"order": {"$cel": "trigger.body.order"}}}}}},
      "edges": [{"from": "hook.out", "to": "pause.in"}, {"from": "pause.out", "to": "call.in"}]});
    let made = server.ask("POST", "/api/v1/flows", &headers, &json!({ "definition": definition })).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let done = server.ask("POST", &format!("{path}/publish"), &headers, &json!({})).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    let flow = server.ask("GET", &path, &headers, &Value::Null).await.unwrap().json();
    let url = flow["webhooks"][0]["url"].as_str().unwrap().to_owned();
    (cookie, url[url.find("/hooks/").unwrap()..].to_owned())
}

/// Waits until runs have ended on this server, as it tells; how each did.
pub async fn ended(server: &Process, cookie: &str, runs: &[String]) -> Vec<String> {
    let mut statuses = Vec::new();
    for run in runs {
        let path = format!("/api/v1/runs/{run}");
        let status = async {
            loop {
                if let Some(reply) = server.ask("GET", &path, &[("cookie", cookie)], &Value::Null).await
                    && reply.status == 200
                    && let Some(status) = reply.json()["summary"]["status"].as_str()
                    && !["queued", "running", "waiting"].contains(&status)
                {
                    return status.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        statuses.push(tokio::time::timeout(Duration::from_secs(60), status).await.expect("the run ends"));
    }
    statuses
}

/// From the kill of a server until a run of it has ended on another one, at most.
const MOVED_ON_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "how long the takeover took is for people to read")]
async fn one_of_two_servers_is_killed_under_load_and_its_runs_move_on_in_the_other() {
    let db = TestDb::new().await;
    let dir = std::env::temp_dir().join(format!("holon-two-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let received = Received::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let receiver = format!("http://127.0.0.1:{}/orders", listener.local_addr().unwrap().port());
    let router = Router::new().route("/orders", post(receive)).with_state(received.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });

    let stays = Process::start(&db, &dir, "stays").await;
    let (cookie, hook) = published(&stays, &receiver).await;
    let mut killed = Process::start(&db, &dir, "killed").await;
    let mut orders = 0..;
    // It joins, and is given its share.
    while killed.deliver(&hook, orders.next().unwrap()).await.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..150 {
        let (one, two) = (orders.next().unwrap(), orders.next().unwrap());
        let (one, two) = tokio::join!(stays.deliver(&hook, one), killed.deliver(&hook, two));
        here.extend(one);
        there.extend(two);
    }
    assert!(there.len() > 100, "it takes runs in: {}", there.len());
    killed.child.kill().unwrap();
    let at = tokio::time::Instant::now();
    killed.child.wait().unwrap();
    // The last ones were waiting when their server was killed. The one that is left goes on taking runs in meanwhile.
    there.reverse();
    let moves_on = async { (ended(&stays, &cookie, &there[..1]).await, at.elapsed()) };
    let goes_on = async {
        let mut taken = Vec::new();
        while at.elapsed() < MOVED_ON_WITHIN {
            taken.extend(stays.deliver(&hook, orders.next().unwrap()).await);
        }
        taken
    };
    let ((first, moved_on), taken) = tokio::join!(moves_on, goes_on);
    assert!(moved_on < MOVED_ON_WITHIN, "the runs of the one that was killed stood still for {moved_on:?}");
    assert!(taken.len() > 20, "it goes on: {}", taken.len());
    here.extend(taken);
    let mut statuses = ended(&stays, &cookie, &there).await;
    let all_over = at.elapsed();
    statuses.extend(first);
    statuses.extend(ended(&stays, &cookie, &here).await);
    eprintln!(
        "a killed server's runs went on after {moved_on:?}, {} of them were over after {all_over:?}",
        there.len()
    );
    assert!(statuses.iter().all(|status| status == "completed"), "{statuses:?}");
    let received = received.lock().unwrap().clone();
    assert!(received.values().all(|keys| keys.len() == 1), "{received:?}");
    assert!(received.len() >= here.len() + there.len(), "{} of {}", received.len(), here.len() + there.len());

    drop(stays);
    serving.abort();
    // What stays in the temporary folder is of no worth.
    let _ = std::fs::remove_dir_all(&dir);
}
