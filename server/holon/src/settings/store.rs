//! All SQL of settings. The instance is nobody's workspace, so it runs as `holon_auth`.

use holon_model::{PersonId, Timestamp};
use holon_platform::clock::to_db;
use sqlx::PgConnection;

pub async fn save(
    auth: &mut PgConnection,
    name: &str,
    value: &str,
    by: PersonId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into instance_setting (name, value, changed_at, changed_by) values ($1, $2, $3, $4) \
         on conflict (name) do update set value = $2, changed_at = $3, changed_by = $4",
        name,
        value,
        to_db(now),
        by.0,
    )
    .execute(auth)
    .await?;
    Ok(())
}

pub async fn insert_invitation(
    auth: &mut PgConnection,
    hash: &[u8; 32],
    by: PersonId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into invitation (token_hash, created_by, created_at, expires_at) values ($1, $2, $3, $4)",
        hash.as_slice(),
        by.0,
        to_db(now),
        to_db(expires_at),
    )
    .execute(auth)
    .await?;
    Ok(())
}
