//! One request and its answer on one connection, within limits of size and time.

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::dial::Stream;
use super::policy::Target;
use super::room::{Held, Share};
use super::{EgressError, EgressRequest};

/// Bytes of the answer's headers.
const MOST_HEADER_BYTES: usize = 64 << 10;
/// Memory for an answer that does not say how large it is.
const AT_FIRST: usize = 64 << 10;

/// Removes what belongs to the connection and not to the caller.
pub(super) fn strip_connection_headers(headers: &mut HeaderMap) {
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
    for name in [
        HOST,
        CONNECTION,
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        TE,
        TRAILER,
        UPGRADE,
        EXPECT,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
    ] {
        headers.remove(name);
    }
}

pub(super) async fn exchange(
    stream: Box<dyn Stream>,
    target: &Target,
    request: &EgressRequest,
    share: &Share,
) -> Result<(StatusCode, HeaderMap, Bytes, Held), EgressError> {
    let lost = |e: hyper::Error| {
        let code = if e.is_parse() { "bad_response" } else { "connection_lost" };
        EgressError::failed(code, format!("{}: {}", target.authority(), full_text(&e)))
    };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MOST_HEADER_BYTES)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(lost)?;
    // Ends with this function: a cancelled effect closes its connection.
    let _driver = AbortOnDrop(tokio::spawn(async move {
        if let Err(e) = connection.await {
            tracing::trace!(error = %e, "outbound connection ended");
        }
    }));

    let sent = sender.send_request(build(target, request)?);
    let response = tokio::time::timeout(request.limits.first_byte, sent).await.map_err(|_| {
        EgressError::failed(
            "timeout",
            format!("{} did not answer within {} s", target.authority(), request.limits.first_byte.as_secs_f32()),
        )
    })?;
    let (parts, mut body) = response.map_err(lost)?.into_parts();

    let most = request.limits.body;
    let too_large = || EgressError::refused("response_too_large", format!("the answer is larger than {most} bytes"));
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    // What it says it has at once; what it does not say as it comes.
    let said = usize::try_from(body.size_hint().lower()).unwrap_or(most);
    let mut held = share.take(said.max(AT_FIRST).min(most)).await;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(lost)?.into_data() {
            if whole.len() + data.len() > most {
                return Err(too_large());
            }
            let size = whole.len() + data.len();
            let wanted = (held.bytes() * 2).min(most).max(size);
            if size > held.bytes() && !share.grow(&mut held, wanted) {
                let busy = "the server is reading too many answers at the moment; try again";
                return Err(EgressError::failed("busy", busy));
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok((parts.status, parts.headers, whole.freeze(), held))
}

fn build(target: &Target, request: &EgressRequest) -> Result<Request<Full<Bytes>>, EgressError> {
    let bad = |e: &dyn std::fmt::Display| EgressError::refused("bad_header", format!("the request is not valid: {e}"));
    let mut built = Request::builder()
        .method(request.method.clone())
        .uri(target.path_and_query())
        .body(Full::new(request.body.clone()))
        .map_err(|e| bad(&e))?;
    let headers = built.headers_mut();
    *headers = request.headers.clone();
    headers.insert(HOST, HeaderValue::try_from(target.authority()).map_err(|e| bad(&e))?);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(concat!("holon/", env!("CARGO_PKG_VERSION"))));
    // Nothing is decompressed here, so nothing can be a decompression bomb.
    headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    Ok(built)
}

/// hyper's own text is short ("connection error"); the cause says more.
fn full_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        text = format!("{text}: {e}");
        cause = e.source();
    }
    text
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
