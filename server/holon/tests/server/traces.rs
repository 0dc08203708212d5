//! Traces: a collector is told of requests, runs and what nodes did, and how they belong together.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use holon_model::RunId;
use holon_platform::egress::Egress;
use holon_platform::telemetry::{span_of, trace_of};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{ORIGIN, Server, request};

/// A collector on a real socket.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self::default();
        let router = Router::new().fallback(take).with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (collector, url)
    }

    fn spans(&self) -> Vec<Span> {
        let bodies = self.0.lock().unwrap().clone();
        bodies
            .iter()
            .flat_map(|body| inside(&inside(&fields(body), 1), 2))
            .flat_map(|scope| {
                let Field(2, bytes) = scope else { return None };
                Some(Span::read(&bytes))
            })
            .collect()
    }
}

async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    collector.0.lock().unwrap().push(body);
    StatusCode::OK
}

/// A field of a message: its number, and its bytes.
#[derive(Debug, Clone)]
struct Field(u64, Vec<u8>);

/// The fields of a message, as protobuf's encoding is described.
fn fields(mut bytes: &[u8]) -> Vec<Field> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => varint(&mut bytes).to_le_bytes().to_vec(),
            1 => bytes.split_off(..8).unwrap().to_vec(),
            2 => {
                let length = usize::try_from(varint(&mut bytes)).unwrap();
                bytes.split_off(..length).unwrap().to_vec()
            }
            other => panic!("wire type {other}"),
        };
        found.push(Field(key >> 3, value));
    }
    found
}

/// The fields of all messages that stand at a number.
fn inside(found: &[Field], number: u64) -> Vec<Field> {
    found.iter().filter(|field| field.0 == number).flat_map(|field| fields(&field.1)).collect()
}

fn bytes(found: &[Field], number: u64) -> Vec<u8> {
    found.iter().find(|field| field.0 == number).map(|field| field.1.clone()).unwrap_or_default()
}

#[derive(Debug, Clone)]
struct Span {
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
    links: Vec<(Vec<u8>, Vec<u8>)>,
    attributes: Vec<(String, String)>,
    failed: bool,
}

impl Span {
    fn read(message: &[u8]) -> Self {
        let all = fields(message);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let each = |number: u64| all.iter().filter(move |field| field.0 == number).map(|field| fields(&field.1));
        Self {
            trace: bytes(&all, 1),
            id: bytes(&all, 2),
            parent: bytes(&all, 4),
            name: text(bytes(&all, 5)),
            links: each(13).map(|link| (bytes(&link, 1), bytes(&link, 2))).collect(),
            attributes: each(9).map(|pair| (text(bytes(&pair, 1)), text(bytes(&inside(&pair, 2), 1)))).collect(),
            failed: each(15).any(|status| bytes(&status, 3).first() == Some(&2)),
        }
    }

    fn says(&self, key: &str) -> &str {
        self.attributes.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_is_told_how_a_request_its_run_and_its_nodes_belong_together() {
    let (collector, url) = Collector::start().await;
    let server = Server::with(&[("HOLON_OTLP_ENDPOINT", url.as_str())]).await;
    tokio::spawn(server.state.traces.clone().send(url, Egress::for_operator()));
    let ada = server.person("ada").await;
    // Refused by the one road out: an effect that fails, and a run that goes on.
    let call = json!({"kind": "http.request@1", "config": {"url": "http://127.0.0.1:9/secret?token=s3cret"}});
    let nodes = json!({"start": {"kind": "trigger.manual@1"}, "call": call, "then": {"kind": "data.set@1", "config": {"fields": {"a": 1}}}});
    let edges = json!([{"from": "start.out", "to": "call.in"}, {"from": "call.error", "to": "then.in"}]);
    let definition = json!({"holon": 1, "name": "Calls", "nodes": nodes, "edges": edges});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await.json();
    let flow = made["id"].as_str().unwrap();
    server.by(&ada, "POST", &format!("/api/v1/flows/{flow}/publish"), json!({})).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("traceparent", parent)];
    let started =
        server.send(request("POST", &format!("/api/v1/flows/{flow}/runs"), &headers, json!({"input": "s3cret"}))).await;
    let run: RunId = started.json()["id"].as_str().unwrap().parse().unwrap();
    let events = server.by(&ada, "GET", &format!("/api/v1/runs/{run}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    // What was told before has arrived when what is told after it has: the same request again, until its span is there.
    let spans = loop {
        let spans = collector.spans();
        let of = |part: &str| spans.iter().any(|span| span.name.starts_with(part));
        if of("run ") && of("http.request") && of("POST /api/v1/flows/{id}/runs") {
            break spans;
        }
        server.by(&ada, "GET", "/api/v1/session", Value::Null).await;
        tokio::task::yield_now().await;
    };
    let find = |part: &str| spans.iter().find(|span| span.name.starts_with(part)).unwrap();
    let (asked, ran, called) = (find("POST /api/v1/flows/{id}/runs"), find("run "), find("http.request"));
    assert_eq!((ran.trace.as_slice(), ran.id.as_slice()), (&trace_of(run)[..], &span_of(run)[..]));
    assert_eq!((ran.says("holon.status"), ran.says("holon.flow"), ran.failed), ("completed", flow, false));
    assert_eq!((&called.trace, &called.parent), (&ran.trace, &ran.id));
    assert_eq!((called.says("holon.node"), called.says("holon.outcome"), called.failed), ("call", "failed", true));
    assert_eq!(asked.links, [(ran.trace.clone(), ran.id.clone())]);
    assert_eq!((asked.trace[0], asked.trace[15], asked.parent[1]), (0x4b, 0x36, 0xf0), "in the caller's trace");
    assert_eq!((asked.says("http.response.status_code"), asked.says("holon.run")), ("201", run.to_string().as_str()));
    assert!(!format!("{spans:?}").contains("s3cret"), "no data of a run: {spans:?}");
    let metrics = holon::metrics::exposition(&server.state).await;
    assert!(metrics.contains("holon_spans_sent_total"), "{metrics}");
}

/// What is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_trace_that_a_caller_names_stands_beside_its_request_in_the_log() {
    let lines = Lines::default();
    let writer = lines.clone();
    let json = tracing_subscriber::fmt().json().flatten_event(true).with_current_span(true);
    let _logged = tracing::subscriber::set_default(json.with_writer(move || writer.clone()).finish());
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (trace, other) = ("4bf92f3577b34da6a3ce929d0e0e4736", "not a trace");
    for named in [format!("00-{trace}-00f067aa0ba902b7-01"), other.to_owned()] {
        let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("traceparent", named.as_str())];
        assert_eq!(server.send(request("GET", "/api/v1/session", &headers, Value::Null)).await.status, StatusCode::OK);
    }
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let answered = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let answered = answered.filter(|line| line["message"] == "answered" && line["span"]["path"] == "/api/v1/session");
    let traces: Vec<Value> = answered.map(|line| line["span"]["trace"].clone()).collect();
    assert_eq!(traces, [json!(trace), Value::Null]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_and_nothing_is_noted_where_no_collector_is_named() {
    let server = Server::new().await;
    assert!(!server.state.traces.is_on());
    let metrics = holon::metrics::exposition(&server.state).await;
    assert!(!metrics.contains("holon_spans"), "{metrics}");
}
