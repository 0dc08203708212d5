//! Envelope encryption of tenants' secrets: root key (a file outside the database) → key of the tenant (wrapped, in
//! the database) → key of one version of one secret → the secret. AES-256-GCM throughout; what a ciphertext belongs
//! to is its associated data, so rows cannot be swapped between tenants, environments, secrets or versions.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead as _, KeyInit as _, Nonce, Payload};
use aes_gcm::{Aes256Gcm, Key};
use holon_model::{EnvironmentId, TenantId};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Secret, hmac_sha256, random_bytes, sha256};

const KEY: usize = 32;
const NONCE: usize = 12;
const TAG: usize = 16;
/// First byte of everything sealed: AES-256-GCM, this layout.
const FORMAT: u8 = 1;

/// Why the root key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// The file cannot be read or made.
    #[error("HOLON_ROOT_KEY_FILE: cannot use {path}: {source}", path = path.display())]
    File {
        /// The key's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not hold a key.
    #[error(
        "HOLON_ROOT_KEY_FILE: {path} does not hold a root key (64 hexadecimal digits). If it was damaged, restore it \
         from a backup: stored secrets cannot be read without it.",
        path = path.display()
    )]
    Damaged {
        /// The key's file.
        path: PathBuf,
    },
}

/// A sealed secret that cannot be opened: wrong key, wrong place, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored secret cannot be opened with this key in this place")]
pub struct OpenError;

/// The root key of this installation.
pub struct Keyring {
    key: Zeroizing<[u8; KEY]>,
    id: [u8; 8],
}

/// A tenant's key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Which key of the tenant it is.
    pub id: Uuid,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

/// A tenant's key, unwrapped.
pub struct TenantKey {
    tenant: TenantId,
    id: Uuid,
    key: Zeroizing<[u8; KEY]>,
}

/// What a sealed secret belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretScope {
    /// The environment it serves.
    pub environment: EnvironmentId,
    /// The thing it belongs to, such as a connection.
    pub owner: Uuid,
    /// Rises with each new value.
    pub version: i32,
}

impl Keyring {
    /// Reads the root key, or makes one (mode 0400) when the file does not exist.
    ///
    /// # Errors
    /// When the file can be neither read nor made, or holds something else.
    pub fn open_or_create(path: &Path) -> Result<Self, RootKeyError> {
        let file_error = |source| RootKeyError::File { path: path.to_owned(), source };
        let mut text = Zeroizing::new(String::new());
        match std::fs::File::open(path) {
            Ok(mut file) => {
                file.read_to_string(&mut text).map_err(file_error)?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                text = Self::from_bytes(random_bytes()).to_text();
                create_private(path, text.as_bytes()).map_err(file_error)?;
            }
            Err(e) => return Err(file_error(e)),
        }
        let key = parse_hex(text.trim()).ok_or_else(|| RootKeyError::Damaged { path: path.to_owned() })?;
        Ok(Self::from_bytes(*key))
    }

    /// Reads the root key; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn open(path: &Path) -> Result<Option<Self>, RootKeyError> {
        match std::fs::symlink_metadata(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Self::open_or_create(path).map(Some),
        }
    }

    /// A keyring over a key as its file holds it.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Some(Self::from_bytes(*parse_hex(text.trim())?))
    }

    /// Puts this key into a file that must not exist yet (mode 0400).
    ///
    /// # Errors
    /// When the file cannot be made, or is there already.
    pub fn write_new(&self, path: &Path) -> Result<(), RootKeyError> {
        create_private(path, self.to_text().as_bytes())
            .map_err(|source| RootKeyError::File { path: path.to_owned(), source })
    }

    /// The key as its file holds it.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(KEY * 2));
        text.extend(self.key.iter().flat_map(|b| [hex_digit(b >> 4), hex_digit(b & 15)]));
        text
    }

    /// What tells this key from others without telling anything about it.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// A keyring over the given key.
    #[must_use]
    pub fn from_bytes(key: [u8; KEY]) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&hmac_sha256(&key, &[b"holon root key id"])[..8]);
        Self { key: Zeroizing::new(key), id }
    }

    /// A key for another purpose of this installation, such as a database role's password. Different purposes give
    /// keys that tell nothing about each other.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; KEY]> {
        Zeroizing::new(hmac_sha256(&*self.key, &[b"holon derive|", purpose.as_bytes()]))
    }

    /// Makes the key of a tenant. `id` is a new id.
    #[must_use]
    pub fn new_tenant_key(&self, tenant: TenantId, id: Uuid) -> (TenantKey, WrappedKey) {
        let key = TenantKey { tenant, id, key: Zeroizing::new(random_bytes()) };
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.id);
        bytes.extend(seal(&self.key, &*key.key, &self.tenant_aad(tenant, id)));
        (key, WrappedKey { id, bytes })
    }

    /// Unwraps the key of a tenant.
    ///
    /// # Errors
    /// When it was wrapped by another root key, for another tenant, or is damaged.
    pub fn tenant_key(&self, tenant: TenantId, wrapped: &WrappedKey) -> Result<TenantKey, OpenError> {
        let rest = wrapped.bytes.strip_prefix(&[FORMAT]).and_then(|b| b.strip_prefix(&self.id)).ok_or(OpenError)?;
        let key = open(&self.key, rest, &self.tenant_aad(tenant, wrapped.id))?;
        let key = <[u8; KEY]>::try_from(key.as_slice()).map_err(|_| OpenError)?;
        Ok(TenantKey { tenant, id: wrapped.id, key: Zeroizing::new(key) })
    }

    fn tenant_aad(&self, tenant: TenantId, id: Uuid) -> Vec<u8> {
        [b"holon tenant key|".as_slice(), tenant.as_bytes(), id.as_bytes(), &self.id].concat()
    }
}

impl TenantKey {
    /// Which key of the tenant it is; the sealed bytes name it too.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Seals a secret for its place.
    #[must_use]
    pub fn seal(&self, scope: &SecretScope, secret: &Secret) -> Vec<u8> {
        let dek = Zeroizing::new(random_bytes::<KEY>());
        let aad = self.aad(scope);
        let mut out = vec![FORMAT];
        out.extend_from_slice(self.id.as_bytes());
        out.extend(seal(&self.key, &*dek, &aad));
        out.extend(seal(&dek, secret.expose(), &aad));
        out
    }

    /// Opens a sealed secret in its place.
    ///
    /// # Errors
    /// When it was sealed for another place, by another key, or is damaged.
    pub fn open(&self, scope: &SecretScope, sealed: &[u8]) -> Result<Secret, OpenError> {
        let rest = sealed.strip_prefix(&[FORMAT]).and_then(|b| b.strip_prefix(self.id.as_bytes())).ok_or(OpenError)?;
        let (wrapped, body) = rest.split_at_checked(NONCE + KEY + TAG).ok_or(OpenError)?;
        let aad = self.aad(scope);
        let dek = open(&self.key, wrapped, &aad)?;
        let dek = Zeroizing::new(<[u8; KEY]>::try_from(dek.as_slice()).map_err(|_| OpenError)?);
        open(&dek, body, &aad).map(|plain| Secret::new(plain.to_vec()))
    }

    fn aad(&self, scope: &SecretScope) -> Vec<u8> {
        [
            b"holon secret|".as_slice(),
            self.tenant.as_bytes(),
            scope.environment.as_bytes(),
            scope.owner.as_bytes(),
            &scope.version.to_be_bytes(),
            self.id.as_bytes(),
        ]
        .concat()
    }
}

fn seal(key: &[u8; KEY], plain: &[u8], aad: &[u8]) -> Vec<u8> {
    let nonce = random_bytes::<NONCE>();
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
    let sealed = cipher
        .encrypt(&Nonce::<Aes256Gcm>::from(nonce), Payload { msg: plain, aad })
        .expect("AES-GCM only fails on messages of 64 GiB, and bodies are limited far below");
    [nonce.as_slice(), &sealed].concat()
}

fn open(key: &[u8; KEY], sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or(OpenError)?;
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
        .decrypt(&Nonce::<Aes256Gcm>::from(*nonce), Payload { msg: body, aad })
        .map(Zeroizing::new)
        .map_err(|_| OpenError)
}

/// Writes the key beside its place and links it there, so that a crash leaves a whole key or none, and of two
/// processes that start at once the second sees the first one's.
fn create_private(path: &Path, text: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let unique: String = sha256(text)[..8].iter().map(|b| format!("{b:02x}")).collect();
    let draft = path.with_extension(format!("{unique}.new"));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&draft)?;
    file.write_all(text)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    linked
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

fn parse_hex(text: &str) -> Option<Zeroizing<[u8; KEY]>> {
    if text.len() != KEY * 2 || !text.is_ascii() {
        return None;
    }
    let mut key = Zeroizing::new([0; KEY]);
    for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> SecretScope {
        SecretScope { environment: EnvironmentId(Uuid::from_u128(7)), owner: Uuid::from_u128(8), version: 1 }
    }

    #[test]
    fn a_secret_opens_in_its_place_and_nowhere_else() {
        let ring = Keyring::from_bytes([1; KEY]);
        let (a, b) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let (_, wrapped) = ring.new_tenant_key(a, Uuid::from_u128(3));
        let key = ring.tenant_key(a, &wrapped).unwrap();
        let sealed = key.seal(&scope(), &Secret::new("s3cret"));
        assert_eq!(key.open(&scope(), &sealed).unwrap().expose(), b"s3cret");
        assert!(!sealed.windows(6).any(|w| w == b"s3cret"));

        for other in [
            SecretScope { environment: EnvironmentId(Uuid::from_u128(9)), ..scope() },
            SecretScope { owner: Uuid::from_u128(9), ..scope() },
            SecretScope { version: 2, ..scope() },
        ] {
            assert_eq!(key.open(&other, &sealed).err(), Some(OpenError));
        }
        assert!(ring.tenant_key(b, &wrapped).is_err());
        assert!(Keyring::from_bytes([2; KEY]).tenant_key(a, &wrapped).is_err());
    }

    #[test]
    fn any_changed_or_missing_byte_is_noticed() {
        let ring = Keyring::from_bytes([1; KEY]);
        let (key, _) = ring.new_tenant_key(TenantId(Uuid::from_u128(1)), Uuid::from_u128(3));
        let sealed = key.seal(&scope(), &Secret::new("s3cret"));
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(key.open(&scope(), &bad).is_err(), "byte {at}");
            assert!(key.open(&scope(), &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_root_key_is_made_once_is_private_and_a_damaged_one_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = std::env::temp_dir().join(format!("holon-root-key-{}", std::process::id()));
        let path = dir.join("root.key");
        let first = Keyring::open_or_create(&path).unwrap();
        let second = Keyring::open_or_create(&path).unwrap();
        assert_eq!(first.derive("x"), second.derive("x"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "not a key").unwrap();
        assert!(matches!(Keyring::open_or_create(&path), Err(RootKeyError::Damaged { .. })));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
