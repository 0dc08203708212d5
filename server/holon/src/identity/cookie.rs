//! The session cookie. The public address alone decides its name and whether it is `Secure`: `__Host-` needs https,
//! and on plain http the name carries the port, because cookies ignore ports.

use axum::http::{HeaderMap, HeaderValue, header};
use holon_platform::config::{Config, CookieMode};

/// The token that the request's cookie carries.
pub fn read<'h>(config: &Config, headers: &'h HeaderMap) -> Option<&'h str> {
    let name = config.cookie_name();
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, token)| token)
        .filter(|token| !token.is_empty())
}

/// Sets the cookie for so many seconds; with none, it is removed.
pub fn write(config: &Config, token: Option<&str>, seconds: u64) -> HeaderValue {
    let name = config.cookie_name();
    let secure = if config.cookie_mode() == CookieMode::Host { "; Secure" } else { "" };
    let (token, age) = token.map_or(("", 0), |token| (token, seconds));
    let text = format!("{name}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
