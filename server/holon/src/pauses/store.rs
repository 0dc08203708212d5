//! All SQL of pauses. The instance is nobody's workspace: it is paused as `holon_auth`, or by its operator on the machine itself as
//! `holon_owner`, and read by the runtime's role, which sees the runs of all.

use holon_model::wire::pauses::{Intake, Pause, PauseMode};
use holon_model::{EnvironmentId, FlowId, TenantId};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Error;

/// What of a workspace.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// All of it.
    Workspace,
    /// A flow, in the environment.
    Flow(FlowId),
}

impl Subject {
    fn id(self, tx: &TenantTx<'_>) -> Uuid {
        match self {
            Self::Workspace => tx.tenant().0,
            Self::Flow(id) => id.0,
        }
    }
}

/// As stored.
pub fn word(mode: PauseMode) -> &'static str {
    match mode {
        PauseMode::Pause => "pause",
        PauseMode::Drain => "drain",
    }
}

fn mode(word: &str) -> Result<PauseMode, Error> {
    [PauseMode::Pause, PauseMode::Drain]
        .into_iter()
        .find(|mode| self::word(*mode) == word)
        .ok_or_else(|| Error::Inconsistent(format!("unknown way to pause `{word}`")))
}

pub async fn find(tx: &mut TenantTx<'_>, subject: Subject) -> Result<Option<Pause>, Error> {
    let (tenant, id, environment) = (tx.tenant().0, subject.id(tx), tx.context().environment.0);
    let row = sqlx::query!(
        "select mode, reason, paused_by, paused_at from pause where tenant_id = $1 and subject = $2 and environment_id = $3",
        tenant,
        id,
        environment
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        let (mode, since) = (mode(&row.mode)?, from_db(row.paused_at));
        Ok(Pause { mode, reason: row.reason, by: row.paused_by, since })
    })
    .transpose()
}

pub async fn put(tx: &mut TenantTx<'_>, subject: Subject, pause: &Pause) -> Result<(), sqlx::Error> {
    let (tenant, id, environment) = (tx.tenant().0, subject.id(tx), tx.context().environment.0);
    sqlx::query!(
        "insert into pause (tenant_id, subject, environment_id, mode, reason, paused_by, paused_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, subject, environment_id) do update
           set mode = excluded.mode, reason = excluded.reason, paused_by = excluded.paused_by, paused_at = excluded.paused_at",
        tenant,
        id,
        environment,
        word(pause.mode),
        pause.reason,
        pause.by,
        to_db(pause.since)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether there was one.
pub async fn delete(tx: &mut TenantTx<'_>, subject: Subject) -> Result<bool, sqlx::Error> {
    let (tenant, id, environment) = (tx.tenant().0, subject.id(tx), tx.context().environment.0);
    let gone = sqlx::query!(
        "delete from pause where tenant_id = $1 and subject = $2 and environment_id = $3",
        tenant,
        id,
        environment
    )
    .execute(tx.conn())
    .await?;
    Ok(gone.rows_affected() > 0)
}

/// How many runs have not ended, by how they stand.
pub async fn counts(tx: &mut TenantTx<'_>, subject: Subject) -> Result<Intake, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let flow = match subject {
        Subject::Workspace => None,
        Subject::Flow(id) => Some(id.0),
    };
    let row = sqlx::query!(
        r#"select count(*) filter (where status = 'running') as "running!", count(*) filter (where status = 'queued') as "queued!",
             count(*) filter (where status in ('waiting', 'paused')) as "waiting!"
           from run_live where tenant_id = $1 and environment_id = $2 and ($3::uuid is null or flow_id = $3)"#,
        tenant,
        environment,
        flow
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(intake(row.running, row.waiting, row.queued))
}

fn intake(running: i64, waiting: i64, queued: i64) -> Intake {
    Intake {
        pause: None,
        running: running.unsigned_abs(),
        waiting: waiting.unsigned_abs(),
        queued: queued.unsigned_abs(),
    }
}

/// The instance's pause, and all runs that have not ended; as `holon_engine` or `holon_owner`.
pub async fn of_instance(connection: &mut PgConnection) -> Result<Intake, Error> {
    let row = sqlx::query!("select mode, reason, paused_by, paused_at from instance_pause")
        .fetch_optional(&mut *connection)
        .await?;
    let pause = row.map(|row| {
        let (mode, since) = (mode(&row.mode)?, from_db(row.paused_at));
        Ok::<_, Error>(Pause { mode, reason: row.reason, by: row.paused_by, since })
    });
    let row = sqlx::query!(
        r#"select count(*) filter (where status = 'running') as "running!", count(*) filter (where status = 'queued') as "queued!",
             count(*) filter (where status in ('waiting', 'paused')) as "waiting!" from run_live"#
    )
    .fetch_one(connection)
    .await?;
    Ok(Intake { pause: pause.transpose()?, ..intake(row.running, row.waiting, row.queued) })
}

pub async fn put_instance(connection: &mut PgConnection, pause: &Pause) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into instance_pause (mode, reason, paused_by, paused_at) values ($1, $2, $3, $4)
         on conflict (only_one) do update
           set mode = excluded.mode, reason = excluded.reason, paused_by = excluded.paused_by, paused_at = excluded.paused_at",
        word(pause.mode),
        pause.reason,
        pause.by,
        to_db(pause.since)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The workspaces of those who operate the instance, each with its first environment; as `holon_owner`.
pub async fn of_operators(connection: &mut PgConnection) -> Result<Vec<(TenantId, EnvironmentId)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct m.tenant_id, e.environment_id from person p
           join member m on m.person_id = p.person_id
           join environment e on e.tenant_id = m.tenant_id and e.name = 'prod'
         where p.operator and p.disabled_at is null"
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), EnvironmentId(row.environment_id))).collect())
}

/// Whether there was one.
pub async fn delete_instance(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!("delete from instance_pause").execute(connection).await?;
    Ok(gone.rows_affected() > 0)
}
