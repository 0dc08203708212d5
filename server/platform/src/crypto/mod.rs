//! Everything cryptographic, so that algorithms and their parameters stand in one place.

mod envelope;
mod passphrase;
mod password;
mod secret;
mod token;

pub use envelope::{Keyring, OpenError, RootKeyError, SecretScope, TenantKey, WrappedKey};
pub use passphrase::PassphraseKey;
pub use password::{PasswordError, PasswordPool};
pub use secret::Secret;
pub use token::{ApiToken, TokenError, hash_token, random_token};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Fills the buffer from the system's random generator.
///
/// # Panics
/// When the system has no randomness to give: nothing safe can be done without it.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
pub fn fill_random(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the system's random generator works: nothing safe can be done without it");
}

/// Bytes from the system's random generator.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

/// `N` random bytes as 2·N hexadecimal digits.
#[must_use]
pub fn random_hex<const N: usize>() -> String {
    random_bytes::<N>().iter().map(|b| format!("{b:02x}")).collect()
}

/// SHA-256. For secrets of full entropy (tokens, session ids) a plain hash is enough (ASVS 6.5.2).
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// HMAC-SHA256 over the parts, one after the other.
#[must_use]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Compares without telling by time where the first difference is. Different lengths are told apart at once.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn hmac_gives_the_digest_of_rfc_4231_case_2() {
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn equal_bytes_compare_equal_and_a_prefix_does_not() {
        assert!(constant_time_eq(b"abc", b"abc"));
        assert!(!constant_time_eq(b"abc", b"abd"));
        assert!(!constant_time_eq(b"abc", b"ab"));
    }
}
