//! All SQL of tokens.

use holon_model::wire::tokens::Token;
use holon_model::{PersonId, Timestamp, TokenId};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;

/// A token to be written.
#[derive(Debug)]
pub struct NewToken<'a> {
    pub id: TokenId,
    pub person: PersonId,
    pub name: &'a str,
    pub hash: [u8; 32],
    pub hint: &'a str,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub pools: Option<&'a [String]>,
}

pub async fn insert(tx: &mut TenantTx<'_>, token: &NewToken<'_>) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "insert into api_token (tenant_id, token_id, person_id, name, token_hash, hint, created_at, expires_at, pools) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant,
        token.id.0,
        token.person.0,
        token.name,
        token.hash.as_slice(),
        token.hint,
        to_db(token.created_at),
        token.expires_at.map(to_db),
        token.pools,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The person's tokens that were not revoked, the newest first.
pub async fn list(tx: &mut TenantTx<'_>, person: PersonId) -> Result<Vec<Token>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        "select token_id, name, hint, created_at, expires_at, last_used_at, pools from api_token \
         where tenant_id = $1 and person_id = $2 and revoked_at is null order by token_id desc limit 500",
        tenant,
        person.0,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Token {
            id: TokenId(r.token_id),
            name: r.name,
            prefix: r.hint,
            created_at: from_db(r.created_at),
            last_used_at: r.last_used_at.map(from_db),
            expires_at: r.expires_at.map(from_db),
            pools: r.pools,
        })
        .collect())
}

/// Revokes a token of the person. False when there is none.
pub async fn revoke(tx: &mut TenantTx<'_>, person: PersonId, id: TokenId, now: Timestamp) -> Result<bool, sqlx::Error> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "update api_token set revoked_at = $4 \
         where tenant_id = $1 and token_id = $2 and person_id = $3 and revoked_at is null",
        tenant,
        id.0,
        person.0,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
