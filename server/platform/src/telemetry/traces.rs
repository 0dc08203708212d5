//! Traces for OpenTelemetry: spans of requests, runs and nodes, sent to a collector by OTLP over HTTP. Off unless an endpoint is
//! configured, and then never in the way: what cannot be sent is dropped and counted, and nobody waits for it.
//!
//! A run is a trace of its own, whose id is the run's; its root span and those of its nodes are made of ids that exist already,
//! so that whoever knows the run knows the trace, on whichever replica it ran. A request's trace is the caller's (W3C
//! `traceparent`) or its own, and its span links to the runs that it started.

mod encode;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use holon_model::{RunId, Timestamp};
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::sync::mpsc;

use crate::egress::{Egress, EgressRequest, Limits};
use crate::telemetry::Exposition;

/// Spans that wait to be sent; more are dropped.
const MOST_WAITING: usize = 8_192;
/// Spans in one message, and how long it is waited for more of them.
const MOST_SENT: usize = 512;
const GATHER: Duration = Duration::from_secs(2);
/// How long a collector may take.
const WITHIN: Duration = Duration::from_secs(10);

/// What a span is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something inside.
    Internal,
    /// A request that was answered.
    Server,
}

/// A span that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its trace.
    pub trace: [u8; 16],
    /// Its own id.
    pub id: [u8; 8],
    /// What it is a part of.
    pub parent: Option<[u8; 8]>,
    /// Its name.
    pub name: String,
    /// What it is of.
    pub kind: Kind,
    /// From when.
    pub began: Timestamp,
    /// Until when.
    pub ended: Timestamp,
    /// What is known of it.
    pub attributes: Vec<(&'static str, String)>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Runs that it started.
    pub started: Vec<RunId>,
}

/// The trace of a run.
#[must_use]
pub fn trace_of(run: RunId) -> [u8; 16] {
    *run.0.as_bytes()
}

/// The root span of a run.
#[must_use]
pub fn span_of(run: RunId) -> [u8; 8] {
    short(run.0.as_bytes())
}

/// A span's id of bytes that name it.
#[must_use]
pub fn short(bytes: &[u8]) -> [u8; 8] {
    let hash = blake3::hash(bytes);
    let mut id = [0; 8];
    id.copy_from_slice(&hash.as_bytes()[..8]);
    // An id of zeroes is none.
    if id == [0; 8] { [1; 8] } else { id }
}

/// The trace and the span that a W3C `traceparent` names.
#[must_use]
pub fn of_parent(text: &str) -> Option<([u8; 16], [u8; 8])> {
    let mut parts = text.trim().split('-');
    let (version, trace, span, _flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let bytes = |hex: &str, length: usize| -> Option<Vec<u8>> {
        let digits = hex.len() == 2 * length && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        digits.then(|| (0..length).filter_map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect())
    };
    let trace: [u8; 16] = bytes(trace, 16)?.try_into().ok()?;
    let span: [u8; 8] = bytes(span, 8)?.try_into().ok()?;
    (version.len() == 2 && version != "ff" && trace != [0; 16] && span != [0; 8]).then_some((trace, span))
}

/// Where spans are told.
#[derive(Debug, Clone, Default)]
pub struct Traces(Option<Arc<Told>>);

#[derive(Debug)]
struct Told {
    queue: mpsc::Sender<Span>,
    waiting: Mutex<Option<mpsc::Receiver<Span>>>,
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl Traces {
    /// Tells nobody.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Keeps spans until `send` takes them.
    #[must_use]
    pub fn on() -> Self {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        let waiting = Mutex::new(Some(waiting));
        Self(Some(Arc::new(Told { queue, waiting, sent: AtomicU64::new(0), dropped: AtomicU64::new(0) })))
    }

    /// Whether anybody is told: spans need not be made otherwise.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells of a span; at once, whether there is room for it or not.
    pub fn tell(&self, span: Span) {
        if let Some(told) = &self.0
            && told.queue.try_send(span).is_err()
        {
            told.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Writes what was sent and dropped, for Prometheus.
    pub fn expose(&self, out: &mut Exposition) {
        if let Some(told) = &self.0 {
            out.counter("holon_spans_sent_total", "Spans that the collector took.", told.sent.load(Relaxed));
            let help = "Spans that were dropped: the collector was away, or slower than they came.";
            out.counter("holon_spans_dropped_total", help, told.dropped.load(Relaxed));
        }
    }

    /// Sends what is told to a collector, until it is dropped. A second call ends at once.
    pub async fn send(self, endpoint: String, egress: Egress) {
        let Some(told) = self.0.clone() else { return };
        let waiting = told.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(mut waiting) = waiting else { return };
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let mut away = false;
        loop {
            let mut spans = Vec::new();
            if waiting.recv_many(&mut spans, MOST_SENT).await == 0 {
                return;
            }
            let gathered = async {
                while spans.len() < MOST_SENT {
                    match waiting.recv().await {
                        Some(span) => spans.push(span),
                        None => return,
                    }
                }
            };
            // Its end is the usual one.
            let _ = tokio::time::timeout(GATHER, gathered).await;
            let count = spans.len() as u64;
            match post(&egress, &url, encode::request(&spans)).await {
                Ok(()) => {
                    away = false;
                    told.sent.fetch_add(count, Relaxed);
                }
                Err(why) => {
                    told.dropped.fetch_add(count, Relaxed);
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(
                            why,
                            "traces cannot be sent; they are dropped until the collector takes them again"
                        );
                    }
                }
            }
        }
    }
}

async fn post(egress: &Egress, url: &str, body: Vec<u8>) -> Result<(), String> {
    let mut request = EgressRequest::new(Method::POST, url);
    request.headers =
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))]);
    request.body = Bytes::from(body);
    request.limits = Limits { total: WITHIN, first_byte: WITHIN, body: 64 << 10, ..Limits::default() };
    match egress.send(request).await {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(format!("the collector answered {}", answer.status)),
        Err(error) => Err(error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_is_gone_on_with_and_what_is_none_is_not() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let (trace, span) = of_parent(text).unwrap();
        assert_eq!((trace[0], trace[15], span[1], span[7]), (0x4b, 0x36, 0xf0, 0xb7));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-äbf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(of_parent(bad), None, "{bad}");
        }
    }

    #[test]
    fn nobody_waits_when_there_is_no_room() {
        let run = RunId(uuid::Uuid::from_u128(1));
        let span = Span {
            trace: trace_of(run),
            id: span_of(run),
            parent: None,
            name: "run".into(),
            kind: Kind::Internal,
            began: Timestamp(1),
            ended: Timestamp(2),
            attributes: vec![],
            error: None,
            started: vec![],
        };
        let traces = Traces::on();
        for _ in 0..MOST_WAITING + 3 {
            traces.tell(span.clone());
        }
        let mut out = Exposition::default();
        traces.expose(&mut out);
        assert!(out.into_text().contains("holon_spans_dropped_total 3"));
        Traces::off().tell(span);
    }
}
