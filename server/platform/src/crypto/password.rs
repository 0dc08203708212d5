//! Passwords: argon2id (19 MiB, 2 passes: the least ASVS 5 allows) behind a bounded pool, so that a flood of
//! sign-ins costs two threads and 40 MiB and the rest is told to come back later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::Secret;

/// Hashes at once.
const AT_ONCE: usize = 2;
/// Callers that may wait for their turn: at about 30 ms a hash the last one waits for half a second.
const QUEUE: usize = 32;

/// Why a password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting already.
    #[error("too many sign-ins at once")]
    Busy,
    /// The stored hash is not a PHC string of argon2, or hashing failed.
    #[error("password hashing failed: {0}")]
    Failed(String),
}

/// The bounded pool in which passwords are hashed and verified.
#[derive(Clone, Debug)]
pub struct PasswordPool {
    slots: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    dummy: Arc<str>,
}

impl PasswordPool {
    /// A new pool. Hashes once, for the stand-in that unknown people's passwords are verified against.
    ///
    /// # Errors
    /// When the system cannot hash at all.
    pub fn new() -> Result<Self, PasswordError> {
        let dummy = hash_now(&super::random_bytes::<32>())?;
        Ok(Self { slots: Arc::new(Semaphore::new(AT_ONCE)), waiting: Arc::default(), dummy: dummy.into() })
    }

    /// Hashes a new password to a PHC string.
    ///
    /// # Errors
    /// `Busy` when too many callers wait.
    pub async fn hash(&self, password: Secret) -> Result<String, PasswordError> {
        self.run(move || hash_now(password.expose())).await
    }

    /// True when the password belongs to the stored hash. Without a stored hash the same work is done and the
    /// answer is no, so that time does not tell whether a person is known.
    ///
    /// # Errors
    /// `Busy` when too many callers wait; `Failed` when the stored hash is not one.
    pub async fn verify(&self, password: Secret, stored: Option<String>) -> Result<bool, PasswordError> {
        let dummy = Arc::clone(&self.dummy);
        self.run(move || {
            let known = stored.is_some();
            let text = stored.as_deref().unwrap_or(&dummy);
            let hash = PasswordHash::new(text).map_err(|e| PasswordError::Failed(e.to_string()))?;
            match hasher()?.verify_password(password.expose(), &hash) {
                Ok(()) => Ok(known),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(e) => Err(PasswordError::Failed(e.to_string())),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = Waiting::enter(&self.waiting)?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        drop(turn);
        // The slot travels with the work: a caller that goes away does not free it before the hash is done.
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        })
        .await
        .map_err(|e| PasswordError::Failed(e.to_string()))?
    }
}

struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>) -> Result<Self, PasswordError> {
        let me = Self(Arc::clone(count));
        if count.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            return Err(PasswordError::Busy);
        }
        Ok(me)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| PasswordError::Failed(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &[u8]) -> Result<String, PasswordError> {
    let salt = super::random_bytes::<16>();
    hasher()?
        .hash_password_with_salt(password, &salt)
        .map(|hash: PasswordHash| hash.to_string())
        .map_err(|e| PasswordError::Failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let pool = PasswordPool::new().unwrap();
        let hash = pool.hash(Secret::new("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(pool.verify(Secret::new("correct horse battery"), Some(hash.clone())).await.unwrap());
        assert!(!pool.verify(Secret::new("correct horse batterz"), Some(hash)).await.unwrap());
        assert!(!pool.verify(Secret::new("anything"), None).await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_flood_is_refused_instead_of_queued() {
        let pool = PasswordPool::new().unwrap();
        let calls = (0..100).map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.verify(Secret::new("x"), None).await })
        });
        let mut busy = 0;
        for call in calls.collect::<Vec<_>>() {
            busy += usize::from(matches!(call.await.unwrap(), Err(PasswordError::Busy)));
        }
        assert!((1..=100 - AT_ONCE).contains(&busy), "{busy} of 100 were refused");
        assert_eq!(pool.waiting.load(Ordering::Relaxed), 0);
    }
}
