//! The server on its own Postgres is killed with `kill -9` under load and started again, again and again; its Postgres is left behind each
//! time. Two hundred requests a second go on coming, each until it is acknowledged. Nothing that was acknowledged
//! is lost, nothing is done with two keys, what is counted in the database is counted once, and each start takes a few seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::replicas::{ask, last_lines};
use crate::support::{ORIGIN, sign_up};

/// Kills of each test run.
const KILLS: u64 = 30;
/// Requests a second.
const RATE: u64 = 200;
/// From the start of the process to the first request that it acknowledges.
pub const READY_WITHIN: Duration = Duration::from_secs(5);
/// How long the server serves, at most, before it is killed again.
const SERVES_MS: u64 = 2_500;
/// How long one request may take, and how long its sender waits before it sends it again when nothing says how long.
const PATIENCE: Duration = Duration::from_secs(15);
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// Numbers that are counted in the database: one for each, so that not all runs want the same row.
const COUNTERS: u64 = 16;

/// A server on its own Postgres that is started again after each kill.
pub struct Site {
    pub dir: PathBuf,
    pub port: u16,
    pub child: Option<Child>,
}

impl Site {
    pub async fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("holon-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        Self { dir, port, child: None }
    }

    /// The program, with this server's configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holon"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOLON_PORT", self.port.to_string())
            .env("HOLON_PUBLIC_URL", ORIGIN)
            .env("HOLON_DATA_DIR", self.dir.join("data"))
            .env("HOLON_EGRESS_ALLOW_LOOPBACK", "true")
            .env("HOLON_LOG", "warn");
        if let Some(binaries) = std::env::var_os("HOLON_POSTGRES_BIN") {
            command.env("HOLON_POSTGRES_BIN", binaries);
        }
        command
    }

    fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same with more in its environment.
    pub fn start_with(&mut self, env: &[(&str, &str)]) {
        let mut command = self.command(&["serve"]);
        command.envs(env.iter().copied());
        let log = std::fs::File::options().create(true).append(true).open(self.dir.join("server.log")).unwrap();
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    /// The first process of its Postgres, while there is one.
    pub fn postgres(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.dir.join("data/postgres/postmaster.pid")).ok()?;
        Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
    }

    /// `kill -9`; `both`: of the server and of its Postgres.
    pub fn kill(&mut self, both: bool) {
        let postgres = self.postgres();
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        if let Some(postgres) = postgres.filter(|_| both) {
            // It may have ended by itself.
            let _ = kill_process(postgres, Signal::KILL);
        }
    }

    /// Starts it again when it ended by itself, as a service manager does.
    fn watch(&mut self) {
        if self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_some()) {
            self.child = None;
            self.start();
        }
    }

    /// Ends it as an operator does.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
            child.wait().unwrap();
        }
    }

    /// The end of what the server had to say.
    pub fn log(&self) -> String {
        last_lines(&self.dir.join("server.log"), 20)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Only a test that failed leaves anything to end.
        self.kill(true);
        // What stays in the temporary folder is of no worth.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// What the receiver was called for.
#[derive(Default)]
struct Received {
    /// Keys by order.
    keys: BTreeMap<u64, BTreeSet<String>>,
    /// By counter: the numbers that runs drew, with their orders.
    numbers: BTreeMap<u64, BTreeMap<u64, u64>>,
    /// Numbers that two orders drew.
    twice: Vec<(u64, u64)>,
    calls: u64,
}

type Ledger = Arc<Mutex<Received>>;

async fn receive(State(ledger): State<Ledger>, headers: HeaderMap, body: axum::Json<Value>) -> axum::Json<Value> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let number = |name: &str| body[name].as_u64().unwrap_or(u64::MAX);
    let (order, drawn) = (number("order"), number("number"));
    let mut received = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    received.calls += 1;
    received.keys.entry(order).or_default().insert(key);
    let before = received.numbers.entry(order % COUNTERS).or_default().insert(drawn, order);
    if before.is_some_and(|before| before != order) {
        received.twice.push((order, drawn));
    }
    axum::Json(json!({ "accepted": true }))
}

/// Those who send orders.
struct Senders {
    port: u16,
    hook: String,
    next: AtomicU64,
    over: AtomicBool,
    /// The run of each order that was acknowledged.
    acknowledged: Mutex<BTreeMap<u64, String>>,
    /// Orders for which two runs were named.
    two_runs: Mutex<Vec<(u64, String, String)>>,
}

impl Senders {
    /// Sends an order until it is acknowledged, no sooner again than the server says.
    async fn send(&self, order: u64) {
        while let Err(after) = self.send_once(order).await {
            sleep(after).await;
        }
    }

    /// Sends an order once; when it is not acknowledged, after how long it is to be sent again.
    async fn send_once(&self, order: u64) -> Result<(), Duration> {
        let key = format!("order-{order}");
        let (headers, body) = ([("x-order", key.as_str())], json!({ "order": order }));
        let asking = ask(self.port, "POST", &self.hook, &headers, &body);
        let reply = timeout(PATIENCE, asking).await.ok().flatten().ok_or(AGAIN_AFTER)?;
        let told = reply.headers.get("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let run = reply.headers.get("holon-run").filter(|_| reply.status == 202);
        let run = run.cloned().ok_or(told.unwrap_or(AGAIN_AFTER))?;
        let before = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).insert(order, run.clone());
        if let Some(before) = before.filter(|before| *before != run) {
            self.two_runs.lock().unwrap_or_else(PoisonError::into_inner).push((order, before, run));
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// So many a second, each until it is acknowledged; ends when all are.
    async fn load(self: Arc<Self>) {
        let mut senders = JoinSet::new();
        let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
        while !self.over.load(Relaxed) {
            tick.tick().await;
            let (all, order) = (self.clone(), self.next.fetch_add(1, Relaxed));
            senders.spawn(async move {
                all.send(order).await;
                // Some are sent again later: they have their run.
                if order % 50 == 0 {
                    sleep(Duration::from_secs(4)).await;
                    all.send(order).await;
                }
            });
            while senders.try_join_next().is_some() {}
        }
        senders.join_all().await;
    }
}

/// Waits until the server says that it is ready.
pub async fn until_ready(port: u16) {
    while ask(port, "GET", "/health/ready", &[], &Value::Null).await.is_none_or(|reply| reply.status != 200) {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Signs somebody up and publishes a flow that draws a number and calls the receiver with it; the cookie and the webhook's path.
async fn published(port: u16, receiver: &str) -> (String, String) {
    let made = ask(port, "POST", "/api/v1/sign-up", &[("origin", ORIGIN)], &sign_up("ada")).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let cookie = made.headers["set-cookie"].split(';').next().unwrap().to_owned();
    let headers = [("origin", ORIGIN), ("cookie", cookie.as_str())];
    let counter = format!("'counter ' + string(trigger.body.order % {COUNTERS})");
    let definition = json!({"holon": 1, "name": "orders", "nodes": {
        "hook": {"kind": "trigger.webhook@1", "config": {"method": "POST", "dedup": {"header": "x-order"}}},
        "number": {"kind": "state.increment@1", "config": {"key": {"$cel": counter}}},
        "call": {"kind": "http.request@1", "policies": {"retry": {"attempts": 5}}, "config": {"method": "POST", "url": receiver,
            "body": {"json": {"order": {"$cel": "trigger.body.order"}, "number": {"$cel": "nodes.number"}}}}}},
      "edges": [{"from": "hook.out", "to": "number.in"}, {"from": "number.out", "to": "call.in"}]});
    let made = ask(port, "POST", "/api/v1/flows", &headers, &json!({ "definition": definition })).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let done = ask(port, "POST", &format!("{path}/publish"), &headers, &json!({})).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    let flow = ask(port, "GET", &path, &headers, &Value::Null).await.unwrap().json();
    let url = flow["webhooks"][0]["url"].as_str().unwrap().to_owned();
    (cookie, url[url.find("/hooks/").unwrap()..].to_owned())
}

/// The runs of all orders by how they stand, once none is under way.
async fn over(port: u16, cookie: &str) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let mut by_status: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/runs?limit=200{cursor}");
            let page = ask(port, "GET", &path, &[("cookie", cookie)], &Value::Null).await.unwrap();
            assert_eq!(page.status, 200, "{}", page.body);
            let page = page.json();
            for run in page["data"].as_array().unwrap() {
                let (id, status) = (run["id"].as_str().unwrap(), run["status"].as_str().unwrap());
                by_status.entry(status.to_owned()).or_default().insert(id.to_owned());
            }
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        if ["queued", "running", "waiting"].iter().all(|status| !by_status.contains_key(*status)) {
            return by_status;
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// What so many kills came to.
struct Told {
    orders: usize,
    calls: u64,
    starts: Vec<Duration>,
}

/// Kills a server so many times; `seed` says when.
async fn killed(kills: u64, seed: u64) -> Told {
    let ledger = Ledger::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let receiver = format!("http://127.0.0.1:{}/orders", listener.local_addr().unwrap().port());
    let router = Router::new().route("/orders", post(receive)).with_state(ledger.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });

    let mut site = Site::new("kills").await;
    site.start();
    timeout(Duration::from_secs(60), until_ready(site.port)).await.expect("the first start makes the database");
    let (cookie, hook) = published(site.port, &receiver).await;
    let senders = Arc::new(Senders {
        port: site.port,
        hook,
        next: AtomicU64::new(0),
        over: AtomicBool::new(false),
        acknowledged: Mutex::default(),
        two_runs: Mutex::default(),
    });
    let load = tokio::spawn(senders.clone().load());
    let mut starts = Vec::new();
    for kill in 0..kills {
        let hash = blake3::Hasher::new().update(&seed.to_be_bytes()).update(&kill.to_be_bytes()).finalize();
        let serves = u64::from(u16::from_be_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])) % SERVES_MS;
        // It serves for a moment from its first acknowledgement on, and never mind what it is at.
        sleep(Duration::from_millis(serves)).await;
        site.kill(false);
        let before = senders.count();
        let since = Instant::now();
        site.start();
        let acknowledges = async {
            while senders.count() == before {
                sleep(Duration::from_millis(5)).await;
                site.watch();
            }
        };
        let ready = timeout(Duration::from_secs(60), acknowledges).await;
        assert!(ready.is_ok(), "after kill {kill} nothing is acknowledged any more:\n{}", site.log());
        starts.push(since.elapsed());
    }
    senders.over.store(true, Relaxed);
    let in_the_end = timeout(Duration::from_secs(120), load).await.map(Result::unwrap);
    let (orders, acknowledged) = (senders.next.load(Relaxed), senders.count());
    assert!(in_the_end.is_ok(), "of {orders} orders {acknowledged} are acknowledged:\n{}", site.log());
    let by_status = timeout(Duration::from_secs(120), over(site.port, &cookie)).await.expect("every run ends");
    site.stop();
    serving.abort();

    let acknowledged = senders.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let received = std::mem::take(&mut *ledger.lock().unwrap_or_else(PoisonError::into_inner));
    let counts: BTreeMap<_, _> = by_status.iter().map(|(status, runs)| (status, runs.len())).collect();
    let completed = by_status.get("completed").cloned().unwrap_or_default();
    let lost: Vec<_> = acknowledged.iter().filter(|(_, run)| !completed.contains(*run)).collect();
    assert!(lost.is_empty(), "acknowledged, and not completed: {lost:?}; there are {counts:?}\n{}", site.log());
    let two_runs = senders.two_runs.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(two_runs, [], "orders with two runs");
    assert_eq!(completed.len(), acknowledged.len(), "one run for each order: {counts:?}");
    let two_keys: Vec<_> = received.keys.iter().filter(|(_, keys)| keys.len() != 1).collect();
    assert!(two_keys.is_empty(), "called with two keys: {two_keys:?}");
    assert_eq!(received.keys.len(), acknowledged.len(), "each order is called for");
    assert_eq!(received.twice, [], "orders that drew the number of another one");
    for (counter, numbers) in &received.numbers {
        let orders: BTreeSet<_> = numbers.values().collect();
        let highest = numbers.keys().max().copied().unwrap_or_default();
        let all = (orders.len() as u64, numbers.len() as u64);
        assert_eq!(all, (highest, highest), "counter {counter} counts each run once and none twice");
    }
    Told { orders: acknowledged.len(), calls: received.calls, starts }
}

#[expect(clippy::print_stderr, reason = "what was measured is for people to read")]
fn tell(told: &mut Told) -> Duration {
    told.starts.sort_unstable();
    let longest = told.starts.last().copied().unwrap_or_default();
    let middle = told.starts.get(told.starts.len() / 2).copied().unwrap_or_default();
    eprintln!(
        "{} kills, {} runs acknowledged and completed, {} calls: 0 lost, 0 with two keys, 0 counted twice; the first \
         acknowledgement {:.2} s after the start of the process, {:.2} s at most",
        told.starts.len(),
        told.orders,
        told.calls,
        middle.as_secs_f64(),
        longest.as_secs_f64()
    );
    longest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_under_load_it_loses_nothing_does_nothing_twice_and_is_there_again_at_once() {
    let longest = tell(&mut killed(KILLS, 0).await);
    assert!(longest <= READY_WITHIN, "a start took {longest:?}");
}

fn environment(name: &str) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "as long as one likes: `cargo xtask kills`"]
async fn it_is_killed_as_often_as_one_likes() {
    let state = std::env::var_os("HOLON_KILLS_STATE").map(PathBuf::from);
    let read =
        |path: &Path| std::fs::read_to_string(path).unwrap_or_default().trim().parse::<u64>().unwrap_or_default();
    let mut left = environment("HOLON_KILLS");
    while left > 0 {
        let before = state.as_deref().map(read).unwrap_or_default();
        let now = KILLS.min(left);
        let longest = tell(&mut killed(now, before + 1).await);
        assert!(longest <= READY_WITHIN, "a start took {longest:?}");
        if let Some(state) = &state {
            std::fs::write(state, format!("{}\n", before + now)).unwrap();
        }
        left -= now;
    }
}
