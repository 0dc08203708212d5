//! One delivery to a webhook: what came over the wire, as the value that its trigger emits.

use axum::http::{HeaderMap, Method, Uri, header};
use bytes::Bytes;
use holon_model::{Code, Map, Problem, Value, json};

/// The largest body, in bytes: what a run's start may carry inline.
pub const MAX_BODY: usize = 2 * 1024 * 1024;

/// Headers that hold credentials: they are for the host, never for a journal.
const PRIVATE: [header::HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];

/// A request as it came, before anything was made of it: signatures are checked on these bytes.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// The raw body.
    pub body: Bytes,
}

impl Delivery {
    /// The header's text, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `{method, path, query, headers, body, content_type}`, as `trigger.webhook` emits it.
    ///
    /// # Errors
    /// A body that is not what its content type says, or of a type that is not read here; with what that `means` behind it.
    pub fn to_value(&self, means: &str) -> Result<Value, Problem> {
        self.read().map_err(|mut problem| {
            problem.detail = format!("{} {means}", problem.detail);
            problem
        })
    }

    fn read(&self) -> Result<Value, Problem> {
        let content_type = self.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        self.check_encoding(content_type)?;
        Ok(Value::map([
            ("method", Value::from(self.method.as_str())),
            ("path", Value::from(self.uri.path())),
            ("query", pairs(self.uri.query().unwrap_or_default().as_bytes(), "query")?),
            ("headers", self.shown_headers()),
            ("body", self.read_body(essence(content_type))?),
            ("content_type", Value::from(content_type)),
        ]))
    }

    /// Texts as they are; bytes that are not UTF-8 as U+FFFD, since headers have no encoding (RFC 9110, 5.5).
    fn shown_headers(&self) -> Value {
        let mut shown = Map::new();
        for name in self.headers.keys().filter(|name| !PRIVATE.contains(name)) {
            let values = self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
            shown.insert(name.as_str().into(), values.collect::<Vec<_>>().join(", ").into());
        }
        Value::from(shown)
    }

    /// Refuses what would be misread: a body that is packed, or written in another alphabet than UTF-8.
    fn check_encoding(&self, content_type: &str) -> Result<(), Problem> {
        let packed = self.header(header::CONTENT_ENCODING.as_str()).map(str::trim);
        if let Some(packed) = packed.filter(|packed| !packed.is_empty() && !packed.eq_ignore_ascii_case("identity")) {
            let detail = format!("The body came with the content encoding `{packed}`. Send it as it is, without one.");
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        let charset = content_type.split(';').skip(1).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        });
        match charset {
            Some(other) if !["utf-8", "utf8", "us-ascii"].iter().any(|known| other.eq_ignore_ascii_case(known)) => {
                let detail = format!("The body came with the charset `{other}`. Send it in UTF-8.");
                Err(Problem::new(Code::UnsupportedMediaType, detail))
            }
            _ => Ok(()),
        }
    }

    fn read_body(&self, essence: &str) -> Result<Value, Problem> {
        if self.body.is_empty() {
            let must = [Method::POST, Method::PUT, Method::PATCH].contains(&self.method);
            if must && (essence == "application/json" || essence.ends_with("+json")) {
                let detail = "The body is empty and its content type says JSON.";
                return Err(Problem::new(Code::InvalidJson, detail).with_field("/body", "is empty"));
            }
            return Ok(Value::Null);
        }
        match essence {
            json if json == "application/json" || json.ends_with("+json") => {
                json::parse_foreign(&self.body).map_err(|error| {
                    Problem::new(Code::InvalidJson, format!("The body does not read as JSON: {error}."))
                        .with_field(format!("/body{}", error.pointer), error.to_string())
                })
            }
            "application/x-www-form-urlencoded" => pairs(&self.body, "body"),
            text if text.starts_with("text/") || text == "application/xml" => match std::str::from_utf8(&self.body) {
                Ok(text) => Ok(Value::from(text)),
                Err(error) => Err(Problem::new(
                    Code::InvalidRequest,
                    format!("The body is not UTF-8 at byte {}.", error.valid_up_to()),
                )),
            },
            "" => Err(unread("no content type")),
            other => Err(unread(&format!("the content type `{other}`"))),
        }
    }
}

fn unread(what: &str) -> Problem {
    Problem::new(
        Code::UnsupportedMediaType,
        format!(
            "The body came with {what}. What is read: JSON (`application/json`, `…+json`), a form \
             (`application/x-www-form-urlencoded`) and text in UTF-8 (`text/…`, `application/xml`). Send files and other \
             bytes as base64 inside of JSON."
        ),
    )
}

/// The content type without its parameters, lower-case.
fn essence(content_type: &str) -> &str {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        // The common ones are compared below as they are written; odd capitals mean the same.
        lower if lower == essence => essence,
        "application/json" => "application/json",
        "application/x-www-form-urlencoded" => "application/x-www-form-urlencoded",
        "text/plain" => "text/plain",
        _ => essence,
    }
}

/// `a=1&b=2&a=3` as `{a: ["1", "3"], b: "2"}`, as <https://url.spec.whatwg.org/#urlencoded-parsing> but for texts that are not
/// UTF-8: they are refused, as everywhere.
fn pairs(bytes: &[u8], place: &str) -> Result<Value, Problem> {
    let mut map = Map::new();
    for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let (key, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        };
        let key = decoded(key).ok_or_else(|| not_utf8(place, "a name in it"))?;
        let value = decoded(value).ok_or_else(|| not_utf8(place, &format!("the value of `{key}`")))?;
        let value = Value::from(value);
        match map.remove(key.as_str()) {
            None => map.insert(key.as_str().into(), value),
            Some(Value::List(items)) => {
                let mut items = (*items).clone();
                items.push(value);
                map.insert(key.as_str().into(), Value::from(items))
            }
            Some(first) => map.insert(key.as_str().into(), Value::list([first, value])),
        };
    }
    Ok(Value::from(map))
}

fn decoded(bytes: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    String::from_utf8(percent_encoding::percent_decode(&spaced).collect()).ok()
}

fn not_utf8(place: &str, what: &str) -> Problem {
    Problem::new(Code::InvalidRequest, format!("The {place} is not UTF-8: {what} has other bytes."))
        .with_field(format!("/{place}"), format!("{what} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(content_type: &str, body: &[u8]) -> Delivery {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        headers.insert(header::AUTHORIZATION, "Bearer canary".parse().unwrap());
        headers.insert("x-event", "push".parse().unwrap());
        let uri = "/hooks/00?a=1&b=2&a=3".parse().unwrap();
        Delivery { method: Method::POST, uri, headers, body: Bytes::copy_from_slice(body) }
    }

    #[test]
    fn a_delivery_becomes_a_value_without_credentials() {
        let value = delivery("Application/JSON; charset=utf-8", br#"{"total": 19.90}"#).to_value("").unwrap();
        assert_eq!(value.pointer("/body/total").unwrap().to_json(), "19.90");
        assert_eq!(value.pointer("/query").unwrap().to_json(), r#"{"a":["1","3"],"b":"2"}"#);
        assert_eq!(value.pointer("/headers/x-event"), Some(&Value::from("push")));
        assert!(!value.to_json().contains("canary"));
    }

    #[test]
    fn a_body_that_is_not_what_it_says_is_refused_with_its_place() {
        let problem = delivery("application/json", br#"{"lines":[1,}"#).to_value("").unwrap_err();
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidJson, "/body/lines/1"));
        let problem = delivery("application/json", b"{\"a\":\"\xff\"}").to_value("").unwrap_err();
        assert_eq!(problem.code, Code::InvalidJson);
        let problem = delivery("application/json", b"123456789012345678901234567890").to_value("").unwrap_err();
        assert!(problem.detail.contains("fit"), "{}", problem.detail);
        let problem = delivery("image/png", b"\x89PNG").to_value("").unwrap_err();
        assert_eq!(problem.code, Code::UnsupportedMediaType);
        assert!(
            problem.detail.contains("`image/png`") && problem.detail.contains("application/xml"),
            "{}",
            problem.detail
        );
        assert_eq!(delivery("text/plain", b"\xff").to_value("").unwrap_err().code, Code::InvalidRequest);
    }

    #[test]
    fn a_body_that_would_be_misread_is_refused_and_says_how_to_send_it() {
        let mut packed = delivery("application/json", b"{}");
        packed.headers.insert("content-encoding", "gzip".parse().unwrap());
        let problem = packed.to_value("No run was started.").unwrap_err();
        assert_eq!(problem.code, Code::UnsupportedMediaType);
        assert!(
            problem.detail.contains("`gzip`") && problem.detail.ends_with("No run was started."),
            "{}",
            problem.detail
        );
        let problem = delivery("text/plain; charset=\"iso-8859-1\"", b"x").to_value("").unwrap_err();
        assert_eq!(problem.code, Code::UnsupportedMediaType);
        assert!(delivery("application/json; charset=UTF-8", b"{}").to_value("").is_ok());
        let problem = delivery("application/json", b"").to_value("").unwrap_err();
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidJson, "/body"));
    }

    #[test]
    fn a_form_is_read_with_its_spaces_and_signs_and_one_that_is_not_utf_8_is_refused() {
        let form = "application/x-www-form-urlencoded";
        let value = delivery(form, b"a=1+2%2B3&%C3%A4=&b&a=4&&=c").to_value("").unwrap();
        assert_eq!(value.pointer("/body").unwrap().to_json(), r#"{"":"c","a":["1 2+3","4"],"b":"","ä":""}"#);
        for bad in [&b"a=%ff"[..], b"a=\xff", b"%ff=1"] {
            let problem = delivery(form, bad).to_value("").unwrap_err();
            assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidRequest, "/body"));
        }
        let mut asked = delivery("text/plain", b"");
        asked.uri = "/hooks/00?q=%ff".parse().unwrap();
        assert_eq!(asked.to_value("").unwrap_err().errors[0].pointer, "/query");
    }
}
