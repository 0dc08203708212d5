//! Failure triggers: each failed run starts one run with what went wrong, whoever looks and whatever crashes in between; and
//! nothing chases itself.

use holon::failures::Watcher;
use holon_model::Millis;
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::{Person, Server};

struct Workspace {
    server: Server,
    ada: Person,
    watcher: Watcher,
}

impl Workspace {
    async fn new() -> Self {
        let server = Server::new().await;
        let ada = server.person("ada").await;
        Self { server, ada, watcher: Watcher::default() }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.server.by(&self.ada, "POST", &format!("/api/v1{path}"), body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.json()
    }

    async fn get(&self, path: &str) -> Value {
        self.server.by(&self.ada, "GET", &format!("/api/v1{path}"), Value::Null).await.json()
    }

    /// A published flow of one node behind a trigger; its id.
    async fn flow(&self, name: &str, trigger: Value, node: Value) -> String {
        let nodes = json!({"start": trigger, "node": node});
        let edges = json!([{"from": "start.out", "to": "node.in"}]);
        self.published(json!({"holon": 1, "name": name, "nodes": nodes, "edges": edges})).await
    }

    async fn published(&self, definition: Value) -> String {
        let id = self.post("/flows", json!({"definition": definition})).await["id"].as_str().unwrap().to_owned();
        self.post(&format!("/flows/{id}/publish"), json!({})).await;
        id
    }

    async fn failing(&self, name: &str) -> String {
        self.flow(name, json!({"kind": "trigger.manual@1"}), fail("no_stock")).await
    }

    /// A flow that cares for failures of one flow, or of any.
    async fn caring(&self, of: Option<&str>, node: Value) -> String {
        let config = of.map_or(json!({}), |of| json!({"flow": of}));
        self.flow("Cares", json!({"kind": "trigger.failure@1", "config": config}), node).await
    }

    /// Starts a run and waits for its end.
    async fn run(&self, flow: &str, body: Value) -> String {
        let run = self.post(&format!("/flows/{flow}/runs"), body).await["id"].as_str().unwrap().to_owned();
        self.ended(&run).await;
        run
    }

    async fn ended(&self, run: &str) {
        let events = self.server.by(&self.ada, "GET", &format!("/api/v1/runs/{run}/events"), Value::Null).await;
        assert!(events.text.contains("event: end"), "{}", events.text);
    }

    /// Time passes, and everything that is due is done.
    async fn later(&mut self, millis: u64) {
        self.server.clock.advance(Millis(millis));
        self.watcher.round(&self.server.state).await.unwrap();
    }

    /// The runs of a flow, newest first, all of them over.
    async fn runs(&self, flow: &str) -> Vec<Value> {
        let runs = self.get(&format!("/runs?flow={flow}")).await["data"].as_array().unwrap().clone();
        for run in &runs {
            self.ended(run["id"].as_str().unwrap()).await;
        }
        runs
    }

    async fn owner(&self) -> PgConnection {
        PgConnection::connect_with(&self.server.db.admin_options()).await.unwrap()
    }
}

fn fail(code: &str) -> Value {
    json!({"kind": "flow.fail@1", "config": {"code": code, "message": "sold out"}})
}

fn set() -> Value {
    json!({"kind": "data.set@1", "config": {"fields": {"seen": true}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_run_starts_one_run_that_knows_what_went_wrong_however_often_one_looks() {
    let mut work = Workspace::new().await;
    let (orders, others) = (work.failing("Orders").await, work.failing("Others").await);
    let before = work.run(&orders, json!({"input": 0})).await;
    work.server.clock.advance(Millis(1));
    let (of_orders, of_any) = (work.caring(Some(&orders), set()).await, work.caring(None, set()).await);
    let body = json!({"input": {"n": 7}, "labels": {"team": "red"}, "correlation": "order 7"});
    let failed = work.run(&orders, body).await;
    work.run(&others, json!({"input": 1})).await;
    let mut second = Watcher::default();
    for _ in 0..4 {
        work.later(2_000).await;
        second.round(&work.server.state).await.unwrap();
    }
    let runs = work.runs(&of_orders).await;
    assert_eq!((runs.len(), work.runs(&of_any).await.len()), (1, 2), "{runs:?}");
    assert_eq!(
        (&runs[0]["trigger"], &runs[0]["correlation"], &runs[0]["labels"]["team"]),
        (&json!("trigger.failure"), &json!("order 7"), &json!("red"))
    );
    let run = work.get(&format!("/runs/{}", runs[0]["id"].as_str().unwrap())).await;
    let input = &run["input"];
    assert_eq!(input["run"]["id"], failed, "{input}");
    assert_eq!((&input["run"]["flow"], &input["run"]["flow_name"]), (&json!(orders), &json!("Orders")));
    assert_eq!(input["error"], json!({"code": "no_stock", "message": "sold out", "node": "node"}));
    assert_eq!((&input["input"], &input["input_complete"]), (&json!({"n": 7}), &json!(true)));
    assert!(!input.to_string().contains(&before), "nothing of what was before it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failures_start_sets_off_nothing_even_when_it_fails_itself() {
    let mut work = Workspace::new().await;
    let orders = work.failing("Orders").await;
    let (one, two) = (work.caring(None, fail("me_too")).await, work.caring(None, fail("and_me")).await);
    // A flow that calls a failing one: the called run tells its caller, and only the caller's failure counts.
    let call = json!({"kind": "flow@1", "config": {"flow": orders, "version": "latest"}});
    let calling = work.flow("Calls", json!({"kind": "trigger.manual@1"}), call).await;
    work.run(&calling, json!({"input": 1})).await;
    for _ in 0..5 {
        work.later(2_000).await;
        assert!(work.runs(&one).await.iter().all(|run| run["status"] == "failed"));
    }
    assert_eq!((work.runs(&one).await.len(), work.runs(&two).await.len()), (1, 1));
    // Nor does a run of the flow itself that somebody starts by hand, for itself.
    work.run(&one, json!({"input": {}})).await;
    for _ in 0..3 {
        work.later(2_000).await;
    }
    assert_eq!(work.runs(&one).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_between_finding_and_starting_leaves_one_run_to_the_next() {
    let mut work = Workspace::new().await;
    let orders = work.failing("Orders").await;
    let caring = work.caring(Some(&orders), set()).await;
    work.run(&orders, json!({"input": 1})).await;
    work.later(2_000).await;
    assert_eq!(work.runs(&caring).await.len(), 1);
    // As if it had ended before it wrote down that the run was started, and its key were forgotten since.
    let mut owner = work.owner().await;
    owner.execute("update failure_start set state = 'pending', next_try_at = found_at").await.unwrap();
    owner.execute("delete from idempotency").await.unwrap();
    work.later(70_000).await;
    assert_eq!(work.runs(&caring).await.len(), 1, "the row keeps the run's id");
    let state: String = sqlx::query_scalar("select state from failure_start").fetch_one(&mut owner).await.unwrap();
    assert_eq!(state, "started");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_goes_with_its_node_and_goes_on_over_new_versions() {
    let mut work = Workspace::new().await;
    let orders = work.failing("Orders").await;
    let caring = work.caring(Some(&orders), set()).await;
    let definition = |trigger: &str| {
        let nodes = json!({"start": {"kind": trigger, "config": if trigger == "trigger.failure@1" { json!({"flow": orders}) } else { json!({}) }},
            "node": {"kind": "data.set@1", "config": {"fields": {"seen": trigger}}}});
        json!({"holon": 1, "name": "Cares", "nodes": nodes, "edges": [{"from": "start.out", "to": "node.in"}]})
    };
    let publish = async |work: &Workspace, trigger: &str| {
        let path = format!("/api/v1/flows/{caring}");
        let etag =
            work.server.by(&work.ada, "GET", &path, Value::Null).await.headers["etag"].to_str().unwrap().to_owned();
        let headers =
            [("origin", crate::support::ORIGIN), ("cookie", work.ada.cookie.as_str()), ("if-match", etag.as_str())];
        let saved = work.server.send(crate::support::request("PUT", &path, &headers, definition(trigger))).await;
        assert!(saved.status.is_success(), "{}", saved.text);
        work.post(&format!("/flows/{caring}/publish"), json!({})).await;
    };
    work.run(&orders, json!({"input": 1})).await;
    publish(&work, "trigger.failure@1").await;
    work.later(2_000).await;
    let runs = work.runs(&caring).await;
    assert_eq!((runs.len(), &runs[0]["version"]), (1, &json!(2)), "what failed before the new version is not lost");
    publish(&work, "trigger.manual@1").await;
    work.run(&orders, json!({"input": 1})).await;
    for _ in 0..3 {
        work.later(2_000).await;
    }
    assert_eq!(work.runs(&caring).await.len(), 1);
    let mut connection = PgConnection::connect_with(&work.server.db.options(Role::Owner)).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from failure_trigger").fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_whose_key_of_the_flows_limits_cannot_be_computed_is_given_up_at_once() {
    let mut work = Workspace::new().await;
    let orders = work.failing("Orders").await;
    let key = json!({"$cel": "trigger.input.customer"});
    let caring = work
        .published(json!({"holon": 1, "name": "Cares", "limits": {"concurrency": {"limit": 1, "key": key}},
            "nodes": {"start": {"kind": "trigger.failure@1", "config": {"flow": orders}}, "node": set()},
            "edges": [{"from": "start.out", "to": "node.in"}]}))
        .await;
    work.run(&orders, json!({"input": {"customer": "ada"}})).await;
    work.run(&orders, json!({"input": {"nobody": true}})).await;
    work.later(2_000).await;
    assert_eq!(work.runs(&caring).await.len(), 1, "of the one that says whose it is");
    let mut owner = work.owner().await;
    let rows: Vec<(String, i32)> = sqlx::query_as("select state, tries from failure_start order by state desc")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert_eq!(rows, [("started".to_owned(), 1), ("refused".to_owned(), 1)]);
}
