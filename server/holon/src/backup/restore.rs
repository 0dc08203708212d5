//! Makes a database of a backup, in one transaction: it is all there afterwards, or nothing was changed.
//!
//! A new incarnation is written and no replica is left, so a server that still runs on what was there is fenced: it can
//! commit nothing more and ends.

use std::path::Path;
use std::time::Duration;

use holon_model::Timestamp;
use holon_platform::clock::to_db;
use holon_platform::db::MIGRATOR;
use sqlx::migrate::{Migration, Migrator};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};
use uuid::Uuid;

use super::check::{Checked, Part, Parts};
use super::frames::hex;
use super::manifest::{Header, Manifest};
use super::tables::{self, Table, quoted};
use super::{Error, Incarnation, Lock, Progress, Step};

/// How long the tables are waited for.
const LOCK_WITHIN: Duration = Duration::from_secs(20);

/// What a person may ask for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// Delete what is in the database.
    pub replace: bool,
    /// Sign everybody out.
    pub end_sessions: bool,
}

/// What was restored.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What the file holds.
    pub manifest: Manifest,
    /// The life that began.
    pub incarnation: Incarnation,
    /// Runs that go on when a server starts.
    pub live_runs: i64,
}

/// Fills the database that `owner` is connected to from a file that was read through.
///
/// # Errors
/// When the file does not fit this build, the database holds something, or refuses; then nothing was changed.
pub async fn restore(
    owner: &mut PgConnection,
    (path, lock, checked): (&Path, &Lock, &Checked),
    wishes: Wishes,
    (now, id): (Timestamp, Uuid),
    progress: Progress<'_>,
) -> Result<Restored, Error> {
    let theirs = theirs(&checked.header)?;
    let mut tx = owner.begin().await?;
    let limit = format!("set local lock_timeout = '{}s'", LOCK_WITHIN.as_secs());
    raw_sql(AssertSqlSafe(limit)).execute(&mut *tx).await?;
    if !wishes.replace {
        refuse_what_is_used(&mut tx).await?;
    }
    raw_sql(include_str!("clear.sql")).execute(&mut *tx).await.map_err(locked)?;
    theirs.run(&mut *tx).await?;
    let there = tables::tables(&mut tx).await?;
    let names = checked.manifest.tables.iter().map(|table| table.name.as_str());
    if let Some(name) = tables::missing(names, &there).first() {
        return Err(Error::Schema(format!("the backup holds a table `{name}` that this build does not know")));
    }
    // What migrations put there is in the backup too.
    for table in there.iter().rev() {
        let statement = format!("delete from public.{}", quoted(&table.name));
        raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
    }
    for name in &checked.manifest.partitions {
        sqlx::query("select pg_temp.holon_week($1)").bind(name).execute(&mut *tx).await?;
    }
    fill(&mut tx, path, lock, checked, &there, progress).await?;
    for sequence in &checked.manifest.sequences {
        sqlx::query("select setval(to_regclass('public.' || quote_ident($1)), $2, $3)")
            .bind(&sequence.name)
            .bind(sequence.last)
            .bind(sequence.called)
            .execute(&mut *tx)
            .await?;
    }
    MIGRATOR.run(&mut *tx).await?;
    if wishes.end_sessions {
        raw_sql("delete from session").execute(&mut *tx).await?;
    }
    let number: i32 = sqlx::query_scalar(
        "insert into incarnation (number, incarnation_id, since, backup_made_at)
         select coalesce(max(number), 0) + 1, $1, $2, $3 from incarnation returning number",
    )
    .bind(id)
    .bind(to_db(now))
    .bind(to_db(checked.header.made_at))
    .fetch_one(&mut *tx)
    .await?;
    let live_runs = sqlx::query_scalar("select count(*) from run_live").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    // The planner knows nothing of what came; a server would find out by itself, later.
    if let Err(error) = raw_sql("analyze").execute(owner).await {
        tracing::warn!(%error, "the new tables were not analysed");
    }
    Ok(Restored { manifest: checked.manifest.clone(), incarnation: Incarnation { number, id }, live_runs })
}

/// The migrations that the backup's database had; each must be one of this build's. Those that came since are run after.
fn theirs(header: &Header) -> Result<Migrator, Error> {
    let mut theirs: Vec<Migration> = Vec::with_capacity(header.migrations.len());
    for applied in &header.migrations {
        match MIGRATOR.iter().find(|ours| ours.version == applied.version) {
            Some(ours) if hex(&ours.checksum) == applied.checksum => theirs.push(ours.clone()),
            Some(_) => {
                return Err(Error::Schema(format!(
                    "the backup comes from a build whose migration {} was another one (Holon {})",
                    applied.version, header.holon
                )));
            }
            None => {
                return Err(Error::Schema(format!(
                    "the backup was made by a newer build (Holon {}, migration {}); restore it with that one",
                    header.holon, applied.version
                )));
            }
        }
    }
    Ok(Migrator::with_migrations(theirs))
}

/// Whether somebody serves from it, or something is in it.
async fn refuse_what_is_used(tx: &mut PgConnection) -> Result<(), Error> {
    let there = tables::tables(tx).await?;
    let replicas: bool =
        sqlx::query_scalar("select to_regclass('public.replica') is not null").fetch_one(&mut *tx).await?;
    if replicas {
        let address: Option<String> =
            sqlx::query_scalar("select address from replica where not fenced and lease_until > now() limit 1")
                .fetch_optional(&mut *tx)
                .await?;
        if let Some(address) = address {
            return Err(Error::InUse { address });
        }
    }
    for table in there.iter().filter(|table| table.name != "incarnation") {
        let statement = format!("select exists (select from public.{})", quoted(&table.name));
        if sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut *tx).await? {
            return Err(Error::NotEmpty { table: table.name.clone() });
        }
    }
    Ok(())
}

/// Streams the rows in.
async fn fill(
    tx: &mut PgConnection,
    path: &Path,
    lock: &Lock,
    checked: &Checked,
    there: &[Table],
    progress: Progress<'_>,
) -> Result<(), Error> {
    let damaged = |why: String| Error::Damaged { path: path.to_owned(), why };
    let mut parts = Parts::open(path, lock)?;
    let mut part = parts.next_part()?;
    let mut total = 0;
    for sum in &checked.manifest.tables {
        let Some(Part::Table(start)) = part else { return Err(damaged(format!("{} is not in it", sum.name))) };
        let table = there
            .iter()
            .find(|table| table.name == start.name && table.name == sum.name)
            .ok_or_else(|| damaged(format!("{} stands where {} must", start.name, sum.name)))?;
        if let Some(column) = start.columns.iter().find(|column| !table.columns.contains(column)) {
            return Err(Error::Schema(format!("the backup holds a column {}.{column} that is not known", table.name)));
        }
        let name = quoted(&table.name);
        // Copying in is refused under row-level security, also where every row is let through.
        if table.forced {
            let statement = format!("alter table public.{name} no force row level security");
            raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        }
        let columns = start.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
        let statement = format!("copy public.{name} ({columns}) from stdin (format binary)");
        let mut copy = tx.copy_in_raw(&statement).await?;
        loop {
            part = parts.next_part()?;
            let Some(Part::Rows(rows)) = &part else { break };
            copy.send(rows.as_slice()).await?;
            total += rows.len() as u64;
            progress(Step { table: &sum.name, rows: sum.rows, bytes: total, done: false });
        }
        let rows = copy.finish().await?;
        if rows != sum.rows {
            return Err(damaged(format!("{rows} rows of {} came, {} were told", sum.name, sum.rows)));
        }
        if table.forced {
            let statement = format!("alter table public.{name} force row level security");
            raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        }
        progress(Step { table: &sum.name, rows, bytes: total, done: true });
    }
    Ok(())
}

fn locked(error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(|error| error.code()).as_deref() {
        // Lock not available; deadlock detected.
        Some("55P03" | "40P01") => Error::Locked { seconds: LOCK_WITHIN.as_secs() },
        _ => error.into(),
    }
}
