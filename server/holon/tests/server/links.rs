//! Links: approvals that are answered and deliveries that are taken by whoever has the address, once.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use holon_model::Millis;
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::support::{Answer, ORIGIN, Person, Server, request};
use crate::waiting::{ended, published, started};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Sends a form as a browser does.
async fn submit(server: &Server, path: &str, form: &[(&str, &str)], origin: &str) -> Answer {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("origin", origin)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.finish()));
    server.send(request.unwrap()).await
}

async fn look(server: &Server, path: &str) -> Answer {
    server.send(request("GET", path, &[], Value::Null)).await
}

/// The path of an address of this server.
pub fn path_of(url: &str) -> String {
    url.strip_prefix(ORIGIN).unwrap_or_else(|| panic!("{url} is not of this server")).to_owned()
}

/// What the run asks, when it does.
pub async fn asked(server: &Server, ada: &Person, run: &str) -> Value {
    loop {
        let tasks = server.by(ada, "GET", &format!("{run}/tasks"), Value::Null).await.json();
        if let Some(task) = tasks["data"].get(0) {
            let address = format!("{run}/tasks/{}", task["id"].as_str().unwrap());
            return server.by(ada, "GET", &address, Value::Null).await.json();
        }
        tokio::task::yield_now().await;
    }
}

/// A flow that makes a link, and asks with its address as what the question is about.
fn approves() -> Value {
    json!({
        "start": {"kind": "trigger.manual@1"},
        "link": {"kind": "flow.link@1", "config": {"task": "ask", "assignee": {"$text": "{{ input.who }}"}, "valid_for": "2d"}},
        "ask": {"kind": "flow.approval@1", "config": {
            "title": "May <b>it</b> be paid?", "context": {"$cel": "{\"url\": nodes.link.url, \"sum\": 12.50}"},
            "choices": [{"port": "approve", "label": "Pay"}, {"port": "reject", "label": "Do not pay"}],
            "form": {"type": "object", "required": ["comment"], "properties": {
                "comment": {"type": "string", "minLength": 3}, "sum": {"type": "number"}}}}}})
}

/// A run that waits for an answer by link: its path and the link's.
async fn linked(server: &Server, ada: &Person) -> (String, String) {
    let flow = published(
        server,
        ada,
        approves(),
        &[("start.out", "link.in"), ("link.out", "ask.in")],
        json!({"$cel": "nodes.ask"}),
    )
    .await;
    let run = started(server, ada, &flow, json!({"who": "ada@example.com"})).await;
    let task = asked(server, ada, &run).await;
    (run, path_of(task["context"]["url"].as_str().unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_answered_once_by_the_link_that_its_flow_made() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (run, link) = linked(&server, &ada).await;
    for _ in 0..2 {
        let page = look(&server, &link).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        assert!(
            page.text.contains("May &lt;b&gt;it&lt;/b&gt; be paid?") && page.text.contains("12.50"),
            "{}",
            page.text
        );
        assert!(page.headers["cache-control"].to_str().unwrap().contains("no-store"));
        assert!(!page.headers["content-security-policy"].to_str().unwrap().contains("script-src"));
    }
    let slip =
        submit(&server, &link, &[("choice", "approve"), ("form/comment", "no"), ("form/sum", "\"><i>")], ORIGIN).await;
    assert_eq!(slip.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", slip.text);
    assert!(slip.text.contains("This is not a number.") && slip.text.contains("value=\"no\""), "{}", slip.text);
    assert!(slip.text.contains("&quot;&gt;&lt;i&gt;") && !slip.text.contains("<i>"), "{}", slip.text);
    for form in
        [&[("form/comment", "seen")][..], &[("choice", "steal"), ("form/comment", "seen")], &[("choice", "approve")]]
    {
        assert_eq!(submit(&server, &link, form, ORIGIN).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
    }
    let answer = [("choice", "reject"), ("form/comment", "seen"), ("form/sum", "12.50")];
    let foreign = submit(&server, &link, &answer, "https://evil.example").await;
    assert_eq!((foreign.status, foreign.code().as_str()), (StatusCode::FORBIDDEN, "cross_site"), "{}", foreign.text);
    let taken = submit(&server, &link, &answer, ORIGIN).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text);
    assert!(taken.text.contains("You chose “Do not pay”."), "{}", taken.text);
    let over = ended(&server, &ada, &run).await;
    let output = &over["output"];
    assert_eq!((&output["choice"], &output["by"]), (&json!("reject"), &json!("link:ada@example.com")), "{over}");
    assert_eq!(output["form"].to_string(), r#"{"comment":"seen","sum":12.5}"#);
    // Once.
    let unknown = look(&server, &format!("/t/{}", "a".repeat(43))).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    for again in [submit(&server, &link, &answer, ORIGIN).await, look(&server, &link).await] {
        assert_eq!((again.status, &again.text), (unknown.status, &unknown.text));
    }
    let mut owner = sqlx::PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap();
    let rows: Vec<(String, String)> =
        sqlx::query_as("select actor, detail::text from audit_event where intent_type = 'task.answer'")
            .fetch_all(&mut owner)
            .await
            .unwrap();
    let [(actor, detail)] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(actor.starts_with("link_") && detail.contains(actor) && detail.contains("ada@example.com"), "{rows:?}");
    let token = link.rsplit('/').next().unwrap();
    let kept: i64 = sqlx::query_scalar("select count(*) from link where link::text like '%' || $1 || '%'")
        .bind(token)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(kept, 0, "only a hash of the token is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_answers_at_the_same_instant_by_one_link_one_counts() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (run, link) = linked(&server, &ada).await;
    let answer = |choice| {
        let (server, link) = (&server, &link);
        async move { submit(server, link, &[("choice", choice), ("form/comment", "seen")], ORIGIN).await.status }
    };
    let all = (0..40).map(|at| answer(if at % 2 == 0 { "approve" } else { "reject" }));
    let told = futures::future::join_all(all).await;
    assert_eq!(told.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{told:?}");
    assert!(told.iter().all(|status| [StatusCode::OK, StatusCode::NOT_FOUND].contains(status)), "{told:?}");
    assert_eq!(ended(&server, &ada, &run).await["summary"]["status"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_made_narrowed_listed_and_revoked_and_no_end_of_it_can_be_told_from_another() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let (run, _) = linked(&server, &ada).await;
    let task = asked(&server, &ada, &run).await;
    let links = format!("{run}/tasks/{}/links", task["id"].as_str().unwrap());
    for (body, pointer) in [
        (json!({"choices": ["steal"]}), "/choices/0"),
        (json!({"choices": []}), "/choices"),
        (json!({"valid_for": "91d"}), "/valid_for"),
        (json!({"valid_for": 0}), "/valid_for"),
        (json!({"valid_for": "soon"}), "/valid_for"),
        (json!({"assignee": "x".repeat(513)}), "/assignee"),
        (json!({"token": "mine"}), "/token"),
    ] {
        let refused = server.by(&ada, "POST", &links, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.json()["errors"][0]["pointer"], json!(pointer), "{}", refused.text);
    }
    let make = async |body: Value| {
        let made = server.by(&ada, "POST", &links, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        (made.json()["link"]["id"].as_str().unwrap().to_owned(), path_of(made.json()["url"].as_str().unwrap()))
    };
    let (short, first) = make(json!({"valid_for": "1d", "choices": ["reject"]})).await;
    let (id, second) = make(Value::Null).await;
    let narrowed = look(&server, &first).await;
    assert!(narrowed.text.contains("Do not pay") && !narrowed.text.contains("value=\"approve\""), "{}", narrowed.text);
    let refused = submit(&server, &first, &[("choice", "approve"), ("form/comment", "seen")], ORIGIN).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert_eq!(server.by(&bob, "GET", &links, Value::Null).await.status, StatusCode::NOT_FOUND);

    assert_eq!(look(&server, &second).await.status, StatusCode::OK);
    let revoked = server.by(&ada, "DELETE", &format!("{links}/{id}"), Value::Null).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT, "{}", revoked.text);
    assert_eq!(server.by(&ada, "DELETE", &format!("{links}/{id}"), Value::Null).await.status, StatusCode::NOT_FOUND);
    server.clock.advance(Millis(DAY));
    let listed = server.by(&ada, "GET", &links, Value::Null).await;
    let states: Vec<(&str, &str)> = listed.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["id"].as_str().unwrap().to_owned(), link["state"].as_str().unwrap().to_owned()))
        .map(|(id, state)| (if id == short { "short" } else { "other" }, if state == "open" { "open" } else { "over" }))
        .collect();
    assert_eq!(states.iter().filter(|state| **state == ("short", "over")).count(), 1, "{}", listed.text);
    assert_eq!(states.iter().filter(|state| state.1 == "open").count(), 1, "the flow's own: {}", listed.text);
    assert!(!listed.text.contains("/t/"), "{}", listed.text);

    let unknown = look(&server, &format!("/t/{}", "a".repeat(43))).await;
    for over in
        [&first, &second, "/t/x", "/t/..%2f", &format!("{second}="), &second.to_uppercase().replace("/T/", "/t/")]
    {
        let page = look(&server, over).await;
        assert_eq!((page.status, &page.text), (StatusCode::NOT_FOUND, &unknown.text), "{over}");
        let page = submit(&server, over, &[("choice", "reject"), ("form/comment", "seen")], ORIGIN).await;
        assert_eq!((page.status, &page.text), (StatusCode::NOT_FOUND, &unknown.text), "{over}");
    }
    assert_eq!(asked(&server, &ada, &run).await["state"], "open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_is_slowed_down_and_who_has_a_link_is_not() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (_, link) = linked(&server, &ada).await;
    for _ in 0..100 {
        assert_eq!(look(&server, &link).await.status, StatusCode::OK);
    }
    let mut told = Vec::new();
    for number in 0..70 {
        told.push(look(&server, &format!("/t/{number:0>43}")).await.status);
    }
    assert_eq!(told[0], StatusCode::NOT_FOUND);
    assert_eq!(told[69], StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_what_the_flow_does_not_ask_fails_its_node_with_the_reason() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    for (config, code) in [
        (json!({"task": "start"}), "unknown_task"),
        (json!({"task": "ask", "choices": ["steal"]}), "invalid_value"),
        (json!({"task": "ask", "valid_for": "365d"}), "invalid_value"),
    ] {
        let mut nodes = approves();
        nodes["link"]["config"] = config;
        let edges = [("start.out", "link.in"), ("link.out", "ask.in")];
        let made = json!({"definition": {"holon": 1, "name": "x", "nodes": nodes,
            "edges": edges.map(|(from, to)| json!({"from": from, "to": to}))}});
        let made = server.by(&ada, "POST", "/api/v1/flows", made).await;
        let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
        let published = server.by(&ada, "POST", &format!("{path}/publish"), json!({})).await;
        if published.status != StatusCode::OK {
            // What can be seen before a run is seen then.
            assert_eq!(published.code(), "invalid_definition", "{}", published.text);
            continue;
        }
        let run = started(&server, &ada, &path, json!({"who": "x"})).await;
        let over = ended(&server, &ada, &run).await;
        let told = over["summary"]["error"].as_str().unwrap_or_default();
        assert!(told.starts_with(&format!("{code}: ")), "{over}");
    }
}

/// A run that has made its address and waits for a signal before it waits for the delivery: its path and the address.
async fn called(server: &Server, ada: &Person, config: Value) -> (String, String) {
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "address": {"kind": "flow.address@1", "config": config},
        "say": {"kind": "flow.approval@1", "config": {"title": "Go on?", "context": {"$cel": "nodes.address.url"}, "choices": [{"port": "yes"}]}},
        "back": {"kind": "flow.callback@1", "config": {"name": "callback", "correlation": {"$cel": "nodes.address.id"}}}});
    let edges = [("start.out", "address.in"), ("address.out", "say.in"), ("say.yes", "back.in")];
    let flow = published(server, ada, nodes, &edges, json!({"$cel": "nodes.back"})).await;
    let run = started(server, ada, &flow, json!({})).await;
    let task = asked(server, ada, &run).await;
    (run, path_of(task["context"].as_str().unwrap()))
}

async fn go_on(server: &Server, ada: &Person, run: &str) {
    let task = asked(server, ada, run).await;
    let answer = format!("{run}/tasks/{}/answer", task["id"].as_str().unwrap());
    assert_eq!(server.by(ada, "POST", &answer, json!({"choice": "yes"})).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_comes_before_its_run_waits_is_kept_and_a_second_one_is_told_so() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (run, address) = called(&server, &ada, json!({"answer": "Thank you."})).await;
    let deliver = || request("POST", &address, &[("x-from", "bank"), ("cookie", "a=b")], json!({"paid": 12.50}));
    let taken = server.send(deliver()).await;
    assert_eq!((taken.status, taken.text.as_str()), (StatusCode::OK, "Thank you."));
    let second = server.send(deliver()).await;
    assert_eq!((second.status, second.code().as_str()), (StatusCode::GONE, "gone"), "{}", second.text);
    go_on(&server, &ada, &run).await;
    let over = ended(&server, &ada, &run).await;
    assert_eq!(over["output"]["body"], json!({"paid": 12.50}), "{over}");
    assert_eq!((&over["output"]["headers"]["x-from"], over["output"]["headers"].get("cookie")), (&json!("bank"), None));
    assert!(!over["output"].to_string().contains(&address), "the address is not told: {over}");
    assert_eq!(server.send(deliver()).await.status, StatusCode::GONE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_address_does_not_take_counts_for_nothing() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let schema = json!({"type": "object", "required": ["paid"], "properties": {"paid": {"type": "number"}}});
    let (run, address) = called(&server, &ada, json!({"method": "PUT", "schema": schema, "valid_for": "1h"})).await;
    let post = server.send(request("POST", &address, &[], json!({"paid": 1}))).await;
    assert_eq!((post.status, post.headers["allow"].to_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, "PUT"));
    let wrong = server.send(request("PUT", &address, &[], json!({"paid": "1"}))).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/body/paid", "{}", wrong.text);
    let large = server.send(request("PUT", &address, &[], json!("x".repeat(3 << 20)))).await;
    assert_eq!((large.status, large.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"));
    for forged in [format!("/c/{}", "a".repeat(43)), format!("{address}A"), address.replace("/c/", "/t/")] {
        let told = server.send(request("PUT", &forged, &[], json!({"paid": 1}))).await;
        assert!(
            [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&told.status),
            "{forged}: {}",
            told.text
        );
    }
    let (ok, other) = (called(&server, &ada, json!({})).await, request("PUT", &address, &[], json!({"paid": 12.50})));
    let all = [server.send(other), server.send(request("PUT", &address, &[], json!({"paid": 7})))];
    let told: Vec<StatusCode> = futures::future::join_all(all).await.into_iter().map(|answer| answer.status).collect();
    assert_eq!(told.iter().filter(|status| **status == StatusCode::ACCEPTED).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|status| **status == StatusCode::GONE).count(), 1, "{told:?}");
    go_on(&server, &ada, &run).await;
    assert_eq!(ended(&server, &ada, &run).await["summary"]["status"], "completed");
    // One whose run is over, and one whose time is up.
    let cancelled = server.by(&ada, "POST", &format!("{}/cancel", ok.0), Value::Null).await;
    assert!(cancelled.status.is_success(), "{}", cancelled.text);
    ended(&server, &ada, &ok.0).await;
    assert_eq!(server.send(request("POST", &ok.1, &[], json!(1))).await.status, StatusCode::GONE);
    server.clock.advance(Millis(8 * DAY));
    assert_eq!(server.send(request("POST", &ok.1, &[], json!(1))).await.status, StatusCode::NOT_FOUND);
}
