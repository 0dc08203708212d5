//! What the examples call, on a real socket: answers like their fixtures, keeps a ledger by idempotency key, fails on demand.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use tokio::net::TcpListener;

/// What it received: path, idempotency key, body.
pub type Ledger = Arc<Mutex<Vec<(String, String, String)>>>;

/// An endpoint on a free port of this machine.
pub struct Endpoint {
    /// Its port.
    pub port: u16,
    /// What it received.
    pub ledger: Ledger,
    failing: Failing,
    printing: Printing,
}

/// How many labels are being printed, and the most that ever were.
type Printing = Arc<Mutex<(u32, u32)>>;

/// Methods and first parts of paths that are answered with a failure.
type Failing = Arc<Mutex<Vec<(Method, &'static str, StatusCode)>>>;

impl Endpoint {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ledger, failing, printing) = (Ledger::default(), Failing::default(), Printing::default());
        let print = {
            let (ledger, printing) = (ledger.clone(), printing.clone());
            move |headers: HeaderMap, body: String| print(ledger, printing, headers, body)
        };
        let router = Router::new().route("/labels", post(print)).fallback(answer);
        let router = router.with_state((ledger.clone(), failing.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, ledger, failing, printing }
    }

    /// From now on requests of this method to this first part of a path get this status.
    pub fn fail(&self, method: Method, part: &'static str, status: StatusCode) {
        self.failing.lock().unwrap().push((method, part, status));
    }

    /// Everything is answered well again.
    pub fn heal(&self) {
        self.failing.lock().unwrap().clear();
    }

    /// The most labels that were printed at a time.
    pub fn most_printed(&self) -> u32 {
        self.printing.lock().unwrap().1
    }

    /// Paths and keys of what was received, in the order of arrival.
    pub fn received(&self) -> Vec<(String, String, String)> {
        self.ledger.lock().unwrap().clone()
    }
}

/// Prints a label, which takes a while.
async fn print(ledger: Ledger, printing: Printing, headers: HeaderMap, body: String) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    ledger.lock().unwrap().push(("/labels".to_owned(), key, body));
    {
        let mut printing = printing.lock().unwrap();
        printing.0 += 1;
        printing.1 = printing.1.max(printing.0);
    }
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    printing.lock().unwrap().0 -= 1;
    (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], r#"{"label":"L-1"}"#).into_response()
}

async fn answer(
    State((ledger, failing)): State<(Ledger, Failing)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let text = String::from_utf8(body.to_vec()).unwrap();
    ledger.lock().unwrap().push((uri.path().to_owned(), key, text));
    let part = uri.path().split('/').nth(1).unwrap_or_default();
    let asked_to_fail = failing.lock().unwrap().iter().find(|(of, name, _)| *of == method && *name == part).cloned();
    if let Some((.., status)) = asked_to_fail {
        return status.into_response();
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    match uri.path() {
        "/reserve" => (StatusCode::CREATED, json, r#"{"reservation":"r-1"}"#).into_response(),
        "/flights" => (StatusCode::CREATED, json, r#"{"id":"flight-1","price":219.40}"#).into_response(),
        "/hotels" => (StatusCode::CREATED, json, r#"{"id":"hotel-2","price":267.00}"#).into_response(),
        "/cars" => (StatusCode::CREATED, json, r#"{"id":"car-3","price":96.60}"#).into_response(),
        "/payments" => (StatusCode::CREATED, json, r#"{"id":"payment-4","amount":583.00}"#).into_response(),
        _ if method == Method::DELETE => (StatusCode::OK, json, r#"{"cancelled":true}"#).into_response(),
        "/rows" => {
            let text = ledger.lock().unwrap().last().map(|(.., text)| text.clone()).unwrap_or_default();
            let rows = serde_json::from_str::<serde_json::Value>(&text).unwrap()["rows"].as_array().unwrap().len();
            let ids: Vec<String> = (1..=rows).map(|row| format!("row-{row}")).collect();
            (StatusCode::CREATED, json, serde_json::json!({ "ids": ids }).to_string()).into_response()
        }
        "/leaves" => (StatusCode::CREATED, json, r#"{"id":"leave-1"}"#).into_response(),
        "/north/prices/TEA-12" => (StatusCode::OK, json, r#"{"sku":"TEA-12","price":4.2}"#).into_response(),
        "/items" => {
            let after = uri.query().and_then(|query| query.strip_prefix("after=")?.parse::<u32>().ok()).unwrap_or(0);
            let next = (after + 2 < 10).then_some(after + 2);
            let items = serde_json::json!({"items": [{"id": after + 1}, {"id": after + 2}], "next": next});
            (StatusCode::OK, json, items.to_string()).into_response()
        }
        "/chat" => (StatusCode::OK, json, r#"{"ok":true}"#).into_response(),
        "/sales.csv" => {
            let csv = include_str!("../../../../docs/examples/csv-report/endpoint/sales.csv");
            ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
