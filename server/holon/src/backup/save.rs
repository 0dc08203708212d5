//! Takes a backup: one snapshot of the whole database, streamed table by table, while whoever works on it goes on.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use futures::TryStreamExt as _;
use holon_model::Timestamp;
use holon_platform::crypto::Keyring;
use sqlx::{Connection as _, PgConnection};

use super::frames::{CHUNK, FrameWriter, Kind, hex};
use super::manifest::{FORMAT, Header, Manifest, TableStart, TableSum};
use super::place::Draft;
use super::tables::{self, Table, quoted};
use super::tuples::Tuples;
use super::{Error, Lock, Progress, Step};

/// What was saved.
#[derive(Debug, Clone)]
pub struct Saved {
    /// What it holds.
    pub manifest: Manifest,
    /// Bytes of the file.
    pub bytes: u64,
}

/// What is written into which file.
struct Sink {
    draft: Draft,
    out: FrameWriter<BufWriter<File>>,
}

impl Sink {
    fn frame(&mut self, kind: Kind, body: &[u8]) -> Result<(), Error> {
        self.out.frame(kind, body).map_err(|error| self.draft.failed(error, self.out.written))
    }

    fn json<T: serde::Serialize>(&mut self, kind: Kind, body: &T) -> Result<(), Error> {
        let body = serde_json::to_vec(body).map_err(|error| Error::Unfit(error.to_string()))?;
        self.frame(kind, &body)
    }
}

/// Saves the database that `owner` is connected to into a file. Writing is done in place: this is for a process, or a
/// task, that has nothing else to do.
///
/// # Errors
/// When something cannot be read or written; then there is no file.
pub async fn save(
    owner: &mut PgConnection,
    keyring: &Keyring,
    now: Timestamp,
    (path, replace): (&Path, bool),
    lock: &Lock,
    progress: Progress<'_>,
) -> Result<Saved, Error> {
    let (draft, file) = Draft::new(path, replace)?;
    let mut tx = owner.begin().await?;
    sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let migrations = tables::migrations(&mut tx).await?;
    if migrations.is_empty() {
        return Err(Error::Unfit("there is nothing to back up: no Holon has ever started on this database".into()));
    }
    let header = Header {
        format: FORMAT,
        made_at: now,
        holon: env!("CARGO_PKG_VERSION").to_owned(),
        postgres: sqlx::query_scalar("select current_setting('server_version')").fetch_one(&mut *tx).await?,
        root_key: keyring.id(),
        migrations,
        sealed: None,
    };
    let out = FrameWriter::begin(BufWriter::with_capacity(CHUNK, file), header, lock)
        .map_err(|error| draft.failed(error, 0))?;
    let mut sink = Sink { draft, out };
    if lock.passphrase.is_some() {
        sink.frame(Kind::RootKey, keyring.to_text().as_bytes())?;
    }
    let mut manifest = Manifest::default();
    let mut before = 0;
    for table in tables::tables(&mut tx).await? {
        let sum = one(&mut tx, &table, &mut sink, before, progress).await?;
        before += sum.bytes;
        manifest.tables.push(sum);
    }
    manifest.partitions = tables::partitions(&mut tx).await?;
    // Numbers are given out outside of transactions: read last, they are not behind any row.
    manifest.sequences = tables::sequences(&mut tx).await?;
    tx.rollback().await?;
    sink.json(Kind::Manifest, &manifest)?;
    let Sink { draft, out } = sink;
    let written = out.written;
    let file = out.end().and_then(|out| out.into_inner().map_err(std::io::IntoInnerError::into_error));
    let file = file.map_err(|error| draft.failed(error, written))?;
    let bytes = file.metadata().map_err(|error| draft.failed(error, written))?.len();
    draft.keep(file, written)?;
    Ok(Saved { manifest, bytes })
}

/// Streams one table.
async fn one(
    tx: &mut PgConnection,
    table: &Table,
    sink: &mut Sink,
    before: u64,
    progress: Progress<'_>,
) -> Result<TableSum, Error> {
    sink.json(Kind::Table, &TableStart { name: table.name.clone(), columns: table.columns.clone() })?;
    // A query and not the table itself: that is how partitions come along.
    let statement =
        format!("copy (select {} from public.{}) to stdout (format binary)", table.list(), quoted(&table.name));
    let (mut tuples, mut hasher, mut bytes, mut chunk) = (Tuples::default(), blake3::Hasher::new(), 0, Vec::new());
    let mut rows = tx.copy_out_raw(&statement).await?;
    while let Some(piece) = rows.try_next().await? {
        hasher.update(&piece);
        bytes += piece.len() as u64;
        if !tuples.take(&piece) {
            return Err(Error::Unfit(format!("what Postgres copies out of {} does not read", table.name)));
        }
        chunk.extend_from_slice(&piece);
        // A row can be larger than a chunk, and a chunk must not be larger than a frame.
        if chunk.len() >= CHUNK {
            for part in chunk.chunks(CHUNK) {
                sink.frame(Kind::Rows, part)?;
            }
            chunk.clear();
            progress(Step { table: &table.name, rows: tuples.rows, bytes: before + bytes, done: false });
        }
    }
    if !chunk.is_empty() {
        sink.frame(Kind::Rows, &chunk)?;
    }
    if !tuples.ended() {
        return Err(Error::Unfit(format!("what Postgres copies out of {} has no end", table.name)));
    }
    progress(Step { table: &table.name, rows: tuples.rows, bytes: before + bytes, done: true });
    let hash = hex(hasher.finalize().as_bytes());
    Ok(TableSum { name: table.name.clone(), rows: tuples.rows, bytes, hash })
}
