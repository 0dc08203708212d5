//! All SQL of identity. It runs as `holon_auth`, before a tenant is known, except where it makes one.

use holon_model::{EnvironmentId, PersonId, SessionId, TenantId, Timestamp, TokenId};
use holon_platform::clock::{from_db, to_db};
use sqlx::{PgConnection, PgPool};

/// Somebody in a workspace, as sessions and tokens find them.
#[derive(Debug)]
pub struct FoundMember {
    pub person: PersonId,
    pub name: String,
    pub email: String,
    pub operator: bool,
    pub tenant: TenantId,
    pub tenant_name: String,
    pub environment: EnvironmentId,
    pub environment_name: String,
    pub role: String,
}

/// A session that is not over.
#[derive(Debug)]
pub struct FoundSession {
    pub id: SessionId,
    pub seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub member: FoundMember,
}

/// A token that is not over.
#[derive(Debug)]
pub struct FoundToken {
    pub id: TokenId,
    pub last_used_at: Option<Timestamp>,
    pub pools: Option<Vec<String>>,
    pub member: FoundMember,
}

/// A person as sign-in needs them.
#[derive(Debug)]
pub struct FoundPerson {
    pub id: PersonId,
    pub password_hash: String,
}

/// A session to be written.
#[derive(Debug)]
pub struct NewSession<'a> {
    pub id: SessionId,
    pub tenant: TenantId,
    pub person: PersonId,
    pub token_hash: [u8; 32],
    pub now: Timestamp,
    pub idle_expires_at: Timestamp,
    pub expires_at: Timestamp,
    pub device: &'a str,
}

pub async fn session(
    auth: &PgPool,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<FoundSession>, sqlx::Error> {
    let row = sqlx::query!(
        "select s.session_id, s.seen_at, s.expires_at, p.person_id, p.name, p.email, p.operator, t.tenant_id, \
         t.name as tenant_name, e.environment_id, e.name as environment_name, m.role \
         from session s \
         join person p on p.person_id = s.person_id and p.disabled_at is null \
         join member m on m.tenant_id = s.tenant_id and m.person_id = s.person_id \
         join tenant t on t.tenant_id = s.tenant_id \
         join environment e on e.tenant_id = s.tenant_id and e.name = 'prod' \
         where s.token_hash = $1 and s.ended_at is null and s.idle_expires_at > $2 and s.expires_at > $2",
        token_hash.as_slice(),
        to_db(now),
    )
    .fetch_optional(auth)
    .await?;
    Ok(row.map(|r| FoundSession {
        id: SessionId(r.session_id),
        seen_at: from_db(r.seen_at),
        expires_at: from_db(r.expires_at),
        member: FoundMember {
            person: PersonId(r.person_id),
            name: r.name,
            email: r.email,
            operator: r.operator,
            tenant: TenantId(r.tenant_id),
            tenant_name: r.tenant_name,
            environment: EnvironmentId(r.environment_id),
            environment_name: r.environment_name,
            role: r.role,
        },
    }))
}

pub async fn token(auth: &PgPool, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<FoundToken>, sqlx::Error> {
    let row = sqlx::query!(
        "select k.token_id, k.last_used_at, k.pools, p.person_id, p.name, p.email, p.operator, t.tenant_id, \
         t.name as tenant_name, e.environment_id, e.name as environment_name, m.role \
         from api_token k \
         join person p on p.person_id = k.person_id and p.disabled_at is null \
         join member m on m.tenant_id = k.tenant_id and m.person_id = k.person_id \
         join tenant t on t.tenant_id = k.tenant_id \
         join environment e on e.tenant_id = k.tenant_id and e.name = 'prod' \
         where k.token_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)",
        token_hash.as_slice(),
        to_db(now),
    )
    .fetch_optional(auth)
    .await?;
    Ok(row.map(|r| FoundToken {
        id: TokenId(r.token_id),
        last_used_at: r.last_used_at.map(from_db),
        pools: r.pools,
        member: FoundMember {
            person: PersonId(r.person_id),
            name: r.name,
            email: r.email,
            operator: r.operator,
            tenant: TenantId(r.tenant_id),
            tenant_name: r.tenant_name,
            environment: EnvironmentId(r.environment_id),
            environment_name: r.environment_name,
            role: r.role,
        },
    }))
}

/// The member of the workspace that a person joined first.
pub async fn first_membership(auth: &mut PgConnection, person: PersonId) -> Result<Option<FoundMember>, sqlx::Error> {
    let row = sqlx::query!(
        "select p.person_id, p.name, p.email, p.operator, t.tenant_id, t.name as tenant_name, e.environment_id, \
         e.name as environment_name, m.role \
         from person p \
         join member m on m.person_id = p.person_id \
         join tenant t on t.tenant_id = m.tenant_id \
         join environment e on e.tenant_id = m.tenant_id and e.name = 'prod' \
         where p.person_id = $1 order by m.joined_at, m.tenant_id limit 1",
        person.0,
    )
    .fetch_optional(auth)
    .await?;
    Ok(row.map(|r| FoundMember {
        person: PersonId(r.person_id),
        name: r.name,
        email: r.email,
        operator: r.operator,
        tenant: TenantId(r.tenant_id),
        tenant_name: r.tenant_name,
        environment: EnvironmentId(r.environment_id),
        environment_name: r.environment_name,
        role: r.role,
    }))
}

pub async fn person_by_email(auth: &PgPool, email_key: &str) -> Result<Option<FoundPerson>, sqlx::Error> {
    let row = sqlx::query!(
        "select person_id, password_hash from person where email_key = $1 and disabled_at is null",
        email_key
    )
    .fetch_optional(auth)
    .await?;
    Ok(row.map(|r| FoundPerson { id: PersonId(r.person_id), password_hash: r.password_hash }))
}

pub async fn insert_session(auth: &mut PgConnection, s: &NewSession<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into session (tenant_id, session_id, token_hash, person_id, created_at, seen_at, idle_expires_at, \
         expires_at, device) values ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
        s.tenant.0,
        s.id.0,
        s.token_hash.as_slice(),
        s.person.0,
        to_db(s.now),
        to_db(s.idle_expires_at),
        to_db(s.expires_at),
        s.device,
    )
    .execute(auth)
    .await?;
    Ok(())
}

pub async fn keep_alive(
    auth: &PgPool,
    tenant: TenantId,
    id: SessionId,
    now: Timestamp,
    idle_expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update session set seen_at = $3, idle_expires_at = $4 where tenant_id = $1 and session_id = $2",
        tenant.0,
        id.0,
        to_db(now),
        to_db(idle_expires_at),
    )
    .execute(auth)
    .await?;
    Ok(())
}

pub async fn note_token_use(auth: &PgPool, tenant: TenantId, id: TokenId, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update api_token set last_used_at = $3 where tenant_id = $1 and token_id = $2",
        tenant.0,
        id.0,
        to_db(now),
    )
    .execute(auth)
    .await?;
    Ok(())
}

/// Ends the session with this token, wherever it is.
pub async fn end_session(auth: &mut PgConnection, token_hash: &[u8; 32], now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update session set ended_at = $2 where token_hash = $1 and ended_at is null",
        token_hash.as_slice(),
        to_db(now),
    )
    .execute(auth)
    .await?;
    Ok(())
}

/// Forgets sessions that have been over for a while.
pub async fn forget_sessions(auth: &PgPool, before: Timestamp) -> Result<u64, sqlx::Error> {
    let done =
        sqlx::query!("delete from session where expires_at < $1 or ended_at < $1", to_db(before)).execute(auth).await?;
    Ok(done.rows_affected())
}

/// Binds the transaction to the tenant being made or signed in to, for row-level security and the audit row.
pub async fn bind_tenant(auth: &mut PgConnection, tenant: TenantId) -> Result<(), sqlx::Error> {
    sqlx::query!("select set_config('app.tenant_id', $1, true) as tenant", tenant.0.to_string())
        .fetch_one(auth)
        .await?;
    Ok(())
}

pub async fn setting(auth: &mut PgConnection, name: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select value from instance_setting where name = $1", name).fetch_optional(auth).await
}

pub async fn anybody(auth: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!("select exists (select 1 from person) as \"found!\"").fetch_one(auth).await?;
    Ok(found)
}

/// One sign-up at a time, so that exactly one person is the first.
pub async fn lock_sign_up(auth: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(7241018604) as locked").fetch_one(auth).await?;
    Ok(())
}

/// A person to be written, with their workspace.
#[derive(Debug)]
pub struct NewPerson<'a> {
    pub id: PersonId,
    pub name: &'a str,
    pub email: &'a str,
    pub email_key: &'a str,
    pub password_hash: &'a str,
    pub operator: bool,
    pub tenant: TenantId,
    pub tenant_name: &'a str,
    pub environment: EnvironmentId,
    pub now: Timestamp,
}

/// Writes a person, their workspace with its environment `prod`, and their membership. False when the e-mail is taken.
pub async fn insert_person(auth: &mut PgConnection, p: &NewPerson<'_>) -> Result<bool, sqlx::Error> {
    let now = to_db(p.now);
    let inserted = sqlx::query!(
        "insert into person (person_id, name, email, email_key, password_hash, operator, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (email_key) do nothing",
        p.id.0,
        p.name,
        p.email,
        p.email_key,
        p.password_hash,
        p.operator,
        now,
    )
    .execute(&mut *auth)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into tenant (tenant_id, name, created_at) values ($1, $2, $3)",
        p.tenant.0,
        p.tenant_name,
        now
    )
    .execute(&mut *auth)
    .await?;
    sqlx::query!(
        "insert into environment (tenant_id, environment_id, name, kind, created_at) values ($1, $2, 'prod', 'prod', $3)",
        p.tenant.0,
        p.environment.0,
        now,
    )
    .execute(&mut *auth)
    .await?;
    sqlx::query!(
        "insert into member (tenant_id, person_id, name, role, joined_at) values ($1, $2, $3, 'owner', $4)",
        p.tenant.0,
        p.id.0,
        p.name,
        now,
    )
    .execute(&mut *auth)
    .await?;
    Ok(true)
}

/// Uses an invitation up. False when it is unknown, used or over.
pub async fn use_invitation(auth: &mut PgConnection, hash: &[u8; 32], now: Timestamp) -> Result<bool, sqlx::Error> {
    let used = sqlx::query!(
        "update invitation set used_at = $2 where token_hash = $1 and used_at is null and expires_at > $2",
        hash.as_slice(),
        to_db(now),
    )
    .execute(auth)
    .await?;
    Ok(used.rows_affected() == 1)
}

pub async fn name_invited(auth: &mut PgConnection, hash: &[u8; 32], person: PersonId) -> Result<(), sqlx::Error> {
    sqlx::query!("update invitation set used_by = $2 where token_hash = $1", hash.as_slice(), person.0)
        .execute(auth)
        .await?;
    Ok(())
}
