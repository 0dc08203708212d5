//! Names under which secrets travel. What says that one stands in a definition and what keeps one from getting there read
//! the same lists.

/// What names of request headers have in them that prove who asks; a cookie is known by its whole name.
const HEADERS: &[&str] = &[
    "authorization",
    "api-key",
    "api_key",
    "apikey",
    "access-key",
    "access-token",
    "auth-key",
    "auth-token",
    "functions-key",
    "master-key",
    "private-token",
    "secret",
    "security-token",
    "subscription-key",
    "vault-token",
    "password",
];

/// Fields that hold secrets wherever they are named so.
const FIELDS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "x-auth-token",
    "api-key",
    "api_key",
    "apikey",
    "access_token",
    "client_secret",
    "password",
    "passwd",
    "private_key",
    "secret",
];

/// Whether a request header of this name holds a secret, whatever its case.
pub fn is_secret_header(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    name == "cookie" || HEADERS.iter().any(|part| name.contains(part))
}

/// Whether a field of this name seems to hold a secret, whatever its case.
pub fn is_secret_field(name: &str) -> bool {
    FIELDS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// An address without the name and password in it, if it has a password: `https://name:password@host`. What an expression
/// gives is no secret of the flow.
pub fn without_password(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (user, host) = rest[..end].rsplit_once('@')?;
    (user.contains(':') && !user.contains("{{")).then(|| format!("{scheme}://{host}{}", &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_prove_who_asks_are_known_and_others_are_not() {
        for name in [
            "Authorization",
            "Proxy-Authorization",
            "COOKIE",
            "X-Api-Key",
            "X-Acme-ApiKey",
            "PRIVATE-TOKEN",
            "X-Shopify-Access-Token",
            "Ocp-Apim-Subscription-Key",
        ] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in ["Accept", "Content-Type", "Idempotency-Key", "X-Atlassian-Token", "Cookie-Consent", "X-Trace"] {
            assert!(!is_secret_header(name), "{name}");
        }
    }

    #[test]
    fn a_password_goes_out_of_an_address_with_its_name() {
        let without = |address: &str| without_password(address);
        assert_eq!(without("https://me:s@cret@e.com/a?b=c@d:e").as_deref(), Some("https://e.com/a?b=c@d:e"));
        for address in ["https://e.com/a:b@c", "https://me@e.com", "https://{{ vars.user }}:x@e.com", "e.com"] {
            assert_eq!(without(address), None, "{address}");
        }
    }
}
