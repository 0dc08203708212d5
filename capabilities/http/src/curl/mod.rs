//! A cURL command as the config of `http.request`: what documentation and browsers' "copy as cURL" give.
//!
//! Everything that changes the request is understood or refused by name; nothing is dropped in silence except what only
//! concerns curl's own output. Secrets are left out by name: a definition is copied, exported and shown to everyone who may
//! read it, and saved as it is typed.

mod words;

use holon_flow::{
    capability::Imported,
    definition::names::shown,
    secrets::{is_secret_header, without_password},
};
use holon_model::{Map, Value, json};

/// Why a command cannot become a config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurlError {
    /// The text is not a cURL command.
    #[error("this is not a cURL command: it starts with `curl`")]
    NotCurl,
    /// It is not well formed.
    #[error("the command cannot be read: {0}")]
    Malformed(&'static str),
    /// An option lacks its value.
    #[error("`{0}` needs a value")]
    MissingValue(String),
    /// An option that means something which cannot be kept.
    #[error("`{0}` cannot be taken over: {1}")]
    Refused(String, &'static str),
    /// An option that is not known.
    #[error("the option `{0}` is not known here; remove it from the command")]
    UnknownOption(String),
    /// There is no address, or more than one.
    #[error("{0}")]
    Address(&'static str),
}

/// What pasting offers: `None` for text that is no cURL command.
pub(crate) fn import(text: &str) -> Option<Result<Imported, String>> {
    match from_curl(text) {
        Err(CurlError::NotCurl) => None,
        other => Some(other.map_err(|error| error.to_string())),
    }
}

/// Options with a value that do not change what is asked for.
const IGNORED_WITH_VALUE: &[&str] = &[
    "-o",
    "--output",
    "-w",
    "--write-out",
    "--connect-timeout",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "-D",
    "--dump-header",
    "--stderr",
    "--trace",
    "--trace-ascii",
    "--limit-rate",
    "-c",
    "--cookie-jar",
    "--max-filesize",
];
/// Options without a value that do not change what is asked for.
const IGNORED: &[&str] = &[
    "-s",
    "--silent",
    "-S",
    "--show-error",
    "-v",
    "--verbose",
    "-i",
    "--include",
    "--show-headers",
    "--compressed",
    "-#",
    "--progress-bar",
    "--no-progress-meter",
    "-O",
    "--remote-name",
    "-J",
    "--remote-header-name",
    "-N",
    "--no-buffer",
    "--http1.1",
    "--http2",
    "--http2-prior-knowledge",
    "--tlsv1.2",
    "--tlsv1.3",
    "-4",
    "--ipv4",
    "-6",
    "--ipv6",
    "--no-keepalive",
    "--globoff",
    "-g",
    "-f",
    "--fail",
    "--fail-with-body",
    "--path-as-is",
    "-q",
    "--disable",
    "--http1.0",
    "--tr-encoding",
    "--raw",
];
const FILES: &str = "files are not read; paste the content";
const ROAD: &str = "requests leave through the server's own road";

#[derive(Default)]
struct Request {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    json: bool,
    query: bool,
    head: bool,
    follow: Option<i64>,
    timeout: Option<i64>,
    left_out: Vec<String>,
}

/// The config of `http.request` that does what the command does, but for its secrets.
///
/// # Errors
/// What cannot be read or taken over.
pub fn from_curl(text: &str) -> Result<Imported, CurlError> {
    let text = text.trim();
    let text = text.strip_prefix("$ ").unwrap_or(text);
    let first = text.split_whitespace().next().unwrap_or_default();
    if !matches!(first, "curl" | "curl.exe") {
        return Err(CurlError::NotCurl);
    }
    let mut words = words::split(text).map_err(CurlError::Malformed)?.into_iter().skip(1);
    let mut request = Request::default();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            match long.split_once('=') {
                Some((name, value)) => request.option(&format!("--{name}"), &mut std::iter::once(value.to_owned()))?,
                None => request.option(&word, &mut words)?,
            }
        } else if let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) {
            request.flags(flags, &mut words)?;
        } else if request.url.replace(word).is_some() {
            return Err(CurlError::Address(
                "there is more than one address in the command; quote addresses with `&` in them",
            ));
        }
    }
    request.config()
}

impl Request {
    /// `-sSL`, `-XPOST`, `-d body`: flags run together, the last may have its value behind it.
    fn flags(&mut self, flags: &str, words: &mut dyn Iterator<Item = String>) -> Result<(), CurlError> {
        for (at, flag) in flags.char_indices() {
            let option = format!("-{flag}");
            let rest = &flags[at + flag.len_utf8()..];
            if takes_value(&option) && !rest.is_empty() {
                return self.option(&option, &mut std::iter::once(rest.to_owned()));
            }
            self.option(&option, words)?;
        }
        Ok(())
    }

    fn option(&mut self, option: &str, words: &mut dyn Iterator<Item = String>) -> Result<(), CurlError> {
        let mut value = || words.next().ok_or_else(|| CurlError::MissingValue(option.to_owned()));
        match option {
            "-X" | "--request" => self.method = Some(value()?.to_ascii_uppercase()),
            "--url" => self.url = Some(value()?),
            "-H" | "--header" => {
                let header = value()?;
                // Compression is between curl and the server; the node asks for none.
                if header.to_ascii_lowercase().starts_with("accept-encoding:") {
                    return Ok(());
                }
                let (name, text) = header.split_once(':').or_else(|| header.split_once(';')).unwrap_or((&header, ""));
                self.header(name, text.trim());
            }
            "-A" | "--user-agent" => {
                let text = value()?;
                self.header("User-Agent", &text);
            }
            "-e" | "--referer" => {
                let text = value()?;
                self.header("Referer", &text);
            }
            "-b" | "--cookie" => {
                let text = value()?;
                if !text.contains('=') {
                    return Err(CurlError::Refused(option.to_owned(), FILES));
                }
                self.header("Cookie", &text);
            }
            "-d" | "--data" | "--data-ascii" | "--data-binary" | "--data-raw" => {
                let text = value()?;
                if text.starts_with('@') && option != "--data-raw" {
                    return Err(CurlError::Refused(format!("{option} {}", shown(&text)), FILES));
                }
                self.data.push(text);
            }
            "--data-urlencode" => {
                let text = value()?;
                let encoded = match text.split_once('=') {
                    Some(("", content)) => escape(content),
                    Some((name, content)) => format!("{name}={}", escape(content)),
                    None if text.contains('@') => return Err(CurlError::Refused(option.to_owned(), FILES)),
                    None => escape(&text),
                };
                self.data.push(encoded);
            }
            "--json" => {
                self.json = true;
                let text = value()?;
                if text.starts_with('@') {
                    return Err(CurlError::Refused(option.to_owned(), FILES));
                }
                self.data.push(text);
            }
            "-G" | "--get" => self.query = true,
            "-I" | "--head" => self.head = true,
            "-L" | "--location" => self.follow = self.follow.or(Some(5)),
            "--max-redirs" => self.follow = value()?.parse::<i64>().ok().map(|most| most.clamp(0, 5)),
            "-m" | "--max-time" => {
                self.timeout = value()?.parse::<f64>().ok().filter(|s| (0.0..=300.0).contains(s)).map(millis)
            }
            "-u" | "--user" | "--oauth2-bearer" => {
                value()?;
                self.leave_out(format!("`{option}`"));
            }
            "-F" | "--form" | "--form-string" => {
                return Err(CurlError::Refused(option.to_owned(), "multipart bodies cannot be sent yet"));
            }
            "-T" | "--upload-file" | "-K" | "--config" => return Err(CurlError::Refused(option.to_owned(), FILES)),
            "-k" | "--insecure" => {
                return Err(CurlError::Refused(option.to_owned(), "certificates are always checked"));
            }
            "-x" | "--proxy" | "--socks5" | "--socks5-hostname" | "--resolve" | "--connect-to" | "--interface"
            | "--unix-socket" => {
                return Err(CurlError::Refused(option.to_owned(), ROAD));
            }
            "-E" | "--cert" | "--key" | "--cacert" => {
                return Err(CurlError::Refused(option.to_owned(), "certificates of clients cannot be sent yet"));
            }
            known if IGNORED.contains(&known) => {}
            known if IGNORED_WITH_VALUE.contains(&known) => {
                value()?;
            }
            unknown => return Err(CurlError::UnknownOption(shown(unknown))),
        }
        Ok(())
    }

    fn leave_out(&mut self, what: String) {
        if !self.left_out.contains(&what) {
            self.left_out.push(what);
        }
    }

    /// A later header replaces an earlier one of its name, whatever its case. One that holds a secret is left out.
    fn header(&mut self, name: &str, value: &str) {
        if is_secret_header(name) && !value.is_empty() {
            return self.leave_out(format!("the header `{}`", shown(name.trim())));
        }
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name.trim()));
        self.headers.push((name.trim().to_owned(), value.to_owned()));
    }

    fn take_header(&mut self, name: &str) -> Option<String> {
        let at = self.headers.iter().position(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(self.headers.remove(at).1)
    }

    fn config(mut self) -> Result<Imported, CurlError> {
        let url = self.url.take().ok_or(CurlError::Address("there is no address in the command"))?;
        let url = if url.contains("://") { url } else { format!("http://{url}") };
        let url = match without_password(&url) {
            None => url,
            Some(rest) => {
                self.leave_out("the name and password in the address".to_owned());
                rest
            }
        };
        let data = (!self.data.is_empty()).then(|| self.data.join("&"));
        let (url, data) = match data {
            Some(data) if self.query => (format!("{url}{}{data}", if url.contains('?') { '&' } else { '?' }), None),
            data => (url, data),
        };
        let method = self.method.take().unwrap_or_else(|| {
            let name = if self.head {
                "HEAD"
            } else if data.is_some() {
                "POST"
            } else {
                "GET"
            };
            name.to_owned()
        });
        if !matches!(method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS") {
            return Err(CurlError::Refused(format!("-X {}", shown(&method)), "the node does not send this method"));
        }
        let mut config = Map::new();
        if let Some(data) = data {
            config.insert("body".into(), self.body(data));
        }
        config.insert("method".into(), method.into());
        config.insert("url".into(), url.into());
        if !self.headers.is_empty() {
            let headers = self.headers.into_iter().map(|(name, value)| (name, Value::from(value)));
            config.insert("headers".into(), Value::map(headers));
        }
        // curl follows no redirects unless it is told to.
        config.insert("redirects".into(), Value::Int(self.follow.unwrap_or(0)));
        if let Some(timeout) = self.timeout {
            config.insert("timeout".into(), Value::Int(timeout));
        }
        Ok(Imported { config: config.into(), left_out: self.left_out })
    }

    /// JSON where the command says so and it is; a form where it is one; else text with its content type.
    fn body(&mut self, data: String) -> Value {
        let named = self.take_header("Content-Type");
        let media = named.as_deref().unwrap_or(if self.json {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        });
        let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence == "application/json"
            && let Ok(value) = json::parse_foreign(data.as_bytes())
        {
            return Value::map([("json", value)]);
        }
        if essence == "application/x-www-form-urlencoded"
            && let Some(form) = form(&data)
        {
            return Value::map([("form", form)]);
        }
        Value::map([("text", Value::from(data.as_str())), ("content_type", media.into())])
    }
}

fn takes_value(option: &str) -> bool {
    matches!(option, "-X" | "-H" | "-A" | "-e" | "-b" | "-d" | "-m" | "-u" | "-F" | "-T" | "-K" | "-x" | "-E")
        || IGNORED_WITH_VALUE.contains(&option)
}

#[expect(clippy::cast_possible_truncation, reason = "0 to 300 seconds were checked")]
fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// `a=1&b=2` as a map; a name that stands twice holds a list.
fn form(data: &str) -> Option<Value> {
    let mut fields = Map::new();
    for pair in data.split('&') {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (unescape(name)?, Value::from(unescape(value)?));
        let both = match fields.remove(name.as_str()) {
            None => value,
            Some(Value::List(before)) => Value::list(before.iter().cloned().chain([value])),
            Some(before) => Value::list([before, value]),
        };
        fields.insert(name.into(), both);
    }
    Some(fields.into())
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push(u8::try_from(digit(rest.next()?)? * 16 + digit(rest.next()?)?).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests;
