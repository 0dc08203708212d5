//! All SQL of links.

use holon_model::wire::links::Link;
use holon_model::{EnvironmentId, LinkId, Millis, RunId, TenantId, Timestamp, Value, json};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::{Pools, TenantTx};
use uuid::Uuid;

use super::Error;

/// How long a link is kept after its end, so that whoever comes late is told the same.
const KEPT: Millis = Millis(30 * 24 * 60 * 60 * 1000);

/// Whose link it is, before a tenant is known.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The tenant.
    pub tenant: TenantId,
    /// The environment.
    pub environment: EnvironmentId,
    /// The link.
    pub id: LinkId,
}

/// What a link is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// It answers a task.
    Task {
        /// Which.
        task: Wanted,
        /// To whom it was given.
        assignee: Option<String>,
        /// The choices that it may give; none: all.
        choices: Option<Vec<String>>,
    },
    /// It takes a delivery.
    Callback {
        /// What is taken and answered, as its node says.
        takes: Value,
    },
}

/// Which task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The one with this id.
    Id(Uuid),
    /// The one of the node at this path.
    Path(String),
}

/// A link as it stands.
#[derive(Debug, Clone)]
pub struct Row {
    /// The run.
    pub run: RunId,
    /// What for.
    pub purpose: Purpose,
    /// Until when.
    pub expires_at: Timestamp,
    /// Whether it was used.
    pub used: bool,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// A new one.
#[derive(Debug)]
pub struct NewLink<'a> {
    /// Its id.
    pub id: LinkId,
    /// The run.
    pub run: RunId,
    /// The hash of its token.
    pub hash: [u8; 32],
    /// What for.
    pub purpose: &'a Purpose,
    /// Who makes it.
    pub made_by: &'a str,
    /// When.
    pub now: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Whose token this is the hash of.
pub async fn by_token(pools: &Pools, hash: &[u8; 32]) -> Result<Option<Found>, sqlx::Error> {
    let row =
        sqlx::query!("select tenant_id, environment_id, link_id from link where token_hash = $1", hash.as_slice())
            .fetch_optional(&pools.auth)
            .await?;
    Ok(row.map(|row| Found {
        tenant: TenantId(row.tenant_id),
        environment: EnvironmentId(row.environment_id),
        id: LinkId(row.link_id),
    }))
}

/// Writes a link down, and forgets the tenant's that ended long ago. The same link again stays as it is; made again by a run that
/// tries another one's steps again, it goes over to that run. Says until when it can be used.
pub async fn put(tx: &mut TenantTx<'_>, link: &NewLink<'_>) -> Result<Timestamp, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    sqlx::query!("delete from link where tenant_id = $1 and expires_at < $2", tenant, to_db(link.now.minus(KEPT)))
        .execute(tx.conn())
        .await?;
    let (kind, task, path, assignee, choices, takes) = match link.purpose {
        Purpose::Task { task, assignee, choices } => {
            let (id, path) = match task {
                Wanted::Id(id) => (Some(*id), None),
                Wanted::Path(path) => (None, Some(path.as_str())),
            };
            ("task", id, path, assignee.as_deref(), choices.as_deref(), None)
        }
        Purpose::Callback { takes } => ("callback", None, None, None, None, Some(takes.to_json())),
    };
    let expires_at = sqlx::query_scalar!(
        "insert into link (tenant_id, link_id, environment_id, run_id, kind, token_hash, task_id, path, assignee, choices, \
         takes, made_by, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
         on conflict (tenant_id, link_id) do update set run_id = excluded.run_id returning expires_at",
        tenant,
        link.id.0,
        environment,
        link.run.0,
        kind,
        link.hash.as_slice(),
        task,
        path,
        assignee,
        choices,
        takes,
        link.made_by,
        to_db(link.now),
        to_db(link.expires_at),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(from_db(expires_at))
}

/// One link of the environment.
pub async fn find(tx: &mut TenantTx<'_>, id: LinkId) -> Result<Option<Row>, Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let row = sqlx::query!(
        "select run_id, task_id, path, assignee, choices, takes, expires_at, used_at, revoked_at from link \
         where tenant_id = $1 and environment_id = $2 and link_id = $3",
        tenant,
        environment,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let purpose = match (row.takes, row.task_id, row.path) {
        (Some(takes), ..) => {
            Purpose::Callback { takes: json::parse(takes.as_bytes()).map_err(|_| Error::Inconsistent(id))? }
        }
        (None, Some(task), _) => Purpose::Task { task: Wanted::Id(task), assignee: row.assignee, choices: row.choices },
        (None, None, Some(path)) => {
            Purpose::Task { task: Wanted::Path(path), assignee: row.assignee, choices: row.choices }
        }
        (None, None, None) => return Err(Error::Inconsistent(id)),
    };
    Ok(Some(Row {
        run: RunId(row.run_id),
        purpose,
        expires_at: from_db(row.expires_at),
        used: row.used_at.is_some(),
        revoked: row.revoked_at.is_some(),
    }))
}

/// The task of the node at this path that was asked last.
pub async fn task_at(tx: &mut TenantTx<'_>, run: RunId, path: &str) -> Result<Option<Uuid>, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    sqlx::query_scalar!(
        "select task_id from task where tenant_id = $1 and environment_id = $2 and run_id = $3 and path = $4 \
         order by opened_at desc, state = 'open' desc limit 1",
        tenant,
        environment,
        run.0,
        path,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The link was used. It stays used as it was first.
pub async fn use_up(tx: &mut TenantTx<'_>, id: LinkId, now: Timestamp) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "update link set used_at = $3 where tenant_id = $1 and link_id = $2 and used_at is null",
        tenant,
        id.0,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a link to this task back; false when there is none that could be.
pub async fn revoke(
    tx: &mut TenantTx<'_>,
    (run, task, path): (RunId, Uuid, &str),
    id: LinkId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let done = sqlx::query!(
        "update link set revoked_at = $7 where tenant_id = $1 and environment_id = $2 and link_id = $3 and run_id = $4 \
         and kind = 'task' and (task_id = $5 or path = $6) and revoked_at is null",
        tenant,
        environment,
        id.0,
        run.0,
        task,
        path,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The links to this task, newest first; no more than are good for anybody.
pub async fn list(
    tx: &mut TenantTx<'_>,
    (run, task, path): (RunId, Uuid, &str),
    now: Timestamp,
) -> Result<Vec<Link>, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let rows = sqlx::query!(
        "select link_id, assignee, choices, made_by, created_at, expires_at, used_at, revoked_at from link \
         where tenant_id = $1 and environment_id = $2 and run_id = $3 and kind = 'task' and (task_id = $4 or path = $5) \
         order by created_at desc, link_id desc limit 1000",
        tenant,
        environment,
        run.0,
        task,
        path,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Link {
            id: LinkId(row.link_id),
            assignee: row.assignee,
            choices: row.choices,
            made_by: row.made_by,
            created_at: from_db(row.created_at),
            expires_at: from_db(row.expires_at),
            state: state(row.used_at.is_some(), row.revoked_at.is_some(), from_db(row.expires_at), now).to_owned(),
            used_at: row.used_at.map(from_db),
        })
        .collect())
}

/// The state of a link in a word.
pub fn state(used: bool, revoked: bool, expires_at: Timestamp, now: Timestamp) -> &'static str {
    match (used, revoked) {
        (true, _) => "used",
        (_, true) => "revoked",
        _ if expires_at <= now => "expired",
        _ => "open",
    }
}
