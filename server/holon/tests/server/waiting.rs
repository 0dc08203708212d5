//! What runs wait for, over REST: signals, answers to tasks, and the flows that they call.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Person, Server};

/// A flow of these nodes and edges, published; its path.
pub async fn published(server: &Server, ada: &Person, nodes: Value, edges: &[(&str, &str)], result: Value) -> String {
    let edges: Vec<Value> = edges.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
    let definition = json!({"holon": 1, "name": "waits", "nodes": nodes, "edges": edges, "result": result});
    let made = server.by(ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = server.by(ada, "POST", &format!("{path}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    path
}

/// Starts a run; its path.
pub async fn started(server: &Server, ada: &Person, flow: &str, input: Value) -> String {
    let started = server.by(ada, "POST", &format!("{flow}/runs"), json!({"input": input})).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    format!("/api/v1/runs/{}", started.json()["id"].as_str().unwrap())
}

/// The run when it is over.
pub async fn ended(server: &Server, ada: &Person, run: &str) -> Value {
    // The stream of a run ends with the run.
    let events = server.by(ada, "GET", &format!("{run}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    server.by(ada, "GET", run, Value::Null).await.json()
}

async fn signalled(server: &Server, ada: &Person) -> String {
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": {"$cel": "input.order"}}}});
    published(server, ada, nodes, &[("start.out", "paid.in")], json!({"$cel": "nodes.paid"})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_reaches_the_run_that_waits_for_it_and_counts_once() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let flow = signalled(&server, &ada).await;
    let run = started(&server, &ada, &flow, json!({"order": "A-7"})).await;
    let id = run.rsplit('/').next().unwrap().to_owned();
    let signal = json!({"name": "paid", "correlation": "A-7", "sender": "bank-1", "payload": {"amount": 12.50}});
    // The wait is written in the commit that began it.
    let sent = server.by(&ada, "POST", "/api/v1/signals", signal.clone()).await;
    assert_eq!(
        (sent.status, sent.json()),
        (StatusCode::OK, json!({"runs": [id], "sender": "bank-1"})),
        "{}",
        sent.text
    );
    let over = ended(&server, &ada, &run).await;
    assert_eq!((&over["summary"]["status"], &over["output"]), (&json!("completed"), &json!({"amount": 12.50})));
    // Nobody waits any more; and never did anybody of another tenant.
    for person in [&ada, &bob] {
        let nobody = server.by(person, "POST", "/api/v1/signals", signal.clone()).await;
        assert_eq!((nobody.status, nobody.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{}", nobody.text);
    }
    let late = server.by(&ada, "POST", &format!("{run}/signals"), signal).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_that_cannot_be_meant_is_told_what_is_wrong_with_it() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let flow = signalled(&server, &ada).await;
    let run = started(&server, &ada, &flow, json!({"order": "A-7"})).await;
    for (body, pointer) in [
        (json!({"payload": 1}), "/name"),
        (json!({"name": ""}), "/name"),
        (json!({"name": "x".repeat(513)}), "/name"),
        (json!({"name": "paid", "sender": 7}), "/sender"),
        (json!({"name": "paid", "correlation": "A\u{0}7"}), "/correlation"),
        (json!({"name": "paid", "who": "me"}), "/who"),
        (json!(["paid"]), ""),
    ] {
        let refused = server.by(&ada, "POST", &format!("{run}/signals"), body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.json()["errors"][0]["pointer"], json!(pointer), "{}", refused.text);
    }
    let unknown = server.by(&ada, "POST", &format!("{run}/signals"), json!({"name": "shipped"})).await;
    assert_eq!(unknown.status, StatusCode::CONFLICT, "{}", unknown.text);
    let large = json!({"name": "paid", "payload": "x".repeat(3 << 20)});
    let refused = server.by(&ada, "POST", &format!("{run}/signals"), large).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"));
    // Before the run waits for a second one, its sender is remembered all the same.
    for _ in 0..2 {
        let body = json!({"name": "paid", "correlation": "B-8", "sender": "bank-1"});
        let early = server.by(&ada, "POST", &format!("{run}/signals"), body).await;
        assert_eq!(early.status, StatusCode::OK, "{}", early.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_asked_answered_once_and_the_run_goes_the_way_that_was_chosen() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "ask": {"kind": "flow.approval@1", "config": {
            "title": {"$text": "Pay order {{ input.order }}?"}, "assignees": ["accounting"],
            "choices": [{"port": "approve", "label": "Pay"}, {"port": "reject", "label": "Do not pay"}],
            "form": {"type": "object", "required": ["comment"], "properties": {"comment": {"type": "string"}}}}},
        "yes": {"kind": "data.set@1", "config": {"fields": {"paid": true}}},
        "no": {"kind": "data.set@1", "config": {"fields": {"paid": false}}}});
    let edges = [("start.out", "ask.in"), ("ask.approve", "yes.in"), ("ask.reject", "no.in")];
    let flow = published(&server, &ada, nodes, &edges, json!({"$cel": "nodes.ask.form.comment"})).await;
    let run = started(&server, &ada, &flow, json!({"order": "A-7"})).await;
    let open = server.by(&ada, "GET", "/api/v1/tasks?state=open", Value::Null).await.json();
    let task = &open["data"][0];
    assert_eq!(
        (&task["title"], &task["kind"], &task["assignees"]),
        (&json!("Pay order A-7?"), &json!("approval"), &json!(["accounting"]))
    );
    assert_eq!(task["choices"][0], json!({"key": "approve", "label": "Pay"}));
    assert_eq!(server.by(&bob, "GET", "/api/v1/tasks", Value::Null).await.json()["data"], json!([]));
    assert!(
        task.get("context").is_none() && task.get("form").is_none(),
        "a list does not read what tasks are about: {task}"
    );
    let address = format!("{run}/tasks/{}", task["id"].as_str().unwrap());
    let whole = server.by(&ada, "GET", &address, Value::Null).await.json();
    assert_eq!(
        (&whole["context"], &whole["form"]["required"]),
        (&json!({"order": "A-7"}), &json!(["comment"])),
        "{whole}"
    );
    let slip = server.by(&ada, "GET", "/api/v1/tasks?state=opened", Value::Null).await;
    assert_eq!((slip.status, slip.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"));
    let path = format!("{address}/answer");
    for (wrong, pointer) in [
        (json!({"choice": "perhaps", "form": {"comment": "x"}}), "/choice"),
        (json!({"choice": "approve\u{0}", "form": {"comment": "x"}}), "/choice"),
        (json!({"choice": "approve", "from": {"comment": "x"}}), "/from"),
        (json!({}), "/choice"),
    ] {
        let refused = server.by(&ada, "POST", &path, wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.json()["errors"][0]["pointer"], json!(pointer), "{}", refused.text);
    }
    let unfilled = server.by(&ada, "POST", &path, json!({"choice": "approve", "form": {}})).await;
    assert_eq!(unfilled.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unfilled.text);
    // With its real id, and nevertheless not there.
    let foreign = server.by(&bob, "GET", &address, Value::Null).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    let foreign = server.by(&bob, "POST", &path, json!({"choice": "approve", "form": {"comment": "x"}})).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    let yes = json!({"choice": "approve", "form": {"comment": "seen"}});
    let no = json!({"choice": "reject", "form": {"comment": "no"}});
    let (one, two) = tokio::join!(server.by(&ada, "POST", &path, yes), server.by(&ada, "POST", &path, no));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409], "{} {}", one.text, two.text);
    let over = ended(&server, &ada, &run).await;
    let said = if one.status == StatusCode::NO_CONTENT { "seen" } else { "no" };
    assert_eq!((&over["summary"]["status"], &over["output"]), (&json!("completed"), &json!(said)));
    let again = server.by(&ada, "POST", &path, json!({"choice": "approve", "form": {"comment": "again"}})).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    let answered = server.by(&ada, "GET", &address, Value::Null).await.json();
    assert_eq!(
        (&answered["state"], &answered["answer"]),
        (&json!("answered"), &json!({"comment": said})),
        "{answered}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_calls_the_version_of_another_that_is_in_force_and_a_flow_that_calls_itself_ends() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes = json!({"start": {"kind": "trigger.manual@1"}, "sum": {"kind": "data.set@1", "config": {"fields": {"n": {"$cel": "input.n + 1"}}}}});
    let called = published(&server, &ada, nodes, &[("start.out", "sum.in")], json!({"$cel": "nodes.sum.n"})).await;
    let id = called.rsplit('/').next().unwrap();
    let nodes = json!({"start": {"kind": "trigger.manual@1"}, "other": {"kind": "flow@1", "config": {"flow": id}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "other.in")], json!({"$cel": "nodes.other * 10"})).await;
    let run = started(&server, &ada, &flow, json!({"n": 4})).await;
    let over = ended(&server, &ada, &run).await;
    assert_eq!((&over["summary"]["status"], &over["output"]), (&json!("completed"), &json!(50)), "{over}");

    // Its own id is known only once it is there: published twice.
    let nodes =
        |id: &str| json!({"start": {"kind": "trigger.manual@1"}, "me": {"kind": "flow@1", "config": {"flow": id}}});
    let edges = [json!({"from": "start.out", "to": "me.in"})];
    let endless = published(&server, &ada, nodes(id), &[("start.out", "me.in")], Value::Null).await;
    let own = endless.rsplit('/').next().unwrap();
    let tag = format!("\"{}\"", server.by(&ada, "GET", &endless, Value::Null).await.json()["revision"]);
    let body = json!({"holon": 1, "name": "endless", "nodes": nodes(own), "edges": edges});
    let headers = [("cookie", ada.cookie.as_str()), ("origin", crate::support::ORIGIN), ("if-match", tag.as_str())];
    let replaced = server.send(crate::support::request("PUT", &endless, &headers, body)).await;
    assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.text);
    assert_eq!(server.by(&ada, "POST", &format!("{endless}/publish"), json!({})).await.status, StatusCode::OK);
    let run = started(&server, &ada, &endless, Value::Null).await;
    let over = ended(&server, &ada, &run).await;
    assert_eq!(over["summary"]["status"], json!("failed"), "{over}");
    assert!(over["summary"]["error"].as_str().unwrap().contains("call_too_deep"), "{over}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_for_a_run_and_not_taken_in_yet_is_told_as_that() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "ask": {"kind": "flow.approval@1", "config": {"title": "Pay?", "choices": [{"port": "yes"}, {"port": "no"}]}},
        "paid": {"kind": "flow.signal@1", "config": {"name": "paid"}}});
    let edges = [("start.out", "ask.in"), ("ask.yes", "paid.in")];
    let flow = published(&server, &ada, nodes, &edges, json!({"$cel": "nodes.paid"})).await;
    let run = started(&server, &ada, &flow, Value::Null).await;
    let id = run.rsplit('/').next().unwrap().to_owned();
    let paused = server.by(&ada, "POST", &format!("{run}/pause"), Value::Null).await;
    assert_eq!(paused.status, StatusCode::ACCEPTED, "{}", paused.text);

    let signal = json!({"name": "paid", "sender": "bank-1", "payload": 7});
    let kept = server.by(&ada, "POST", &format!("{run}/signals"), signal).await;
    let told = json!({"runs": [], "kept": [id], "sender": "bank-1"});
    assert_eq!((kept.status, kept.json()), (StatusCode::ACCEPTED, told), "{}", kept.text);
    let open = server.by(&ada, "GET", "/api/v1/tasks?state=open", Value::Null).await.json();
    let task = format!("{run}/tasks/{}", open["data"][0]["id"].as_str().unwrap());
    let kept = server.by(&ada, "POST", &format!("{task}/answer"), json!({"choice": "yes"})).await;
    assert_eq!(kept.status, StatusCode::ACCEPTED, "{}", kept.text);
    assert!(kept.json()["detail"].as_str().unwrap().contains("kept"), "{}", kept.text);
    assert_eq!(server.by(&ada, "GET", &task, Value::Null).await.json()["state"], json!("open"));

    let resumed = server.by(&ada, "POST", &format!("{run}/resume"), Value::Null).await;
    assert_eq!(resumed.status, StatusCode::ACCEPTED, "{}", resumed.text);
    let over = ended(&server, &ada, &run).await;
    assert_eq!((&over["summary"]["status"], &over["output"]), (&json!("completed"), &json!(7)));
    assert_eq!(server.by(&ada, "GET", &task, Value::Null).await.json()["choice"], json!("yes"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_that_comes_between_two_waits_is_had_by_the_run_that_is_found_by_its_correlation() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "ready": {"kind": "flow.signal@1", "config": {"name": "ready"}},
        "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": {"$cel": "trigger.order"}}}});
    let edges = [("start.out", "ready.in"), ("ready.out", "paid.in")];
    let flow = published(&server, &ada, nodes, &edges, json!({"$cel": "nodes.paid"})).await;
    // Another flow, about the same order, that waits for nothing of this name.
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "sent": {"kind": "flow.signal@1", "config": {"name": "sent"}}});
    let other = published(&server, &ada, nodes, &[("start.out", "sent.in")], json!(1)).await;
    let about = async |flow: &str, order: &str| {
        let body = json!({"input": {"order": order}, "correlation": order});
        let started = server.by(&ada, "POST", &format!("{flow}/runs"), body).await;
        assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
        format!("/api/v1/runs/{}", started.json()["id"].as_str().unwrap())
    };
    let (run, beside) = (about(&flow, "A-7").await, about(&flow, "B-8").await);
    about(&other, "A-7").await;
    let id = run.rsplit('/').next().unwrap().to_owned();
    // Nobody waits for it yet.
    let paid = json!({"name": "paid", "correlation": "A-7", "sender": "bank-1", "payload": {"amount": 12.50}});
    for _ in 0..2 {
        let sent = server.by(&ada, "POST", "/api/v1/signals", paid.clone()).await;
        assert_eq!((sent.status, &sent.json()["runs"]), (StatusCode::OK, &json!([id])), "{}", sent.text);
    }
    let nobody = json!({"name": "paid", "correlation": "C-9", "payload": 1});
    assert_eq!(server.by(&ada, "POST", "/api/v1/signals", nobody).await.status, StatusCode::NOT_FOUND);
    let ready = server.by(&ada, "POST", "/api/v1/signals", json!({"name": "ready", "payload": 1})).await;
    assert_eq!(ready.json()["runs"].as_array().unwrap().len(), 2, "{}", ready.text);
    assert_eq!(ended(&server, &ada, &run).await["output"], json!({"amount": 12.50}), "it was kept, and counted once");
    let waits = server.by(&ada, "GET", &beside, Value::Null).await.json();
    assert_eq!(waits["summary"]["status"], json!("waiting"), "another order's run was told nothing: {waits}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_listed_and_counted_by_whom_they_are_for() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let email = ada.session["person"]["email"].as_str().unwrap().to_uppercase();
    for (title, assignees) in
        [("mine", json!([email, "boss"])), ("theirs", json!(["Accounting"])), ("anybody", json!([]))]
    {
        let nodes = json!({
            "start": {"kind": "trigger.manual@1"},
            "ask": {"kind": "flow.approval@1", "config": {"title": title, "assignees": assignees,
                "choices": [{"port": "yes"}, {"port": "no"}]}}});
        let flow = published(&server, &ada, nodes, &[("start.out", "ask.in")], Value::Null).await;
        started(&server, &ada, &flow, Value::Null).await;
    }
    let titles = async |who: &Person, query: &str| -> Vec<String> {
        let page = server.by(who, "GET", &format!("/api/v1/tasks{query}"), Value::Null).await.json();
        let mut titles: Vec<String> =
            page["data"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles
    };
    assert_eq!(titles(&ada, "").await, ["anybody", "mine", "theirs"]);
    assert_eq!(titles(&ada, "?for=me&state=open").await, ["mine"]);
    assert_eq!(titles(&ada, "?for=nobody").await, ["anybody"]);
    assert_eq!(titles(&ada, "?assignee=accounting").await, ["theirs"]);
    assert_eq!(titles(&ada, "?assignee=nobody").await, Vec::<String>::new());
    assert_eq!(titles(&bob, "?for=nobody").await, Vec::<String>::new());
    let counts = async |who: &Person| server.by(who, "GET", "/api/v1/tasks/count", Value::Null).await.json();
    assert_eq!(counts(&ada).await, json!({"open": 3, "mine": 1, "unassigned": 1}));
    assert_eq!(counts(&bob).await, json!({"open": 0, "mine": 0, "unassigned": 0}));
    for slip in ["?for=you", "?for=me&assignee=ada", "?assignee="] {
        let refused = server.by(&ada, "GET", &format!("/api/v1/tasks{slip}"), Value::Null).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
            "{slip}: {}",
            refused.text
        );
    }
}
