//! The executor against real sockets on loopback: what it sends, what it makes of answers, what it refuses.
#![cfg(feature = "execute")]

use async_trait::async_trait;
use holon_cap_http::HttpRequest;
use holon_flow::capability::NodeError;
use holon_model::{EnvironmentId, RunId, TenantId, Value, json, wire::connections::ConnectionKind};
use holon_platform::{
    crypto::Secret,
    egress::Egress,
    execute::{
        ConnectionError, ConnectionSource, EffectContext, EffectRequest, Executor, NoRecords, ResolvedConnection,
    },
};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// An endpoint that answers with these texts in turn and keeps the requests.
struct Endpoint {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    async fn new(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answers, kept) =
            (answers.iter().map(|a| a.replace("{address}", &address)).collect::<Vec<_>>(), requests.clone());
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                kept.lock().unwrap().push(request);
                stream.write_all(answer.as_bytes()).await.unwrap();
                let _ = stream.shutdown().await;
            }
        });
        Self { address, requests }
    }

    fn request(&self, number: usize) -> String {
        self.requests.lock().unwrap()[number].clone()
    }
}

/// One request, body included.
async fn read(stream: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut buffer).await.unwrap() {
            0 => return text,
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn json_answer(body: &str) -> String {
    answer("200 OK", "content-type: application/json\r\n", body)
}

struct Connections;

#[async_trait]
impl ConnectionSource for Connections {
    async fn resolve(&self, _: TenantId, _: EnvironmentId, name: &str) -> Result<ResolvedConnection, ConnectionError> {
        let (kind, header) = match name {
            "token" | "elsewhere" => (ConnectionKind::HttpBearer, None),
            "named" => (ConnectionKind::HttpHeader, Some("X-Api-Key".to_owned())),
            "basic" => (ConnectionKind::HttpBasic, None),
            "key" => (ConnectionKind::HmacKey, None),
            _ => return Err(ConnectionError::Unknown { name: name.to_owned() }),
        };
        let host = if name == "elsewhere" { "api.example.com" } else { "127.0.0.1" };
        Ok(ResolvedConnection {
            kind,
            secret: Secret::new("s3cret"),
            header,
            hosts: vec![host.to_owned()],
            server: None,
        })
    }
}

async fn run_with(config: &str, cancel: CancellationToken) -> Result<Value, NodeError> {
    let cx = EffectContext {
        tenant: TenantId::from(Uuid::nil()),
        environment: EnvironmentId::from(Uuid::nil()),
        egress: Arc::new(Egress::new(true)),
        connections: Arc::new(Connections),
        records: Arc::new(NoRecords),
        cancel,
    };
    let request = EffectRequest {
        run: RunId::from(Uuid::nil()),
        path: "call".to_owned(),
        kind: "http.request@1".to_owned(),
        config: json::parse(config.as_bytes()).unwrap(),
        input: Value::Null,
        key: "0123abcd".to_owned(),
        attempt: 1,
        timeout: None,
    };
    HttpRequest.execute(&cx, request).await
}

async fn run(config: &str) -> Result<Value, NodeError> {
    run_with(config, CancellationToken::new()).await
}

fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_request_carries_its_parts_and_the_answer_is_parsed_exactly() {
    let endpoint = Endpoint::new(&[&answer(
        "201 Created",
        "Content-Type: application/problem+json\r\nX-A: 1\r\nx-a: 2\r\n",
        r#"{"n":19.90}"#,
    )])
    .await;
    let config = format!(
        r#"{{"method":"POST","url":"{}/a?x=1","query":{{"q":"a b","n":null,"l":[1,2.50]}},
        "headers":{{"X-B":7,"X-C":null,"Accept-Encoding":"gzip"}},"body":{{"json":{{"price":0.10}}}}}}"#,
        endpoint.address
    );
    let output = run(&config).await.unwrap();
    assert_eq!(output.get("status"), Some(&Value::Int(201)));
    assert_eq!(at(&output, "/body/n").to_json(), "19.90");
    assert_eq!(at(&output, "/headers/x-a"), &Value::from("1, 2"));
    let request = endpoint.request(0);
    assert!(request.starts_with("POST /a?x=1&l=1&l=2.50&q=a+b HTTP/1.1\r\n"), "{request}");
    for part in [
        "idempotency-key: 0123abcd\r\n",
        "x-b: 7\r\n",
        "content-type: application/json\r\n",
        "accept-encoding: identity\r\n",
    ] {
        assert!(request.contains(part), "{part} {request}");
    }
    assert!(request.ends_with(r#"{"price":0.10}"#) && !request.contains("x-c"), "{request}");
}

#[tokio::test]
async fn forms_and_texts_are_sent_as_they_are_meant() {
    let endpoint =
        Endpoint::new(&[&answer("204 No Content", "", ""), &answer("200 OK", "content-type: text/plain\r\n", "hé")])
            .await;
    let form = format!(
        r#"{{"method":"POST","url":"{}","body":{{"form":{{"a":"1&2","b":["x","y"]}}}},"idempotency_header":""}}"#,
        endpoint.address
    );
    assert_eq!(at(&run(&form).await.unwrap(), "/body"), &Value::Null);
    assert!(endpoint.request(0).ends_with("a=1%262&b=x&b=y") && !endpoint.request(0).contains("idempotency"));
    let text = format!(
        r#"{{"method":"PUT","url":"{}","body":{{"text":"<a/>","content_type":"text/xml"}},"headers":{{"idempotency-key":"mine"}}}}"#,
        endpoint.address
    );
    assert_eq!(at(&run(&text).await.unwrap(), "/body"), &Value::from("hé"));
    let request = endpoint.request(1);
    assert!(
        request.contains("content-type: text/xml")
            && request.contains("idempotency-key: mine")
            && request.ends_with("<a/>")
    );
}

#[tokio::test]
async fn a_bad_status_fails_and_says_whether_to_try_again() {
    let endpoint = Endpoint::new(&[
        &answer("429 Too Many Requests", "retry-after: 7\r\ncontent-type: application/json\r\n", r#"{"e":1}"#),
        &answer("404 Not Found", "", "gone"),
        &answer("500 Internal Server Error", "", ""),
        &answer("404 Not Found", "", "gone"),
        &answer(
            "503 Service Unavailable",
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:51:07 GMT\r\n",
            "",
        ),
        &answer("503 Service Unavailable", "retry-after: soon\r\n", ""),
    ])
    .await;
    let config = format!(r#"{{"url":"{}/x?secret=1"}}"#, endpoint.address);
    let failed = run(&config).await.unwrap_err();
    assert_eq!((failed.code.as_str(), failed.retryable), ("http_status", true));
    assert_eq!((at(&failed.detail, "/retry_after"), at(&failed.detail, "/body/e")), (&Value::Int(7), &Value::Int(1)));
    assert!(failed.message.starts_with("answered 429 Too Many Requests (GET http://"), "{}", failed.message);
    assert!(failed.message.ends_with("/x)") && !failed.message.contains("secret"), "{}", failed.message);
    assert!(!run(&config).await.unwrap_err().retryable);
    assert!(run(&config).await.unwrap_err().retryable);
    let lenient = format!(r#"{{"url":"{}","fail_on_status":false}}"#, endpoint.address);
    assert_eq!(at(&run(&lenient).await.unwrap(), "/status"), &Value::Int(404));
    let dated = run(&config).await.unwrap_err();
    assert_eq!(at(&dated.detail, "/retry_after"), &Value::Int(90), "by the answer's own clock");
    assert_eq!(run(&config).await.unwrap_err().detail.get("retry_after"), None);
}

#[tokio::test]
async fn a_link_to_another_origin_takes_no_secrets_along() {
    let other = Endpoint::new(&[&json_answer("[3]")]).await;
    let link = |to: &str| {
        answer("200 OK", &format!("content-type: application/json\r\nlink: <{to}>; rel=\"next\"\r\n"), "[1]")
    };
    let endpoint = Endpoint::new(&[&link("/next"), &link(&format!("{}/theirs", other.address))]).await;
    let config = format!(
        r#"{{"url":"{}","connection":"named","headers":{{"authorization":"mine","cookie":"a=1","x-plain":"yes"}},"pagination":{{"link":{{}}}}}}"#,
        endpoint.address
    );
    assert_eq!(at(&run(&config).await.unwrap(), "/body").to_json(), "[1,1,3]");
    for own in [endpoint.request(0), endpoint.request(1)] {
        assert!(own.contains("x-api-key: s3cret\r\n") && own.contains("authorization: mine\r\n"), "{own}");
    }
    let theirs = other.request(0);
    assert!(theirs.contains("x-plain: yes\r\n"), "{theirs}");
    for secret in ["s3cret", "authorization", "cookie"] {
        assert!(!theirs.contains(secret), "{theirs}");
    }
}

#[tokio::test]
async fn a_connections_secret_goes_to_its_own_hosts_only() {
    let endpoint = Endpoint::new(&[&json_answer("1"), &json_answer("2"), &json_answer("3")]).await;
    let with = |name: &str| format!(r#"{{"url":"{}","connection":"{name}"}}"#, endpoint.address);
    run(&with("token")).await.unwrap();
    assert!(endpoint.request(0).contains("authorization: Bearer s3cret\r\n"));
    run(&with("named")).await.unwrap();
    assert!(endpoint.request(1).contains("x-api-key: s3cret\r\n"));
    run(&with("basic")).await.unwrap();
    assert!(endpoint.request(2).contains("authorization: Basic czNjcmV0\r\n"));
    for (name, code) in
        [("elsewhere", "forbidden_host"), ("key", "unusable_connection"), ("none", "unknown_connection")]
    {
        let failed = run(&with(name)).await.unwrap_err();
        assert_eq!(failed.code, code);
        assert!(!format!("{failed:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn redirects_are_followed_up_to_their_limit() {
    let redirect = answer("302 Found", "location: /next\r\n", "");
    let endpoint = Endpoint::new(&[&redirect, &json_answer("[1]"), &redirect]).await;
    assert_eq!(at(&run(&format!(r#"{{"url":"{}"}}"#, endpoint.address)).await.unwrap(), "/body/0"), &Value::Int(1));
    assert!(endpoint.request(1).starts_with("GET /next "));
    let none = run(&format!(r#"{{"url":"{}","redirects":0}}"#, endpoint.address)).await.unwrap();
    assert_eq!(at(&none, "/status"), &Value::Int(302));
}

#[tokio::test]
async fn pages_are_fetched_by_link_cursor_or_number() {
    let link = |to: &str, body: &str| {
        answer("200 OK", &format!("content-type: application/json\r\nlink: <{to}>; rel=\"next\"\r\n"), body)
    };
    let endpoint = Endpoint::new(&[&link("/b?p=2", "[1,2]"), &json_answer("[3]")]).await;
    let output = run(&format!(r#"{{"url":"{}/a","pagination":{{"link":{{}}}}}}"#, endpoint.address)).await.unwrap();
    assert_eq!(at(&output, "/body").to_json(), "[1,2,3]");
    assert_eq!((at(&output, "/pages"), at(&output, "/complete")), (&Value::Int(2), &Value::Bool(true)));
    assert!(
        endpoint.request(1).starts_with("GET /b?p=2 ")
            && endpoint.request(1).contains("idempotency-key: 0123abcd-1\r\n")
    );

    let endpoint =
        Endpoint::new(&[&json_answer(r#"{"r":[1],"next":"x y"}"#), &json_answer(r#"{"r":[2],"next":null}"#)]).await;
    let cursor = r#"{"cursor":{"next":{"$cel":"item.body.next"},"parameter":"c","items":{"$cel":"item.body.r"}}}"#;
    let output = run(&format!(r#"{{"url":"{}/?a=1","pagination":{cursor}}}"#, endpoint.address)).await.unwrap();
    assert_eq!(at(&output, "/body").to_json(), "[1,2]");
    assert!(endpoint.request(1).starts_with("GET /?a=1&c=x+y "));

    let endpoint = Endpoint::new(&[&json_answer("[1]"), &json_answer("[2]"), &json_answer("[]")]).await;
    let number = r#"{"number":{"parameter":"page","start":0,"max_pages":2}}"#;
    let output = run(&format!(r#"{{"url":"{}","pagination":{number}}}"#, endpoint.address)).await.unwrap();
    assert_eq!((at(&output, "/body").to_json(), at(&output, "/complete")), ("[1,2]".to_owned(), &Value::Bool(false)));
    assert!(endpoint.request(0).starts_with("GET /?page=0 ") && endpoint.request(1).starts_with("GET /?page=1 "));
}

#[tokio::test]
async fn answers_that_cannot_be_used_say_why() {
    let endpoint = Endpoint::new(&[
        &json_answer("{\"a\":1,}"),
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab",
        &json_answer(&"1".repeat(100)),
    ])
    .await;
    let failed = run(&format!(r#"{{"url":"{}"}}"#, endpoint.address)).await.unwrap_err();
    assert_eq!((failed.code.as_str(), at(&failed.detail, "/line")), ("invalid_json", &Value::Int(1)));
    let failed = run(&format!(r#"{{"url":"{}"}}"#, endpoint.address)).await.unwrap_err();
    assert_eq!((failed.code.as_str(), failed.retryable), ("connection_lost", true));
    let failed = run(&format!(r#"{{"url":"{}","max_bytes":50}}"#, endpoint.address)).await.unwrap_err();
    assert_eq!(failed.code, "response_too_large");
    for (config, code) in [
        (r#"{"url":"not an address"}"#, "bad_url"),
        (r#"{"url":"mailto:a@b"}"#, "bad_url"),
        (r#"{"url":"http://127.0.0.1:1","headers":{"a b":"c"}}"#, "bad_request"),
        (r#"{"url":"http://127.0.0.1:9","headers":{"a":"b\nc"}}"#, "bad_request"),
        (r#"{"url":"http://127.0.0.1:9","query":{"a":{}}}"#, "bad_request"),
        (r#"{"url":"http://10.0.0.1/"}"#, "forbidden_address"),
        (r#"{"url":"http://127.0.0.1:8099","timeout":"soon"}"#, "bad_request"),
    ] {
        assert_eq!(run(config).await.unwrap_err().code, code, "{config}");
    }
}

#[tokio::test]
async fn what_is_not_reached_says_why_before_it_says_what_was_asked() {
    // A port that was free a moment ago, and on which nobody listens.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let failed = run(&format!(r#"{{"method":"POST","url":"http://{free}/orders?secret=1"}}"#)).await.unwrap_err();
    assert_eq!(failed.code, "connect_failed");
    let (why, what) = failed.message.split_once(" (").unwrap();
    assert_eq!(why, format!("cannot connect to {free}: Connection refused"));
    assert_eq!(what, format!("POST http://{free}/orders)"));
}

#[tokio::test]
async fn a_cancelled_request_ends_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = format!(r#"{{"url":"http://{}"}}"#, listener.local_addr().unwrap());
    let cancel = CancellationToken::new();
    let running = tokio::spawn({
        let cancel = cancel.clone();
        async move { run_with(&config, cancel).await }
    });
    // It has connected and waits for an answer that never comes.
    let (_stream, _) = listener.accept().await.unwrap();
    cancel.cancel();
    assert_eq!(running.await.unwrap().unwrap_err().code, "cancelled");
}

#[tokio::test]
async fn an_endpoint_that_hangs_runs_into_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = format!(r#"{{"url":"http://{}","timeout":"50ms"}}"#, listener.local_addr().unwrap());
    let failed = run(&config).await.unwrap_err();
    assert_eq!((failed.code.as_str(), failed.retryable), ("timeout", true));
}

#[tokio::test]
async fn what_must_not_be_sent_twice_and_was_not_answered_is_unknown_and_else_a_failure_is_what_it_is() {
    // It is read, and the connection closed.
    let endpoint = Endpoint::new(&["", ""]).await;
    let once = |address: &str| format!(r#"{{"method": "POST", "url": "{address}", "delivery": "at_most_once"}}"#);
    let unknown = run(&once(&endpoint.address)).await.unwrap_err();
    assert_eq!((unknown.code.as_str(), unknown.retryable), ("outcome_unknown", false), "{unknown:?}");
    let lost = run(&once(&endpoint.address).replace("at_most_once", "at_least_once")).await.unwrap_err();
    assert_eq!((lost.code.as_str(), lost.retryable), ("connection_lost", true), "{lost:?}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let unsent = run(&once(&format!("http://{closed}"))).await.unwrap_err();
    assert_eq!(unsent.code, "connect_failed", "it was certainly not sent");
}
