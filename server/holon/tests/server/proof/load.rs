//! Load of several kinds for servers that are killed: runs that count in the database, that wait, that go through lists, that call others and
//! that undo what they did, each sent until some server acknowledges it. In the end `settled` holds them to what was promised.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::replicas::ask;
use crate::support::{ORIGIN, sign_up};

/// Requests a second.
const RATE: u64 = 60;
/// How long a sender waits for an answer, and before it sends again: a server that stands still answers nobody.
const PATIENCE: Duration = Duration::from_secs(2);
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Numbers that are counted in the database.
const COUNTERS: u64 = 8;
/// Of so many sagas one fails in its last step, and is undone.
const FAILS_EACH: u64 = 3;
/// How long everything may take that is under way when nobody sends any more.
const OVER_WITHIN: Duration = Duration::from_secs(90);

/// What a run does; an order's number says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counts,
    Waits,
    Maps,
    Calls,
    Undoes,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Counts, Self::Waits, Self::Maps, Self::Calls, Self::Undoes];

    fn of(order: u64) -> Self {
        Self::ALL[usize::try_from(order % 5).unwrap_or_default()]
    }

    /// How a run of it ends.
    fn ends(order: u64) -> &'static str {
        if fails(order) { "failed" } else { "completed" }
    }

    /// For what it calls the receiver.
    fn asks(order: u64) -> &'static [&'static str] {
        match Self::of(order) {
            Self::Counts => &["counted"],
            Self::Waits => &["waited"],
            Self::Maps => &["item-0", "item-1", "item-2"],
            Self::Calls => &["called"],
            Self::Undoes if fails(order) => &["booked", "paid", "cancelled"],
            Self::Undoes => &["booked", "paid"],
        }
    }
}

/// Whether an order's last step fails.
fn fails(order: u64) -> bool {
    Kind::of(order) == Kind::Undoes && (order / 5).is_multiple_of(FAILS_EACH)
}

/// What the receiver was asked.
#[derive(Default)]
struct Received {
    /// Keys by order and what was asked.
    keys: BTreeMap<(u64, String), BTreeSet<String>>,
    /// By counter: the numbers that runs drew, with their orders.
    numbers: BTreeMap<u64, BTreeMap<u64, u64>>,
    /// Numbers that two orders drew.
    twice: Vec<(u64, u64)>,
}

type Ledger = Arc<Mutex<Received>>;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn receive(
    State(ledger): State<Ledger>,
    Path(what): Path<String>,
    headers: HeaderMap,
    body: axum::Json<Value>,
) -> (StatusCode, axum::Json<Value>) {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let order = body["order"].as_u64().unwrap_or(u64::MAX);
    let mut received = locked(&ledger);
    if let Some(drawn) = body["number"].as_u64() {
        let before = received.numbers.entry(order % COUNTERS).or_default().insert(drawn, order);
        if before.is_some_and(|before| before != order) {
            received.twice.push((order, drawn));
        }
    }
    let refused = what == "paid" && fails(order);
    received.keys.entry((order, what)).or_default().insert(key);
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    (status, axum::Json(json!({ "accepted": !refused })))
}

/// Everything that is sent and received.
pub struct Load {
    ledger: Ledger,
    receiver: String,
    serving: JoinHandle<()>,
    /// Where servers answer now.
    ports: Mutex<Vec<u16>>,
    /// Who owns the flows, and the webhooks' paths by kind.
    cookie: String,
    hooks: Vec<String>,
    next: AtomicU64,
    over: AtomicBool,
    /// The run of each order that was acknowledged.
    acknowledged: Mutex<BTreeMap<u64, String>>,
    /// Orders for which two runs were named.
    two_runs: Mutex<Vec<(u64, String, String)>>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Load {
    /// Publishes the flows at the server of this port.
    pub async fn new(port: u16) -> Arc<Self> {
        let ledger = Ledger::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let router = Router::new().route("/{what}", post(receive)).with_state(ledger.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let made = ask(port, "POST", "/api/v1/sign-up", &[("origin", ORIGIN)], &sign_up("ada")).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.body);
        let cookie = made.headers["set-cookie"].split(';').next().unwrap().to_owned();
        let mut load = Self {
            ledger,
            receiver,
            serving,
            ports: Mutex::new(vec![port]),
            cookie,
            hooks: Vec::new(),
            next: AtomicU64::new(0),
            over: AtomicBool::new(false),
            acknowledged: Mutex::default(),
            two_runs: Mutex::default(),
        };
        let called = json!({"start": {"kind": "trigger.manual@1"}, "call": load.call("called", "trigger.order")});
        let (called, _) = load.published(port, "Called", called, &[("start", "call")]).await;
        for kind in Kind::ALL {
            let (nodes, edges) = load.nodes(kind, &called);
            let (_, hook) = load.published(port, &format!("{kind:?}"), nodes, edges).await;
            load.hooks.push(hook.expect("it has a webhook"));
        }
        Arc::new(load)
    }

    /// A node that asks the receiver for something, for the order that an expression gives.
    fn call(&self, what: &str, order: &str) -> Value {
        let url = format!("{}/{what}", self.receiver);
        json!({"kind": "http.request@1", "policies": {"retry": {"attempts": 8, "initial": "200ms", "factor": 1}},
            "config": {"method": "POST", "url": {"$text": url}, "body": {"json": {"order": {"$cel": order}}}}})
    }

    /// The nodes of a kind, and how they follow each other.
    fn nodes(&self, kind: Kind, called: &str) -> (Value, &'static [(&'static str, &'static str)]) {
        let hook = json!({"kind": "trigger.webhook@1", "config": {"method": "POST", "dedup": {"header": "x-order"}}});
        let body = |node: Value| json!({"nodes": {"call": node}, "edges": []});
        let (order, then): (_, &[_]) = ("trigger.body.order", &[("hook", "then")]);
        match kind {
            Kind::Counts => {
                let counter = format!("'counter ' + string(trigger.body.order % {COUNTERS})");
                let mut call = self.call("counted", order);
                call["config"]["body"]["json"]["number"] = json!({"$cel": "nodes.number"});
                let number = json!({"kind": "state.increment@1", "config": {"key": {"$cel": counter}}});
                (json!({"hook": hook, "number": number, "call": call}), &[("hook", "number"), ("number", "call")])
            }
            Kind::Waits => {
                let pause = json!({"kind": "flow.wait@1", "config": {"for": "1s"}});
                let call = self.call("waited", order);
                (json!({"hook": hook, "pause": pause, "call": call}), &[("hook", "pause"), ("pause", "call")])
            }
            Kind::Maps => {
                let call = self.call("item-{{ item }}", order);
                let each = json!({"kind": "map@1", "config": {"items": {"$cel": "[0, 1, 2]"}}, "bodies": {"body": body(call)}});
                (json!({"hook": hook, "then": each}), then)
            }
            Kind::Calls => {
                let input = json!({"order": {"$cel": order}});
                let call = json!({"kind": "flow@1", "config": {"flow": called, "version": "latest", "input": input}});
                (json!({"hook": hook, "then": call}), then)
            }
            Kind::Undoes => {
                let steps = json!([{"step": "book", "compensate": "cancel"}, {"step": "pay"}]);
                let bodies = json!({"book": body(self.call("booked", order)), "pay": body(self.call("paid", order)),
                    "cancel": body(self.call("cancelled", order))});
                (json!({"hook": hook, "then": {"kind": "saga@1", "config": {"steps": steps}, "bodies": bodies}}), then)
            }
        }
    }

    /// Publishes a flow; its id, and the path of its webhook.
    async fn published(&self, port: u16, name: &str, nodes: Value, edges: &[(&str, &str)]) -> (String, Option<String>) {
        let edges: Vec<_> =
            edges.iter().map(|(from, to)| json!({"from": format!("{from}.out"), "to": format!("{to}.in")})).collect();
        let definition = json!({"holon": 1, "name": name, "nodes": nodes, "edges": edges});
        let headers = [("origin", ORIGIN), ("cookie", self.cookie.as_str())];
        let made = ask(port, "POST", "/api/v1/flows", &headers, &json!({ "definition": definition })).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.body);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/flows/{id}");
        let done = ask(port, "POST", &format!("{path}/publish"), &headers, &json!({})).await.unwrap();
        assert_eq!(done.status, 200, "{}", done.body);
        let flow = ask(port, "GET", &path, &headers, &Value::Null).await.unwrap().json();
        let hook = flow["webhooks"][0]["url"].as_str().map(|url| url[url.find("/hooks/").unwrap()..].to_owned());
        (id, hook)
    }

    /// From now on these are the servers.
    pub fn at(&self, ports: &[u16]) {
        *locked(&self.ports) = ports.to_vec();
    }

    /// Who owns the flows.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// How many orders are acknowledged.
    pub fn count(&self) -> usize {
        locked(&self.acknowledged).len()
    }

    /// Waits until so many more orders are acknowledged.
    pub async fn more(&self, orders: usize) {
        let wanted = self.count() + orders;
        while self.count() < wanted {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends an order once to a server: another one each time, where there are several.
    async fn send(&self, order: u64, turn: usize) -> Result<(), Duration> {
        let port = {
            let ports = locked(&self.ports);
            *ports.get(turn % ports.len().max(1)).ok_or(AGAIN_AFTER)?
        };
        let hook = &self.hooks[usize::try_from(order % 5).unwrap_or_default()];
        let key = format!("order-{order}");
        let (headers, body) = ([("x-order", key.as_str())], json!({ "order": order }));
        let asking = ask(port, "POST", hook, &headers, &body);
        let reply = timeout(PATIENCE, asking).await.ok().flatten().ok_or(AGAIN_AFTER)?;
        let run = reply.headers.get("holon-run").filter(|_| reply.status == 202).cloned().ok_or(AGAIN_AFTER)?;
        let before = locked(&self.acknowledged).insert(order, run.clone());
        if let Some(before) = before.filter(|before| *before != run) {
            locked(&self.two_runs).push((order, before, run));
        }
        Ok(())
    }

    /// Sends orders until `settled`, each until it is acknowledged; ends when all are.
    pub fn start(self: &Arc<Self>) -> JoinHandle<()> {
        let load = self.clone();
        tokio::spawn(async move {
            let mut senders = JoinSet::new();
            let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !load.over.load(Relaxed) {
                tick.tick().await;
                let (all, order) = (load.clone(), load.next.fetch_add(1, Relaxed));
                senders.spawn(async move {
                    let mut turn = usize::try_from(order).unwrap_or_default();
                    while let Err(after) = all.send(order, turn).await {
                        turn += 1;
                        sleep(after).await;
                    }
                    // Some are sent again later: they have their run.
                    if order.is_multiple_of(20) {
                        sleep(Duration::from_secs(3)).await;
                        let _ = all.send(order, turn).await;
                    }
                });
                while senders.try_join_next().is_some() {}
            }
            senders.join_all().await;
        })
    }

    /// Sends no more, waits until everything is acknowledged and over, and looks at what came of it. How many orders there were.
    ///
    /// # Panics
    /// When anything is lost or was done twice.
    pub async fn settled(&self, sending: JoinHandle<()>) -> usize {
        self.over.store(true, Relaxed);
        let acknowledged = timeout(OVER_WITHIN, sending).await.map(Result::unwrap);
        let sent = self.next.load(Relaxed);
        assert!(acknowledged.is_ok(), "of {sent} orders {} are acknowledged", self.count());
        let port = *locked(&self.ports).first().expect("a server is left");
        let statuses = timeout(OVER_WITHIN, self.all_over(port)).await;
        let statuses = match statuses {
            Ok(statuses) => statuses,
            Err(_) => panic!("not everything comes to its end: {}", self.left(port).await),
        };

        let acknowledged = locked(&self.acknowledged).clone();
        let received = locked(&self.ledger);
        let wrong: Vec<_> = acknowledged
            .iter()
            .map(|(order, run)| (order, run, statuses.get(run).map_or("lost", String::as_str)))
            .filter(|(order, _, status)| *status != Kind::ends(**order))
            .collect();
        assert!(wrong.is_empty(), "acknowledged, and not as it should be: {wrong:?}");
        assert_eq!(*locked(&self.two_runs), [], "orders with two runs");
        let calls = acknowledged.keys().filter(|order| Kind::of(**order) == Kind::Calls).count();
        assert_eq!(statuses.len(), acknowledged.len() + calls, "a run for each order, and one for each call");
        let two_keys: Vec<_> = received.keys.iter().filter(|(_, keys)| keys.len() != 1).collect();
        assert!(two_keys.is_empty(), "done with two keys: {two_keys:?}");
        let asked: BTreeSet<(u64, String)> = received.keys.keys().cloned().collect();
        let due: BTreeSet<(u64, String)> = acknowledged
            .keys()
            .flat_map(|order| Kind::asks(*order).iter().map(move |what| (*order, (*what).to_owned())))
            .collect();
        let differs: Vec<_> = asked.symmetric_difference(&due).collect();
        assert!(differs.is_empty(), "not done, or done without being asked for: {differs:?}");
        assert_eq!(received.twice, [], "orders that drew the number of another one");
        for (counter, numbers) in &received.numbers {
            let orders: BTreeSet<_> = numbers.values().collect();
            let highest = numbers.keys().max().copied().unwrap_or_default();
            let all = (orders.len() as u64, numbers.len() as u64);
            assert_eq!(all, (highest, highest), "counter {counter} counts each run once and none twice");
        }
        acknowledged.len()
    }

    /// How each run stands.
    async fn statuses(&self, port: u16) -> Option<BTreeMap<String, String>> {
        let (mut statuses, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let path = format!("/api/v1/runs?limit=200{cursor}");
            let page = ask(port, "GET", &path, &[("cookie", self.cookie.as_str())], &Value::Null).await?;
            let page = (page.status == 200).then(|| page.json())?;
            for run in page["data"].as_array()? {
                statuses.insert(run["id"].as_str()?.to_owned(), run["status"].as_str()?.to_owned());
            }
            let Some(next) = page["next_cursor"].as_str() else { return Some(statuses) };
            cursor = format!("&cursor={next}");
        }
    }

    /// How each ended, once none is under way.
    async fn all_over(&self, port: u16) -> BTreeMap<String, String> {
        loop {
            if let Some(statuses) = self.statuses(port).await
                && !statuses
                    .values()
                    .any(|status| ["queued", "running", "waiting", "paused"].contains(&status.as_str()))
            {
                return statuses;
            }
            sleep(Duration::from_millis(400)).await;
        }
    }

    /// What does not come to its end, in words.
    async fn left(&self, port: u16) -> String {
        let statuses = self.statuses(port).await.unwrap_or_default();
        let orders: BTreeMap<String, u64> =
            locked(&self.acknowledged).iter().map(|(order, run)| (run.clone(), *order)).collect();
        let mut text = String::new();
        for (run, status) in statuses.iter().filter(|(_, status)| !["completed", "failed"].contains(&status.as_str())) {
            let kind = orders.get(run).map(|order| Kind::of(*order));
            let _ = writeln!(text, "{run} ({kind:?}): {status}");
        }
        text
    }
}
