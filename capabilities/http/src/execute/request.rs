//! From evaluated config to one request.

use bytes::Bytes;
use holon_flow::{
    capability::NodeError,
    definition::{duration, names::shown},
};
use holon_model::Value;
use holon_platform::egress::{EgressRequest, Limits, Policy};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION},
};
use std::time::Duration;
use url::{Url, form_urlencoded};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_TIMEOUT: Duration = Duration::from_secs(300);
const DEFAULT_BYTES: i64 = 2 << 20;
/// More than a node can give, which is 2 MiB: a part of it may be all that is wanted.
pub(super) const MAX_BYTES: i64 = 4 << 20;
const MAX_REDIRECTS: u8 = 5;

/// A request that is ready but for its page.
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) hosts: Vec<String>,
    /// Whether it must not be sent a second time when nobody knows what became of it.
    pub(super) once: bool,
    body: Bytes,
    limits: Limits,
    redirects: u8,
    /// Header and value of the idempotency key.
    key: Option<(HeaderName, String)>,
}

impl Prepared {
    pub(super) fn new(config: &Value, key: &str, timeout: Option<Duration>) -> Result<Self, NodeError> {
        let text = |field: &str| config.get(field).and_then(Value::as_str);
        let method = text("method").unwrap_or("GET");
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| bad(&format!("`{}` is not a method", shown(method))))?;
        let mut url = parse_url(text("url").unwrap_or_default())?;
        if let Some(query) = config.get("query").and_then(Value::as_map) {
            for (name, value) in query {
                for one in each_text(value, name)? {
                    url.query_pairs_mut().append_pair(name, &one);
                }
            }
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let body = body(config.get("body"), &mut headers)?;
        for (name, value) in config.get("headers").and_then(Value::as_map).into_iter().flatten() {
            let header = HeaderName::try_from(&**name)
                .map_err(|_| bad(&format!("`{}` is not the name of a header", shown(name))))?;
            // What comes back is not decompressed, so nothing compressed is asked for.
            if header == ACCEPT_ENCODING {
                continue;
            }
            for one in each_text(value, name)? {
                let value = HeaderValue::try_from(one).map_err(|_| {
                    bad(&format!("the header `{name}` has a line break or another character that headers cannot hold"))
                })?;
                headers.insert(header.clone(), value);
            }
        }
        Ok(Self {
            method,
            url,
            key: idempotency(text("idempotency_header").unwrap_or("Idempotency-Key"), key, &headers)?,
            headers,
            hosts: Vec::new(),
            once: text("delivery") == Some("at_most_once"),
            body,
            limits: limits(config, timeout)?,
            redirects: config
                .get("redirects")
                .and_then(Value::as_int)
                .map_or(MAX_REDIRECTS, |most| u8::try_from(most).unwrap_or(MAX_REDIRECTS).min(MAX_REDIRECTS)),
        })
    }

    /// The request for a page; each page but the first has a key of its own.
    pub(super) fn egress(&self, page: u32) -> Result<EgressRequest, NodeError> {
        let mut request = EgressRequest::new(self.method.clone(), self.url.as_str());
        request.headers = self.headers.clone();
        if let Some((header, key)) = &self.key {
            let key = if page == 0 { key.clone() } else { format!("{key}-{page}") };
            let value = HeaderValue::try_from(key).map_err(|_| bad("the idempotency key cannot stand in a header"))?;
            request.headers.insert(header.clone(), value);
        }
        request.body = self.body.clone();
        request.limits = self.limits;
        request.policy = Policy { redirects: self.redirects, hosts: self.hosts.clone(), ..Policy::default() };
        Ok(request)
    }

    /// Sets a query parameter, in place of any of its name.
    pub(super) fn set_query(&mut self, name: &str, value: &str) {
        let kept: Vec<(String, String)> = self
            .url
            .query_pairs()
            .filter(|(known, _)| known != name)
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        self.url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
    }

    /// Makes it a request for this address, which an answer named. What is meant for one origin does not go to another one.
    pub(super) fn follow(&mut self, next: Url) {
        if next.origin() != self.url.origin() {
            let secret = self.headers.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, _)| name.clone());
            let secret: Vec<HeaderName> = secret.chain([AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION]).collect();
            for name in secret {
                self.headers.remove(name);
            }
        }
        self.url = next;
    }

    /// Method and place, for messages: without the query, which may hold what not everyone should read.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.method, self.place())
    }

    /// The address without query and fragment.
    pub(super) fn place(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let _ = url.set_password(None);
        shown(url.as_str())
    }
}

pub(super) fn bad(message: &str) -> NodeError {
    NodeError::new("bad_request", message)
}

fn parse_url(text: &str) -> Result<Url, NodeError> {
    let url = Url::parse(text.trim())
        .map_err(|error| NodeError::new("bad_url", format!("`{}` is not an address: {error}", shown(text))))?;
    if url.cannot_be_a_base() {
        return Err(NodeError::new(
            "bad_url",
            format!("`{}` is not an address that can be called; use https", shown(text)),
        ));
    }
    Ok(url)
}

fn idempotency(header: &str, key: &str, given: &HeaderMap) -> Result<Option<(HeaderName, String)>, NodeError> {
    if header.is_empty() {
        return Ok(None);
    }
    let name =
        HeaderName::try_from(header).map_err(|_| bad(&format!("`{}` is not the name of a header", shown(header))))?;
    Ok((!given.contains_key(&name)).then(|| (name, key.to_owned())))
}

/// The texts of a scalar or of a list of scalars; none for null.
fn each_text(value: &Value, name: &str) -> Result<Vec<String>, NodeError> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::List(items) => {
            let mut texts = Vec::with_capacity(items.len());
            for item in items.iter() {
                texts.extend(one_text(item, name)?);
            }
            Ok(texts)
        }
        other => Ok(one_text(other, name)?.into_iter().collect()),
    }
}

fn one_text(value: &Value, name: &str) -> Result<Option<String>, NodeError> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Str(text) => text.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Int(_) | Value::Bool(_) => value.to_json(),
        other => {
            return Err(bad(&format!(
                "`{}` is a {}; only text, numbers and booleans can be sent there",
                shown(name),
                other.type_name()
            )));
        }
    }))
}

fn body(body: Option<&Value>, headers: &mut HeaderMap) -> Result<Bytes, NodeError> {
    let Some(map) = body.and_then(Value::as_map) else { return Ok(Bytes::new()) };
    let (media, bytes) = if let Some(json) = map.get("json") {
        ("application/json", json.to_json().into_bytes())
    } else if let Some(form) = map.get("form").and_then(Value::as_map) {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form {
            for one in each_text(value, name)? {
                pairs.append_pair(name, &one);
            }
        }
        ("application/x-www-form-urlencoded", pairs.finish().into_bytes())
    } else {
        let text = match map.get("text") {
            None | Some(Value::Null) => String::new(),
            Some(Value::Str(text)) => text.to_string(),
            Some(other) => other.to_json(),
        };
        (map.get("content_type").and_then(Value::as_str).unwrap_or("text/plain; charset=utf-8"), text.into_bytes())
    };
    let media = HeaderValue::try_from(media).map_err(|_| bad("the content type cannot stand in a header"))?;
    headers.insert(CONTENT_TYPE, media);
    Ok(bytes.into())
}

fn limits(config: &Value, policy: Option<Duration>) -> Result<Limits, NodeError> {
    let own = match config.get("timeout").filter(|value| !value.is_null()) {
        Some(value) => Duration::from_millis(duration::parse(value).map_err(|message| bad(&message))?.0),
        None => DEFAULT_TIMEOUT,
    };
    let total = own.min(policy.unwrap_or(MAX_TIMEOUT)).clamp(Duration::from_millis(1), MAX_TIMEOUT);
    let bytes = config.get("max_bytes").and_then(Value::as_int).unwrap_or(DEFAULT_BYTES).clamp(1, MAX_BYTES);
    let body = usize::try_from(bytes).unwrap_or(usize::MAX);
    let connect = Limits::default().connect.min(total);
    Ok(Limits { connect, first_byte: total, total, body })
}
