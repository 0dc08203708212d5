//! Tokens: opaque, 256 bits, stored as a hash. API tokens carry a prefix (found by secret scanners) and a checksum
//! (a mistyped one is refused without a look-up).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Secret, random_bytes, sha256};

const PREFIX: &str = "holon_pat_";
const CHECK_BYTES: usize = 4;
const SECRET_BYTES: usize = 32;

/// A random token of 256 bits as 43 characters of base64url.
#[must_use]
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<SECRET_BYTES>())
}

/// How any token is stored.
#[must_use]
pub fn hash_token(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}

/// Not a personal API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a personal API token of the form holon_pat_…")]
pub struct TokenError;

/// A personal API token in clear: shown once, when it is made.
#[derive(Clone, Debug)]
pub struct ApiToken(Secret);

impl ApiToken {
    /// Makes a new one.
    #[must_use]
    pub fn generate() -> Self {
        let body = random_bytes::<SECRET_BYTES>();
        let mut bytes = body.to_vec();
        bytes.extend_from_slice(&sha256(&body)[..CHECK_BYTES]);
        Self(Secret::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Reads one, checking prefix and checksum.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(TokenError)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenError)?;
        if bytes.len() != SECRET_BYTES + CHECK_BYTES {
            return Err(TokenError);
        }
        let (body, check) = bytes.split_at(SECRET_BYTES);
        if &sha256(body)[..CHECK_BYTES] != check {
            return Err(TokenError);
        }
        Ok(Self(Secret::new(text)))
    }

    /// The text, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_str().unwrap_or_default()
    }

    /// How it is stored.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.expose())
    }

    /// Its first characters, so that a person recognises it in a list.
    #[must_use]
    pub fn hint(&self) -> String {
        self.expose().chars().take(PREFIX.len() + 4).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_a_mistyped_one_does_not() {
        let token = ApiToken::generate();
        assert_eq!(ApiToken::parse(token.expose()).unwrap().hash(), token.hash());
        let mut typo = token.expose().to_owned();
        let last = if typo.ends_with('A') { 'B' } else { 'A' };
        typo.replace_range(12..13, if &typo[12..13] == "x" { "y" } else { "x" });
        assert!(ApiToken::parse(&typo).is_err());
        assert!(ApiToken::parse(&format!("{}{last}", token.expose())).is_err());
        assert!(ApiToken::parse("holon_pat_").is_err());
        assert!(ApiToken::parse("").is_err());
    }

    #[test]
    fn random_tokens_differ() {
        assert_ne!(random_token(), random_token());
        assert_eq!(random_token().len(), 43);
    }
}
