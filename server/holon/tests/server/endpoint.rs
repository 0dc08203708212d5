//! What the examples call, on a real socket: answers like their fixtures and keeps a ledger by idempotency key.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;

/// What it received: path, idempotency key, body.
pub type Ledger = Arc<Mutex<Vec<(String, String, String)>>>;

/// An endpoint on a free port of this machine.
pub struct Endpoint {
    /// Its port.
    pub port: u16,
    /// What it received.
    pub ledger: Ledger,
}

impl Endpoint {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let ledger = Ledger::default();
        let router = Router::new().fallback(answer).with_state(ledger.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, ledger }
    }

    /// Paths and keys of what was received, in the order of arrival.
    pub fn received(&self) -> Vec<(String, String, String)> {
        self.ledger.lock().unwrap().clone()
    }
}

async fn answer(State(ledger): State<Ledger>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let text = String::from_utf8(body.to_vec()).unwrap();
    ledger.lock().unwrap().push((uri.path().to_owned(), key, text));
    let json = [(header::CONTENT_TYPE, "application/json")];
    match uri.path() {
        "/reserve" => (StatusCode::CREATED, json, r#"{"reservation":"r-1"}"#).into_response(),
        "/chat" => (StatusCode::OK, json, r#"{"ok":true}"#).into_response(),
        "/sales.csv" => {
            let csv = include_str!("../../../../docs/examples/csv-report/endpoint/sales.csv");
            ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
