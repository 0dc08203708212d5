//! Answers that are good for the next effect too, for a time: a cache, of which nothing is promised.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use holon_model::{EnvironmentId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};

use super::StoreError;
use super::mem::MemStore;
use super::pg::{PgStore, unread};

/// Among which only one at a time makes room for a tenant.
const ROOM_LOCK: i64 = 7_241_018_611;

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswerKey {
    /// Whose. Nothing is ever given to another tenant.
    pub tenant: TenantId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// What the effects with this answer share.
    pub key: [u8; 32],
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// As journals encode values.
    pub value: Vec<u8>,
    /// When it was given.
    pub given_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// What is kept of one tenant at most; the newest stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Answers.
    pub answers: i64,
    /// Bytes of their values together.
    pub bytes: i64,
}

/// Where answers are kept.
#[async_trait]
pub trait Cache: Send + Sync + 'static {
    /// The answer, if one is kept and still good.
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError>;

    /// Keeps an answer in place of an older one, however late it is told; the oldest of the tenant go where there is no room.
    async fn keep_answer(&self, key: &AnswerKey, answer: &KeptAnswer, room: Room) -> Result<(), StoreError>;

    /// Forgets up to `most` answers that are not good any more; says how many.
    async fn forget_answers(&self, now: Timestamp, most: i64) -> Result<u64, StoreError>;
}

/// Answers in memory.
#[derive(Clone, Default)]
pub struct MemAnswers(Arc<Mutex<BTreeMap<AnswerKey, KeptAnswer>>>);

impl MemAnswers {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<AnswerKey, KeptAnswer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are of a tenant, good or not.
    pub fn count(&self, tenant: TenantId) -> usize {
        self.kept().keys().filter(|key| key.tenant == tenant).count()
    }
}

fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[async_trait]
impl Cache for MemStore {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        Ok(self.answers().kept().get(key).filter(|answer| answer.expires_at > now).cloned())
    }

    async fn keep_answer(&self, key: &AnswerKey, answer: &KeptAnswer, room: Room) -> Result<(), StoreError> {
        let mut kept = self.answers().kept();
        if kept.get(key).is_none_or(|there| there.given_at <= answer.given_at) {
            kept.insert(*key, answer.clone());
        }
        kept.retain(|of, other| of.tenant != key.tenant || other.expires_at > answer.given_at);
        let mut of_tenant: Vec<(Timestamp, AnswerKey, i64)> = kept
            .iter()
            .filter(|(of, _)| of.tenant == key.tenant)
            .map(|(of, other)| (other.given_at, *of, number(other.value.len())))
            .collect();
        of_tenant.sort_by(|(at, key, _), (other, than, _)| other.cmp(at).then(key.cmp(than)));
        let (mut answers, mut bytes) = (0, 0);
        for (_, of, length) in of_tenant {
            (answers, bytes) = (answers + 1, bytes + length);
            if answers > room.answers || bytes > room.bytes {
                kept.remove(&of);
            }
        }
        Ok(())
    }

    async fn forget_answers(&self, now: Timestamp, most: i64) -> Result<u64, StoreError> {
        let mut kept = self.answers().kept();
        let old: Vec<AnswerKey> =
            kept.iter().filter(|(_, answer)| answer.expires_at <= now).map(|(key, _)| *key).collect();
        let old = &old[..old.len().min(usize::try_from(most).unwrap_or(0))];
        old.iter().for_each(|key| drop(kept.remove(key)));
        Ok(old.len() as u64)
    }
}

#[async_trait]
impl Cache for PgStore {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        let row = sqlx::query!(
            "select value, given_at, expires_at from kept_answer
             where tenant_id = $1 and environment_id = $2 and key = $3 and expires_at > $4",
            key.tenant.0,
            key.environment.0,
            key.key.as_slice(),
            to_db(now)
        )
        .fetch_optional(self.pool())
        .await
        .map_err(unread)?;
        Ok(row.map(|row| KeptAnswer {
            value: row.value,
            given_at: from_db(row.given_at),
            expires_at: from_db(row.expires_at),
        }))
    }

    async fn keep_answer(&self, key: &AnswerKey, answer: &KeptAnswer, room: Room) -> Result<(), StoreError> {
        let mut tx = self.pool().begin().await.map_err(unread)?;
        sqlx::query!(
            "insert into kept_answer (tenant_id, environment_id, key, value, given_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (tenant_id, environment_id, key)
             do update set value = excluded.value, given_at = excluded.given_at, expires_at = excluded.expires_at
               where kept_answer.given_at <= excluded.given_at",
            key.tenant.0,
            key.environment.0,
            key.key.as_slice(),
            answer.value.as_slice(),
            to_db(answer.given_at),
            to_db(answer.expires_at)
        )
        .execute(&mut *tx)
        .await
        .map_err(unread)?;
        // Whoever finds another one at it leaves the room to be made to the next answer: nobody waits, and no two wait for each other.
        let mine = sqlx::query_scalar!(
            r#"select pg_try_advisory_xact_lock(hashtextextended($1::uuid::text, $2)) as "mine!""#,
            key.tenant.0,
            ROOM_LOCK
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(unread)?;
        if mine {
            sqlx::query!(
                "with ranked as (
                   select environment_id, key, expires_at <= $2 as over,
                          row_number() over w as n, sum(octet_length(value)) over w as bytes
                   from kept_answer where tenant_id = $1
                   window w as (order by expires_at <= $2, given_at desc, environment_id, key))
                 delete from kept_answer k using ranked r
                 where k.tenant_id = $1 and k.environment_id = r.environment_id and k.key = r.key
                   and (r.over or r.n > $3 or r.bytes > $4)",
                key.tenant.0,
                to_db(answer.given_at),
                room.answers,
                room.bytes
            )
            .execute(&mut *tx)
            .await
            .map_err(unread)?;
        }
        tx.commit().await.map_err(unread)
    }

    async fn forget_answers(&self, now: Timestamp, most: i64) -> Result<u64, StoreError> {
        let gone = sqlx::query!(
            "delete from kept_answer k using
               (select tenant_id, environment_id, key from kept_answer where expires_at <= $1 limit $2) as old
             where k.tenant_id = old.tenant_id and k.environment_id = old.environment_id and k.key = old.key
               and k.expires_at <= $1",
            to_db(now),
            most
        )
        .execute(self.pool())
        .await
        .map_err(unread)?;
        Ok(gone.rows_affected())
    }
}
