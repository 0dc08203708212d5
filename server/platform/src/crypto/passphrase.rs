//! Keys from passphrases, for files that leave the machine: Argon2id makes the key, AES-256-GCM seals the file part by
//! part, each part numbered so that none can be changed, moved or left out.

use aes_gcm::aead::{Aead as _, KeyInit as _, Nonce, Payload};
use aes_gcm::{Aes256Gcm, Key};
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::{OpenError, Secret};

const KEY: usize = 32;
/// 64 MiB, three passes: a file can be tried without end by whoever has it, so it costs more than a sign-in.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// A key made from a passphrase.
pub struct PassphraseKey(Zeroizing<[u8; KEY]>);

impl PassphraseKey {
    /// Makes the key; takes a good part of a second and 64 MiB.
    ///
    /// # Panics
    /// Never: the parameters are constants that Argon2 accepts.
    #[must_use]
    pub fn new(passphrase: &Secret, salt: &[u8; 16]) -> Self {
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(KEY)).expect("the parameters are within Argon2's limits");
        let mut key = Zeroizing::new([0; KEY]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose(), salt, &mut *key)
            .expect("a salt of 16 bytes and a key of 32 are within Argon2's limits");
        Self(key)
    }

    /// Seals one part of a file. A number must be used once only.
    ///
    /// # Panics
    /// Never: parts are far below the 64 GiB that AES-GCM can seal.
    #[must_use]
    pub fn seal(&self, number: u64, belongs_to: &[u8], plain: &[u8]) -> Vec<u8> {
        self.cipher()
            .encrypt(&nonce(number), Payload { msg: plain, aad: belongs_to })
            .expect("AES-GCM only fails on messages of 64 GiB, and parts are limited far below")
    }

    /// Opens one part.
    ///
    /// # Errors
    /// When the passphrase is another one, or the part was changed or stood elsewhere.
    pub fn open(&self, number: u64, belongs_to: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.cipher().decrypt(&nonce(number), Payload { msg: sealed, aad: belongs_to }).map_err(|_| OpenError)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&Key::<Aes256Gcm>::from(*self.0))
    }
}

fn nonce(number: u64) -> Nonce<Aes256Gcm> {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::<Aes256Gcm>::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_opens_with_its_passphrase_in_its_place_only() {
        let key = PassphraseKey::new(&Secret::new("tangerine boat"), &[1; 16]);
        let sealed = key.seal(7, b"file", b"rows");
        assert_eq!(key.open(7, b"file", &sealed).unwrap(), b"rows");
        assert!(key.open(8, b"file", &sealed).is_err());
        assert!(key.open(7, b"other", &sealed).is_err());
        assert!(key.open(7, b"file", &sealed[..sealed.len() - 1]).is_err());
        let other = PassphraseKey::new(&Secret::new("tangerine goat"), &[1; 16]);
        assert!(other.open(7, b"file", &sealed).is_err());
    }
}
