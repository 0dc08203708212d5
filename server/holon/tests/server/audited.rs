//! A walk over everything that REST can change: the owner does each with valid input, and the audit log says who did what to
//! which. An operation that changes something and has no step here fails the walk.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::support::{Answer, ORIGIN, PASSWORD, Person, Server, request, sign_up};
use crate::waiting::{published, started};
use crate::walk::{alert, operations};

/// What changes nothing, or says elsewhere who did it. This list may only shrink.
const EXCEPT: &[(&str, &str)] = &[
    ("POST /api/v1/schedules/preview", "it computes and keeps nothing"),
    ("POST /api/v1/runs/{id}/fork/check", "it reads and keeps nothing"),
    ("POST /api/v1/flows/{id}/backtest", "it reads and keeps nothing"),
    (
        "POST /api/v1/workers/claims",
        "workers ask all the time; the row of a task says who has it, and how it ended is in the log",
    ),
    ("POST /api/v1/runs/{id}/work/{claim}/heartbeat", "it is said all the time, of a task whose row says who has it"),
];

struct Walk {
    server: Server,
    ada: Person,
    owner: PgConnection,
    /// Rows of the log that were there before.
    known: BTreeSet<Uuid>,
    /// Operations that were done.
    done: BTreeSet<String>,
}

/// Rows of the log: which, who, what, to which.
type Row = (Uuid, String, String, String);

impl Walk {
    async fn new() -> Self {
        let server = Server::new().await;
        let ada = server.person("ada").await;
        let owner = PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap();
        Self { server, ada, owner, known: BTreeSet::new(), done: BTreeSet::new() }
    }

    /// Rows that were not there before.
    async fn new_rows(&mut self) -> Vec<Row> {
        let all: Vec<Row> =
            sqlx::query_as("select event_id, actor, intent_type, subject from audit_event order by event_id")
                .fetch_all(&mut self.owner)
                .await
                .unwrap();
        all.into_iter().filter(|row| self.known.insert(row.0)).collect()
    }

    /// Sends what `operation` says as the owner and finds in the log that this did `intent` to `subject`.
    async fn does(&mut self, operation: &str, names: &[(&str, &str)], body: Value, said: (&str, &str)) -> Answer {
        let (method, path) = operation.split_once(' ').unwrap();
        let path =
            names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        let headers = [("origin", ORIGIN), ("cookie", self.ada.cookie.as_str()), ("if-match", "\"1\"")];
        let sent = request(method, &path, &headers, body);
        let actor = self.ada.session["person"]["id"].as_str().unwrap().to_owned();
        self.new_rows().await;
        let answer = self.server.send(sent).await;
        self.finds(operation, answer, (&actor, said.0, said.1)).await
    }

    /// The log says of what was just done that `actor` did `intent` to what begins with `subject`.
    async fn finds(&mut self, operation: &str, answer: Answer, (actor, intent, subject): (&str, &str, &str)) -> Answer {
        assert!(answer.status.is_success(), "{operation}: {} {}", answer.status, answer.text);
        let rows = self.new_rows().await;
        let meant = |(_, who, what, which): &Row| who == actor && what == intent && which.starts_with(subject);
        assert!(rows.iter().any(meant), "{operation}: {actor} {intent} {subject} is not in the log: {rows:?}");
        self.done.insert(operation.to_owned());
        answer
    }

    /// A new draft.
    async fn flow(&mut self) -> String {
        let made = self.does("POST /api/v1/flows", &[], json!({}), ("flow.create", "flow_")).await;
        id(&made.json(), "/id")
    }

    /// A run that waits: its id.
    async fn run(&self, flow: &str) -> String {
        let run = started(&self.server, &self.ada, flow, json!({"text": "a"})).await;
        run.rsplit('/').next().unwrap().to_owned()
    }

    async fn flows(&mut self) {
        let flow = self.flow().await;
        let named = [("id", flow.as_str())];
        self.does("POST /api/v1/flows/{id}/publish", &named, json!({"message": ""}), ("flow.publish", &flow)).await;
        self.does("POST /api/v1/flows/{id}/runs", &named, json!({"input": null}), ("run.start", &flow)).await;
        let renamed = json!({"base_rev": 1, "commands": [{"set_name": {"name": "Renamed"}}]});
        self.does("POST /api/v1/flows/{id}/commands", &named, renamed, ("flow.edit", &flow)).await;
        self.does("POST /api/v1/flows/{id}/catch", &named, Value::Null, ("flow.catch", &flow)).await;
        let kept = [("id", flow.as_str()), ("key", "last")];
        self.does("PUT /api/v1/flows/{id}/state/{key}", &kept, json!(1), ("state.put", &flow)).await;
        self.does("DELETE /api/v1/flows/{id}/state/{key}", &kept, Value::Null, ("state.delete", &flow)).await;
        self.does("PUT /api/v1/flows/{id}/pause", &named, json!({"mode": "pause"}), ("pause.set", &flow)).await;
        self.does("DELETE /api/v1/flows/{id}/pause", &named, Value::Null, ("pause.lift", &flow)).await;
        let (replaced, deleted) = (self.flow().await, self.flow().await);
        let definition = json!({"holon": 1, "name": "x", "nodes": {}, "edges": []});
        let named = [("id", replaced.as_str())];
        self.does("PUT /api/v1/flows/{id}", &named, definition, ("flow.replace", &replaced)).await;
        let named = [("id", deleted.as_str())];
        self.does("DELETE /api/v1/flows/{id}", &named, Value::Null, ("flow.delete", &deleted)).await;
    }

    async fn runs(&mut self) {
        let nodes = json!({"start": {"kind": "trigger.manual@1"}, "paid": {"kind": "flow.signal@1", "config": {"name": "paid"}}});
        let flow = published(&self.server, &self.ada, nodes, &[("start.out", "paid.in")], Value::Null).await;
        let run = self.run(&flow).await;
        let named = [("id", run.as_str())];
        for (what, body, intent) in [
            ("pause", Value::Null, "run.pause"),
            ("resume", Value::Null, "run.resume"),
            ("fork", json!({"seq": 1}), "run.fork"),
            ("again", Value::Null, "run.again"),
            ("signals", json!({"name": "paid", "sender": "bank-1"}), "run.signal"),
        ] {
            self.does(&format!("POST /api/v1/runs/{{id}}/{what}"), &named, body, (intent, &run)).await;
        }
        let (cancelled, terminated, many) = (self.run(&flow).await, self.run(&flow).await, self.run(&flow).await);
        let named = [("id", cancelled.as_str())];
        self.does("POST /api/v1/runs/{id}/cancel", &named, Value::Null, ("run.cancel", &cancelled)).await;
        self.does("POST /api/v1/runs/{id}/retry", &named, Value::Null, ("run.retry", &cancelled)).await;
        let named = [("id", terminated.as_str())];
        self.does("POST /api/v1/runs/{id}/terminate", &named, Value::Null, ("run.terminate", &terminated)).await;
        let all = json!({"action": "cancel", "runs": [many]});
        self.does("POST /api/v1/runs/bulk", &[], all, ("run.cancel", &many)).await;
        self.does("POST /api/v1/signals", &[], json!({"name": "paid"}), ("run.signal", "paid")).await;
    }

    async fn tasks(&mut self) {
        let choices = json!([{"port": "approve", "label": "Yes"}, {"port": "reject", "label": "No"}]);
        let nodes = json!({"start": {"kind": "trigger.manual@1"},
            "ask": {"kind": "flow.approval@1", "config": {"title": "May it be?", "choices": choices}}});
        let flow = published(&self.server, &self.ada, nodes, &[("start.out", "ask.in")], Value::Null).await;
        let run = self.run(&flow).await;
        let tasks = self.server.by(&self.ada, "GET", &format!("/api/v1/runs/{run}/tasks"), Value::Null).await.json();
        let task = id(&tasks, "/data/0/id");
        let links = "/api/v1/runs/{id}/tasks/{task}/links";
        let named = [("id", run.as_str()), ("task", task.as_str())];
        let made = self
            .does(&format!("POST {links}"), &named, json!({"choices": ["approve"]}), ("task.link", &run))
            .await
            .json();
        let link = id(&made, "/link/id");
        let revoked = [("id", run.as_str()), ("task", task.as_str()), ("link", link.as_str())];
        self.does(&format!("DELETE {links}/{{link}}"), &revoked, Value::Null, ("task.revoke_link", &run)).await;
        let yes = json!({"choice": "approve"});
        self.does("POST /api/v1/runs/{id}/tasks/{task}/answer", &named, yes, ("task.answer", &run)).await;
    }

    async fn work(&mut self) {
        let nodes = json!({"start": {"kind": "trigger.manual@1"}, "count": {"kind": "worker.task@1", "config":
            {"pool": "texts", "name": "count", "input": {"$cel": "input"}, "timeout": "10m", "heartbeat": "30s"}}});
        let flow = published(&self.server, &self.ada, nodes, &[("start.out", "count.in")], Value::Null).await;
        for (what, body) in [("complete", json!({"output": 1})), ("fail", json!({"code": "x", "message": "x"}))] {
            let run = self.run(&flow).await;
            let wanted = json!({"pool": "texts", "worker": "one", "wait": 20});
            let claimed = self.server.by(&self.ada, "POST", "/api/v1/workers/claims", wanted).await;
            let at = id(&claimed.json(), "/tasks/0/at");
            let claim = at.rsplit('/').next().unwrap();
            let named = [("id", run.as_str()), ("claim", claim)];
            let operation = format!("POST /api/v1/runs/{{id}}/work/{{claim}}/{what}");
            self.does(&operation, &named, body, ("work.finish", &run)).await;
        }
    }

    async fn triggers(&mut self) {
        let nodes = json!({"every": {"kind": "trigger.schedule@1", "config": {"cron": "0 9 * * *"}},
            "paid": {"kind": "trigger.event@1", "config": {"pattern": "orders.>"}},
            "look": {"kind": "trigger.poll@1", "config": {"url": "https://a.example/orders"}}});
        published(&self.server, &self.ada, nodes, &[], Value::Null).await;
        let mut found = Vec::new();
        for kind in ["schedules", "subscriptions", "polls"] {
            let list = self.server.by(&self.ada, "GET", &format!("/api/v1/{kind}"), Value::Null).await.json();
            found.push(id(&list, "/data/0/id"));
        }
        let [schedule, subscription, poll] = [&*found[0], &*found[1], &*found[2]];
        for what in ["pause", "resume", "fire"] {
            let operation = format!("POST /api/v1/schedules/{{id}}/{what}");
            let intent = format!("schedule.{what}");
            self.does(&operation, &[("id", schedule)], Value::Null, (&intent, schedule)).await;
        }
        let paid = json!({"subject": "orders.paid"});
        self.does("POST /api/v1/events", &[], paid, ("event.publish", "event_")).await;
        let (named, back) = ([("id", subscription)], json!({"from": 1}));
        self.does("POST /api/v1/subscriptions/{id}/replay", &named, back, ("subscription.replay", subscription)).await;
        self.does("POST /api/v1/polls/{id}/look", &[("id", poll)], Value::Null, ("poll.look", poll)).await;
        self.does("POST /api/v1/polls/{id}/forget", &[("id", poll)], Value::Null, ("poll.forget", poll)).await;
    }

    /// Connections, alerts and tokens.
    async fn things(&mut self) {
        let connection = json!({"name": "x", "kind": "http_bearer", "secret": "x", "hosts": ["a.example"]});
        let made = self.does("POST /api/v1/connections", &[], connection.clone(), ("connection.create", "conn_")).await;
        let made = id(&made.json(), "/id");
        let named = [("id", made.as_str())];
        self.does("PUT /api/v1/connections/{id}", &named, connection, ("connection.replace", &made)).await;
        self.does("DELETE /api/v1/connections/{id}", &named, Value::Null, ("connection.delete", &made)).await;
        let made = self.does("POST /api/v1/alerts", &[], alert(), ("alert.create", "alert_")).await;
        let made = id(&made.json(), "/id");
        let named = [("id", made.as_str())];
        self.does("PUT /api/v1/alerts/{id}", &named, alert(), ("alert.replace", &made)).await;
        self.does("POST /api/v1/alerts/{id}/test", &named, Value::Null, ("alert.test", &made)).await;
        self.does("DELETE /api/v1/alerts/{id}", &named, Value::Null, ("alert.delete", &made)).await;
        let made = self.does("POST /api/v1/tokens", &[], json!({"name": "t"}), ("token.create", "token_")).await;
        let made = id(&made.json(), "/token/id");
        self.does("DELETE /api/v1/tokens/{id}", &[("id", &made)], Value::Null, ("token.revoke", &made)).await;
    }

    /// The workspace and the instance.
    async fn places(&mut self) {
        let pause = || json!({"mode": "drain"});
        let tenant = id(&self.ada.session, "/tenant/id");
        self.does("PUT /api/v1/workspace/pause", &[], pause(), ("pause.set", &tenant)).await;
        self.does("DELETE /api/v1/workspace/pause", &[], Value::Null, ("pause.lift", &tenant)).await;
        self.does("PUT /api/v1/instance/pause", &[], pause(), ("pause.set", "instance")).await;
        self.does("DELETE /api/v1/instance/pause", &[], Value::Null, ("pause.lift", "instance")).await;
        self.does("PUT /api/v1/retention", &[], json!({"days": 30}), ("retention.choose", "history")).await;
        let settings = self.server.by(&self.ada, "GET", "/api/v1/settings", Value::Null).await.json();
        self.does("PUT /api/v1/settings", &[], settings, ("settings.save", "instance")).await;
        self.does("POST /api/v1/invitations", &[], Value::Null, ("invitation.create", "instance")).await;
    }

    async fn sessions(&mut self) {
        self.new_rows().await;
        let answer = self.server.anonymous("POST", "/api/v1/sign-up", sign_up("bob")).await;
        let bob = id(&answer.json(), "/person/id");
        self.finds("POST /api/v1/sign-up", answer, (&bob, "workspace.create", "tenant_")).await;
        let ada = id(&self.ada.session, "/person/id");
        let known = json!({"email": "ada@example.com", "password": PASSWORD});
        let answer = self.server.anonymous("POST", "/api/v1/sign-in", known).await;
        self.finds("POST /api/v1/sign-in", answer, (&ada, "session.begin", "session_")).await;
        self.does("POST /api/v1/sign-out", &[], Value::Null, ("session.end", "session_")).await;
    }
}

fn id(json: &Value, pointer: &str) -> String {
    json.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {json}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_owner_changes_is_in_the_audit_log_with_who_did_what_to_which() {
    let mut walk = Walk::new().await;
    walk.flows().await;
    walk.runs().await;
    walk.tasks().await;
    walk.work().await;
    walk.triggers().await;
    walk.things().await;
    walk.places().await;
    walk.sessions().await;
    let excepted = |operation: &str| EXCEPT.iter().any(|(name, _)| *name == operation);
    for operation in operations() {
        let changes = !operation.starts_with("GET ") && !operation.starts_with("HEAD ");
        assert!(
            !changes || walk.done.contains(&operation) != excepted(&operation),
            "{operation} has no step in this walk, or one that its exception says it cannot have"
        );
    }
    for (operation, why) in EXCEPT {
        assert!(operations().iter().any(|known| known == operation), "{operation} is no operation ({why})");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_row_of_a_start_names_its_run_and_a_start_that_is_repeated_leaves_no_second_one() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes =
        json!({"start": {"kind": "trigger.manual@1"}, "paid": {"kind": "flow.signal@1", "config": {"name": "paid"}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "paid.in")], Value::Null).await;
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("idempotency-key", "order-7")];
    let send = || server.send(request("POST", &format!("{flow}/runs"), &headers, json!({"input": 1})));
    let (first, second) = (send().await, send().await);
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::OK), "{}", second.text);
    let mut owner = PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap();
    let starts = "select actor, source, subject, detail::text, environment_id is not null, request_id is not null
        from audit_event where intent_type = 'run.start'";
    let rows: Vec<(String, String, String, String, bool, bool)> =
        sqlx::query_as(starts).fetch_all(&mut owner).await.unwrap();
    let (person, subject) = (id(&ada.session, "/person/id"), flow.rsplit('/').next().unwrap().to_owned());
    let run = first.json()["id"].to_string();
    assert_eq!(rows, [(person, "web".to_owned(), subject, run, true, true)]);
    // One that is refused did nothing, and nothing says that it did.
    let paused = server.by(&ada, "PUT", &format!("{flow}/pause"), json!({"mode": "pause"})).await;
    assert_eq!(paused.status, StatusCode::OK, "{}", paused.text);
    let refused = server.by(&ada, "POST", &format!("{flow}/runs"), json!({"input": 1})).await;
    assert!(!refused.status.is_success(), "{}", refused.text);
    assert_eq!(sqlx::query(starts).fetch_all(&mut owner).await.unwrap().len(), 1);
}
