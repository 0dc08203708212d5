//! Tokens of links: 256 bits that nobody can guess and the server can make again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holon_model::{LinkId, TenantId};
use holon_platform::crypto::{Keyring, hmac_sha256};

/// Characters of a token.
const LENGTH: usize = 43;

/// The token of a link: the same whenever it is asked for, and under no other tenant's key.
pub fn of(keyring: &Keyring, tenant: TenantId, id: LinkId) -> String {
    let key = keyring.derive(&format!("links of {tenant}"));
    URL_SAFE_NO_PAD.encode(hmac_sha256(&*key, &[b"holon link|", id.as_bytes()]))
}

/// Whether this can be a token at all; anything else is unknown without asking.
pub fn is_token(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_token_is_the_same_again_and_another_one_for_another_link_tenant_or_root_key() {
        let id = |number| Uuid::from_u128(number);
        let root = Keyring::from_bytes([7; 32]);
        let token = of(&root, TenantId(id(1)), LinkId(id(2)));
        assert!(is_token(&token), "{token}");
        assert_eq!(token, of(&root, TenantId(id(1)), LinkId(id(2))));
        assert_ne!(token, of(&root, TenantId(id(1)), LinkId(id(3))));
        assert_ne!(token, of(&root, TenantId(id(3)), LinkId(id(2))));
        assert_ne!(token, of(&Keyring::from_bytes([8; 32]), TenantId(id(1)), LinkId(id(2))));
        for other in ["", "x", &"a".repeat(44), &format!("{}=", &token[..42]), &format!("{}/", &token[..42])] {
            assert!(!is_token(other), "{other}");
        }
    }
}
