//! What a delivery carries that a sample must not keep: samples travel with their flow, into versions, copies and exports.

use holon_model::{Map, Value};
use std::sync::Arc;

/// What stands there instead.
pub const LEFT_OUT: &str = "(left out)";

/// What names of headers and query parameters have in them that prove who sends: credentials and signatures.
const TELLING: [&str; 14] = [
    "authorization",
    "cookie",
    "api-key",
    "apikey",
    "api_key",
    "auth-key",
    "token",
    "secret",
    "signature",
    "password",
    "credential",
    "session",
    "jwt",
    "x-auth",
];

/// The value of a delivery with [`LEFT_OUT`] in place of what proves who sent it, and the names of what was left out. `config` is the
/// trigger's: the header that its signature is in is one of them, whatever it is called.
pub fn left_out(value: &Value, config: &Value) -> (Value, Vec<String>) {
    let Value::Map(map) = value else { return (value.clone(), Vec::new()) };
    let mut own = Vec::new();
    named(config.get("auth").unwrap_or(&Value::Null), &mut own);
    let is_private = |name: &str| {
        let name = name.to_ascii_lowercase();
        own.contains(&name) || TELLING.iter().any(|part| name.contains(part))
    };
    let (mut whole, mut names) = (Map::clone(map), Vec::new());
    for part in ["headers", "query"] {
        let Some(Value::Map(members)) = whole.get_mut(part) else { continue };
        for (name, value) in Arc::make_mut(members).iter_mut().filter(|(name, _)| is_private(name)) {
            *value = Value::str(LEFT_OUT);
            names.push(name.to_string());
        }
    }
    (Value::from(whole), names)
}

/// Names of headers anywhere in a value, in small letters.
fn named(value: &Value, names: &mut Vec<String>) {
    for (member, value) in value.as_map().into_iter().flatten() {
        match value.as_str().filter(|_| &**member == "header") {
            Some(name) => names.push(name.to_ascii_lowercase()),
            None => named(value, names),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proves_who_sent_a_delivery_is_left_out_and_named() {
        let json = |text: &str| holon_model::json::parse(text.as_bytes()).unwrap();
        let value = json(
            r#"{"method":"POST","headers":{"content-type":"application/json","x-api-key":"s3cret","x-hub-signature-256":"s3cret",
                "x-proof":"s3cret","idempotency-key":"k"},"query":{"access_token":"s3cret","page":"2"},"body":{"token":"mine"}}"#,
        );
        let config = json(
            r#"{"auth":{"hmac":{"connection":"c","scheme":"hex","header":"X-Proof"}},"dedup":{"header":"Idempotency-Key"}}"#,
        );
        let (kept, names) = left_out(&value, &config);
        assert_eq!(names, ["x-api-key", "x-hub-signature-256", "x-proof", "access_token"]);
        assert!(!kept.to_json().contains("s3cret"), "{}", kept.to_json());
        assert_eq!(kept.pointer("/headers/x-api-key"), Some(&Value::str(LEFT_OUT)), "it is there, as in a run");
        assert_eq!(kept.pointer("/headers/idempotency-key"), Some(&Value::str("k")));
        assert_eq!(kept.pointer("/body/token"), Some(&Value::str("mine")), "a body is the sender's words");
        assert_eq!(left_out(&json(r#"{"method":"GET"}"#), &config), (json(r#"{"method":"GET"}"#), Vec::new()));
    }
}
