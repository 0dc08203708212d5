//! How the server executes `http.request`: through the one egress path, with the connection's secret injected here.

mod pages;
mod request;
mod response;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use holon_flow::capability::NodeError;
use holon_model::{Map, Value, wire::connections::ConnectionKind};
use holon_platform::{
    egress::{EgressError, EgressResponse},
    execute::{EffectContext, EffectRequest, Executor, ResolvedConnection},
};
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use pages::Pages;
use request::Prepared;

/// The executor of `http.request`.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpRequest;

#[async_trait]
impl Executor for HttpRequest {
    async fn execute(&self, cx: &EffectContext, request: EffectRequest) -> Result<Value, NodeError> {
        let cancelled = cx.cancel.clone();
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(NodeError::new("cancelled", "the request was cancelled")),
            outcome = call(cx, &request) => outcome,
        }
    }

    fn may_answer_again(&self, request: &EffectRequest) -> bool {
        let method = request.config.get("method").and_then(Value::as_str).unwrap_or("GET");
        ["GET", "HEAD", "OPTIONS"].iter().any(|reads| method.eq_ignore_ascii_case(reads))
    }

    fn is_worth_keeping(&self, answer: &Value) -> bool {
        // A failure that the flow looks at itself (`fail_on_status: false`) is one all the same.
        matches!(answer.get("status"), Some(Value::Int(..400)))
    }
}

async fn call(cx: &EffectContext, effect: &EffectRequest) -> Result<Value, NodeError> {
    let config = &effect.config;
    let mut prepared = Prepared::new(config, &effect.key, effect.timeout)?;
    if let Some(name) = config.get("connection").and_then(Value::as_str).filter(|name| !name.is_empty()) {
        let connection = cx.connections.resolve(cx.tenant, cx.environment, name).await?;
        inject(&mut prepared, name, &connection)?;
    }
    match Pages::new(config)? {
        None => {
            let response = send(cx, &prepared, 0).await?;
            response::to_value(config, &prepared, &response)
        }
        Some(pages) => all_pages(cx, config, prepared, pages).await,
    }
}

async fn send(cx: &EffectContext, prepared: &Prepared, page: u32) -> Result<EgressResponse, NodeError> {
    cx.egress.send(prepared.egress(page)?).await.map_err(|error| unsent(&error, prepared))
}

/// What went wrong after the request may have reached its receiver: where it must not be sent twice, nobody knows what it did.
fn leaves_open(error: &EgressError) -> bool {
    ["timeout", "connection_lost", "bad_response"].contains(&error.code)
}

async fn all_pages(
    cx: &EffectContext,
    config: &Value,
    mut prepared: Prepared,
    mut pages: Pages,
) -> Result<Value, NodeError> {
    pages.first(&mut prepared);
    loop {
        let response = send(cx, &prepared, pages.fetched()).await?;
        let value = response::to_value(config, &prepared, &response)?;
        if !pages.take(&value, &response.final_url, &mut prepared)? {
            let mut whole: Map = value.as_map().cloned().unwrap_or_default();
            pages.finish(&mut whole);
            return Ok(whole.into());
        }
    }
}

/// Adds the connection's secret, marked so that it never leaves the origin, and binds the request to the connection's hosts.
fn inject(prepared: &mut Prepared, name: &str, connection: &ResolvedConnection) -> Result<(), NodeError> {
    let unusable = |why: &str| {
        NodeError::new("unusable_connection", format!("the connection `{name}` cannot be used here: {why}"))
    };
    if connection.hosts.is_empty() {
        return Err(unusable("it names no hosts that its secret may be sent to"));
    }
    let secret = connection.secret.expose();
    let (header, bytes) = match connection.kind {
        ConnectionKind::HttpBearer => (AUTHORIZATION, [b"Bearer ", secret].concat()),
        ConnectionKind::HttpHeader => {
            let header = connection.header.as_deref().and_then(|header| HeaderName::try_from(header).ok());
            (header.ok_or_else(|| unusable("it names no header"))?, secret.to_vec())
        }
        ConnectionKind::HttpBasic => (AUTHORIZATION, [b"Basic ", STANDARD.encode(secret).as_bytes()].concat()),
        ConnectionKind::HmacKey => {
            return Err(unusable("it is a key for signatures; choose one that holds a header or a token"));
        }
        ConnectionKind::Smtp => return Err(unusable("it is a mail server")),
        ConnectionKind::Postgres => return Err(unusable("it is a database")),
    };
    let mut value = HeaderValue::from_bytes(&bytes).map_err(|_| unusable("its secret cannot stand in a header"))?;
    value.set_sensitive(true);
    prepared.headers.insert(header, value);
    prepared.hosts.clone_from(&connection.hosts);
    Ok(())
}

fn unsent(error: &EgressError, prepared: &Prepared) -> NodeError {
    // Why first: lists and cards show the beginning of it.
    let unknown = prepared.once && leaves_open(error);
    let code = if unknown { "outcome_unknown" } else { error.code };
    let mut failed = NodeError::new(code, format!("{} ({})", error.message, prepared.shown()));
    failed.retryable = error.retryable && !unknown;
    failed.detail = Value::map([("url", Value::from(prepared.place()))]);
    failed
}
