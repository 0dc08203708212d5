//! Signs what is sent as Standard Webhooks says, which is what a webhook trigger with the scheme `standard` checks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holon_model::Timestamp;
use holon_platform::crypto::hmac_sha256;

/// `webhook-timestamp` and `webhook-signature`; none when the key is not what `whsec_` promises.
pub fn signed(key: &[u8], id: &str, now: Timestamp, body: &[u8]) -> Option<(String, String)> {
    let key = match std::str::from_utf8(key).ok().and_then(|text| text.trim().strip_prefix("whsec_")) {
        Some(encoded) => STANDARD.decode(encoded).ok()?,
        None => key.to_vec(),
    };
    let at = now.0.div_euclid(1000).to_string();
    let mac = hmac_sha256(&key, &[id.as_bytes(), b".", at.as_bytes(), b".", body]);
    Some((at, format!("v1,{}", STANDARD.encode(mac))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::Value;

    #[test]
    fn a_webhook_of_ours_accepts_what_is_signed_here_and_nothing_else() {
        let scheme = Value::map([("scheme", Value::from("standard"))]);
        let config = Value::map([("auth", Value::map([("hmac", scheme)]))]);
        let now = Timestamp(1_795_250_000_000);
        for key in [&b"a key"[..], b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            let (at, signature) = signed(key, "firing_1", now, b"{}").unwrap();
            let verify = |body: &[u8], key: &[u8]| {
                let header = |name: &str| match name {
                    "webhook-id" => Some("firing_1".to_owned()),
                    "webhook-timestamp" => Some(at.clone()),
                    "webhook-signature" => Some(signature.clone()),
                    _ => None,
                };
                holon_cap_triggers::verify(&config, &header, body, key, now).is_ok()
            };
            assert!(verify(b"{}", key));
            assert!(!verify(b"{ }", key));
            assert!(!verify(b"{}", b"another key"));
        }
        assert!(signed(b"whsec_not base64", "x", now, b"").is_none());
    }
}
