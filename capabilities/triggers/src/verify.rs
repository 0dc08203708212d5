//! Signatures of webhooks: HMAC-SHA256 over the raw bytes, in the forms that senders use. Compared in constant time.
//!
//! GitHub: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>;
//! Standard Webhooks: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use holon_model::{Timestamp, Value};
use sha2::Sha256;

/// How far the clock of a Standard Webhooks sender may be off, in milliseconds: what its specification recommends.
const TOLERANCE: u64 = 5 * 60 * 1000;
/// Signatures looked at in one header; senders that rotate keys send a few.
const MAX_SIGNATURES: usize = 8;

/// Why a request is not accepted. Senders are told no more than "the signature is missing or wrong".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A header that must be there is not.
    #[error("the header `{0}` is missing")]
    Missing(String),
    /// The signature is not of the form that the scheme has.
    #[error("the signature in `{0}` cannot be read")]
    Malformed(String),
    /// The signature belongs to another body or another key.
    #[error("the signature is wrong")]
    Wrong,
    /// The delivery was signed too long ago or in the future.
    #[error("the delivery was signed at another time than now")]
    Stale,
    /// The key cannot be used.
    #[error("the key is not one for this scheme")]
    BadKey,
    /// The config is not that of a webhook.
    #[error("the config of the webhook cannot be read: {0}")]
    BadConfig(&'static str),
}

/// The name of the connection whose secret [`verify`] needs; `None` when the webhook asks for no signature.
pub fn hmac_connection(config: &Value) -> Option<&str> {
    config.pointer("/auth/hmac/connection").and_then(Value::as_str)
}

/// Checks a request against a webhook's config. `header` gives a header's value by its name in small letters; `body` is
/// the raw body; `now` is the host's clock. Accepts everything when the config asks for no signature.
///
/// # Errors
/// Why the request is not accepted.
pub fn verify(
    config: &Value,
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
    secret: &[u8],
    now: Timestamp,
) -> Result<(), VerifyError> {
    let auth = match config.get("auth") {
        None => return Ok(()),
        Some(auth) if auth.as_str() == Some("none") => return Ok(()),
        Some(auth) => auth.get("hmac").ok_or(VerifyError::BadConfig("`auth` is neither `none` nor `hmac`"))?,
    };
    let named = auth.get("header").and_then(Value::as_str).unwrap_or("X-Signature");
    match auth.get("scheme").and_then(Value::as_str).unwrap_or("hex") {
        "hex" => check(secret, body, &unhex(&read(header, named)?).ok_or_else(|| malformed(named))?),
        "base64" => {
            let text = read(header, named)?;
            check(secret, body, &STANDARD.decode(without_prefix(&text)).map_err(|_| malformed(named))?)
        }
        "github" => {
            let name = "X-Hub-Signature-256";
            let text = read(header, name)?;
            let hex = text.strip_prefix("sha256=").ok_or_else(|| malformed(name))?;
            check(secret, body, &unhex(hex).ok_or_else(|| malformed(name))?)
        }
        "standard" => standard(header, body, secret, now),
        _ => Err(VerifyError::BadConfig("`scheme` is not one that is known")),
    }
}

/// Standard Webhooks: the signed content is `id.timestamp.body`, the key is base64 after `whsec_`.
fn standard(
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
    secret: &[u8],
    now: Timestamp,
) -> Result<(), VerifyError> {
    let (id, at) = (read(header, "webhook-id")?, read(header, "webhook-timestamp")?);
    let signatures = read(header, "webhook-signature")?;
    let sent = at.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1000));
    let sent = Timestamp(sent.ok_or_else(|| malformed("webhook-timestamp"))?);
    if now.since(sent).0.max(sent.since(now).0) > TOLERANCE {
        return Err(VerifyError::Stale);
    }
    let key = match std::str::from_utf8(secret).ok().and_then(|text| text.trim().strip_prefix("whsec_")) {
        Some(encoded) => STANDARD.decode(encoded).map_err(|_| VerifyError::BadKey)?,
        None => secret.to_vec(),
    };
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
    let mut readable = false;
    for signature in signatures.split(' ').filter_map(|part| part.strip_prefix("v1,")).take(MAX_SIGNATURES) {
        if let Ok(bytes) = STANDARD.decode(signature) {
            readable = true;
            if check(&key, &signed, &bytes).is_ok() {
                return Ok(());
            }
        }
    }
    Err(if readable { VerifyError::Wrong } else { malformed("webhook-signature") })
}

fn check(key: &[u8], signed: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
    if key.is_empty() {
        return Err(VerifyError::BadKey);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| VerifyError::BadKey)?;
    mac.update(signed);
    mac.verify_slice(signature).map_err(|_| VerifyError::Wrong)
}

fn read(header: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<String, VerifyError> {
    header(&name.to_ascii_lowercase())
        .map(|value| value.trim().to_owned())
        .ok_or_else(|| VerifyError::Missing(name.into()))
}

fn malformed(name: &str) -> VerifyError {
    VerifyError::Malformed(name.into())
}

/// Many senders write `sha256=…`; base64's own `=` only ends a text.
fn without_prefix(text: &str) -> &str {
    text.strip_prefix("sha256=").unwrap_or(text)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = without_prefix(text).as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > 128 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    digits.chunks_exact(2).map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::{canon::hex, json};

    fn config(hmac: &str) -> Value {
        json::parse(format!(r#"{{"auth":{{"hmac":{hmac}}}}}"#).as_bytes()).unwrap()
    }

    fn sign(key: &[u8], body: &[u8]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(body);
        mac.finalize().into_bytes().to_vec()
    }

    fn ask(config: &Value, headers: &[(&str, &str)], body: &[u8], key: &[u8], now: i64) -> Result<(), VerifyError> {
        let header =
            |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        verify(config, &header, body, key, Timestamp(now))
    }

    #[test]
    fn githubs_own_example_is_accepted_and_a_changed_body_is_not() {
        // From GitHub's documentation of the header.
        let (key, body) = (b"It's a Secret to Everybody", b"Hello, World!");
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let config = config(r#"{"connection":"k","scheme":"github"}"#);
        let headers = [("x-hub-signature-256", signature)];
        assert_eq!(ask(&config, &headers, body, key, 0), Ok(()));
        assert_eq!(ask(&config, &headers, b"Hello, World?", key, 0), Err(VerifyError::Wrong));
        assert_eq!(ask(&config, &headers, body, b"other", 0), Err(VerifyError::Wrong));
        assert_eq!(ask(&config, &[], body, key, 0), Err(VerifyError::Missing("X-Hub-Signature-256".into())));
        for bad in ["sha1=00", "sha256=xy", "sha256=abc", "sha256=é"] {
            let headers = [("x-hub-signature-256", bad)];
            assert!(matches!(ask(&config, &headers, body, key, 0), Err(VerifyError::Malformed(_))), "{bad}");
        }
        // A prefix of the right signature is not enough.
        assert_eq!(ask(&config, &[("x-hub-signature-256", &signature[..27])], body, key, 0), Err(VerifyError::Wrong));
        assert_eq!(ask(&config, &[("x-hub-signature-256", "sha256=")], body, key, 0), Err(VerifyError::Wrong));
    }

    #[test]
    fn the_example_of_standard_webhooks_is_accepted_in_its_time_only() {
        // From the reference libraries' tests of the specification.
        let (key, body) = (b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", br#"{"test": 2432232314}"#);
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,aGVsbG8= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ];
        let config = config(r#"{"connection":"k","scheme":"standard"}"#);
        let now = 1_614_265_330_000;
        assert_eq!(ask(&config, &headers, body, key, now), Ok(()));
        assert_eq!(ask(&config, &headers, body, key, now + 299_000), Ok(()));
        assert_eq!(ask(&config, &headers, body, key, now + 301_000), Err(VerifyError::Stale));
        assert_eq!(ask(&config, &headers, body, key, now - 301_000), Err(VerifyError::Stale));
        assert_eq!(ask(&config, &headers, b"{}", key, now), Err(VerifyError::Wrong));
        assert_eq!(ask(&config, &headers, body, b"whsec_!!", now), Err(VerifyError::BadKey));
    }

    #[test]
    fn the_generic_forms_read_hex_and_base64_from_a_header_of_any_name() {
        let (key, body) = (b"key".as_slice(), b"body".as_slice());
        let signature = sign(key, body);
        let text = hex(&signature);
        let hexed = config(r#"{"connection":"k","header":"X-Sig"}"#);
        for value in [text.clone(), text.to_uppercase(), format!("sha256={text}")] {
            assert_eq!(ask(&hexed, &[("x-sig", &value)], body, key, 0), Ok(()));
        }
        assert_eq!(ask(&hexed, &[("x-sig", &text)], body, b"", 0), Err(VerifyError::BadKey));
        let based = config(r#"{"connection":"k","header":"X-Sig","scheme":"base64"}"#);
        assert_eq!(ask(&based, &[("x-sig", &STANDARD.encode(&signature))], body, key, 0), Ok(()));
        assert_eq!(ask(&based, &[("x-sig", &text)], body, key, 0), Err(VerifyError::Wrong));
    }

    #[test]
    fn a_webhook_without_a_key_accepts_and_an_unknown_scheme_does_not() {
        let none = json::parse(br#"{"auth":"none"}"#).unwrap();
        assert_eq!(ask(&none, &[], b"", b"", 0), Ok(()));
        assert_eq!(hmac_connection(&none), None);
        let odd = config(r#"{"connection":"k","scheme":"rot13"}"#);
        assert!(matches!(ask(&odd, &[], b"", b"k", 0), Err(VerifyError::BadConfig(_))));
        assert_eq!(hmac_connection(&odd), Some("k"));
    }
}
