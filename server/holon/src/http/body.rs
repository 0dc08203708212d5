//! Bodies: read within a limit and a time, checked for their type, and turned into what a route wants or into an
//! error that says where it is wrong.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use holon_model::json::{self, JsonError};
use holon_model::{Code, Problem, Value};
use holon_runtime::MOST_PAYLOAD;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use super::ApiError;

/// The most that a route reads unless it says otherwise.
pub const MOST: usize = 1 << 20;
/// The most of a definition, and of what may hold one: as large as a definition may be.
pub const DEFINITION: usize = 16 << 20;
/// The most of what carries a payload for a run, with some room for what stands around it.
pub const PAYLOAD: usize = MOST_PAYLOAD + (64 << 10);
/// How much of a body that is too large is still taken in, so that the sender reads the answer instead of meeting a
/// closed connection.
const MOST_DRAINED: usize = 64 << 20;
/// A body that takes longer is given up.
const WITHIN: Duration = Duration::from_secs(30);

/// A JSON body of at most `LIMIT` bytes as a type.
#[derive(Debug, Clone)]
pub struct JsonBody<T, const LIMIT: usize = { MOST }>(pub T);

/// A JSON body of at most `LIMIT` bytes as a value, with exact numbers: definitions and what runs are told.
#[derive(Debug, Clone)]
pub struct ValueBody<const LIMIT: usize>(pub Value);

/// Reads a whole body of at most `most` bytes.
///
/// # Errors
/// `payload_too_large`; `invalid_request` when it does not arrive.
pub async fn read_body(body: Body, most: usize) -> Result<Bytes, ApiError> {
    tokio::time::timeout(WITHIN, collect(body, most)).await.unwrap_or_else(|_| {
        let detail = format!("The body did not arrive within {} seconds.", WITHIN.as_secs());
        Err(Problem::new(Code::InvalidRequest, detail).into())
    })
}

fn unread(error: &JsonError) -> Problem {
    Problem::new(Code::InvalidJson, format!("{error}.")).with_field(error.pointer.clone(), error.message.clone())
}

/// Values inside of a body read as those of Holon's own texts do, which may name blobs: somebody else's may not.
fn names_no_blob(bytes: &[u8]) -> Result<(), ApiError> {
    // The name as it stands or with a letter of it escaped: hardly any body has either, and needs to be read twice.
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if !["$blob", r"\u0024", r"\u006"].iter().any(|part| text.contains(part)) {
        return Ok(());
    }
    json::parse_foreign(bytes).map(drop).map_err(|error| unread(&error).into())
}

async fn collect(mut body: Body, most: usize) -> Result<Bytes, ApiError> {
    let mut whole = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|e| Problem::new(Code::InvalidRequest, format!("The body broke off before its end: {e}.")))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > MOST_DRAINED {
            break;
        }
        if seen <= most {
            whole.extend_from_slice(&data);
        }
    }
    if seen > most {
        let detail = format!("The body has {seen} bytes or more; this address reads at most {most}.");
        return Err(Problem::new(Code::PayloadTooLarge, detail).into());
    }
    Ok(whole.freeze())
}

impl<T: DeserializeOwned, S: Send + Sync, const LIMIT: usize> FromRequest<S> for JsonBody<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        check_json(request.headers())?;
        let bytes = read_body(request.into_body(), LIMIT).await?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => names_no_blob(&bytes).map(|()| Self(value)),
            Err(error) => Err(located::<T>(&bytes, &error).into()),
        }
    }
}

/// A body that may be left out.
impl<T: DeserializeOwned, S: Send + Sync, const LIMIT: usize> OptionalFromRequest<S> for JsonBody<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

impl<S: Send + Sync, const LIMIT: usize> FromRequest<S> for ValueBody<LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        check_json(request.headers())?;
        let bytes = read_body(request.into_body(), LIMIT).await?;
        json::parse_foreign(&bytes).map(Self).map_err(|error| unread(&error).into())
    }
}

/// A body that may be left out.
impl<S: Send + Sync, const LIMIT: usize> OptionalFromRequest<S> for ValueBody<LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

fn check_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")) {
        return Ok(());
    }
    let said = if kind.is_empty() { "nothing".to_owned() } else { format!("`{kind}`") };
    let detail = format!("This address reads JSON; the `Content-Type` says {said}. Send `application/json`.");
    Err(Problem::new(Code::UnsupportedMediaType, detail).into())
}

/// What is wrong with a body, and where. Read again only when it is wrong, so that right ones cost nothing.
fn located<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if bytes.is_empty() {
        return Problem::new(Code::InvalidJson, "The body is empty; a JSON object is expected.");
    }
    if std::str::from_utf8(bytes).is_err() {
        return Problem::new(Code::InvalidJson, "The body is not UTF-8 text.");
    }
    if !error.is_data() {
        return Problem::new(Code::InvalidJson, format!("{error}."));
    }
    let again = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(bytes));
    let pointer = match &again {
        Err(at) => pointer(at.path()),
        Ok(_) => String::new(),
    };
    Problem::new(Code::ValidationFailed, format!("{error}.")).with_field(pointer, error.to_string())
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}
