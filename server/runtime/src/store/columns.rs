//! A batch turned on its side: one array per column, as the statements of the Postgres store take it.

use std::collections::BTreeMap;

use holon_model::{Value, json};
use holon_platform::clock::to_db;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{AuditRow, Batch, LiveStatus, LiveWrite, RunFacts, RunWrite, StoreError, pack, shard_of, week_of};

/// Labels as their column has them.
fn labels_json(labels: &BTreeMap<String, String>) -> String {
    json::to_string(&Value::map(labels.iter().map(|(key, value)| (key.as_str(), Value::from(value.as_str())))))
}

/// Labels read back from their column.
///
/// # Errors
/// When it holds anything but an object of texts.
pub(super) fn labels_of(column: Option<String>) -> Result<BTreeMap<String, String>, StoreError> {
    let Some(text) = column else { return Ok(BTreeMap::new()) };
    let damaged = || StoreError::Inconsistent("the labels of a run do not read".into());
    let read = json::parse(text.as_bytes()).map_err(|_| damaged())?;
    let labels = read.as_map().ok_or_else(damaged)?;
    labels.iter().map(|(key, value)| Ok((key.to_string(), value.as_str().ok_or_else(damaged)?.to_owned()))).collect()
}

/// What the runs of a batch do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// They go on: only the journal grows.
    GoOn,
    /// They begin, without labels, without rows of the audit log and without payloads that are stored apart.
    Begin,
    /// They end, or go on.
    End,
    /// Anything.
    Mixed,
}

/// Columns of `idempotency`.
#[derive(Default)]
pub(super) struct Keyed {
    pub tenant: Vec<Uuid>,
    pub scope: Vec<String>,
    pub key: Vec<String>,
    pub run: Vec<Uuid>,
    pub request_hash: Vec<Vec<u8>>,
    pub expires_at: Vec<OffsetDateTime>,
}

/// Columns that every row of `run_hist` has.
#[derive(Default)]
pub(super) struct Facts {
    pub tenant: Vec<Uuid>,
    pub run: Vec<Uuid>,
    pub environment: Vec<Uuid>,
    pub flow: Vec<Uuid>,
    pub version: Vec<i32>,
    pub trigger: Vec<String>,
    pub actor: Vec<String>,
    pub started_at: Vec<OffsetDateTime>,
    pub definition_hash: Vec<Vec<u8>>,
    pub retry_of: Vec<Option<Uuid>>,
    /// JSON objects.
    pub labels: Vec<Option<String>>,
    pub correlation: Vec<Option<String>>,
    pub fork_of: Vec<Option<Uuid>>,
    pub fork_seq: Vec<Option<i64>>,
}

/// New rows of `run_label`.
#[derive(Default)]
pub(super) struct Labelled {
    pub tenant: Vec<Uuid>,
    pub run: Vec<Uuid>,
    pub key: Vec<String>,
    pub value: Vec<String>,
}

/// New rows of `audit_event`.
#[derive(Default)]
pub(super) struct Audited {
    pub tenant: Vec<Uuid>,
    /// The run that was started: one that lost its key writes none.
    pub run: Vec<Uuid>,
    pub event: Vec<Uuid>,
    pub at: Vec<OffsetDateTime>,
    pub environment: Vec<Uuid>,
    pub actor: Vec<String>,
    pub person: Vec<Option<Uuid>>,
    pub source: Vec<String>,
    pub intent: Vec<Uuid>,
    pub kind: Vec<String>,
    pub subject: Vec<String>,
    /// JSON.
    pub detail: Vec<String>,
    pub request: Vec<Option<String>>,
}

impl Audited {
    fn push(&mut self, write: &RunWrite, row: &AuditRow) {
        self.tenant.push(write.tenant.0);
        self.run.push(write.run.0);
        self.event.push(row.id.0);
        self.at.push(to_db(row.at));
        self.environment.push(row.environment.0);
        self.actor.push(row.actor.clone());
        self.person.push(row.person.map(|person| person.0));
        self.source.push(row.source.to_owned());
        self.intent.push(row.intent.0);
        self.kind.push(row.kind.to_owned());
        self.subject.push(row.subject.clone());
        self.detail.push(row.detail.clone());
        self.request.push(row.request.clone());
    }
}

impl Facts {
    fn push(&mut self, write: &RunWrite) {
        let facts: &RunFacts = &write.facts;
        self.tenant.push(write.tenant.0);
        self.run.push(write.run.0);
        self.environment.push(facts.environment.0);
        self.flow.push(facts.flow.0);
        self.version.push(facts.version);
        self.trigger.push(facts.trigger.clone());
        self.actor.push(facts.actor.clone());
        self.started_at.push(to_db(facts.started_at));
        self.definition_hash.push(facts.definition_hash.to_vec());
        self.retry_of.push(facts.retry_of.map(|run| run.0));
        let marks = &facts.marks;
        self.labels.push((!marks.labels.is_empty()).then(|| labels_json(&marks.labels)));
        self.correlation.push(marks.correlation.clone());
        self.fork_of.push(marks.fork_of.map(|(run, _)| run.0));
        self.fork_seq.push(marks.fork_of.map(|(_, seq)| seq));
    }
}

/// New rows of `run_live`.
#[derive(Default)]
pub(super) struct Born {
    pub tenant: Vec<Uuid>,
    pub run: Vec<Uuid>,
    pub environment: Vec<Uuid>,
    pub shard: Vec<i16>,
    pub flow: Vec<Uuid>,
    pub version: Vec<i32>,
    pub status: Vec<String>,
    pub started_at: Vec<OffsetDateTime>,
    pub wakes_at: Vec<Option<OffsetDateTime>>,
    pub correlation: Vec<Option<String>>,
}

/// New rows of `journal`.
#[derive(Default)]
pub(super) struct Journaled {
    pub tenant: Vec<Uuid>,
    pub run: Vec<Uuid>,
    pub seq: Vec<i64>,
    pub n: Vec<i32>,
    pub at: Vec<OffsetDateTime>,
    pub body: Vec<Vec<u8>>,
}

/// New rows of `blob`.
#[derive(Default)]
pub(super) struct Kept {
    pub tenant: Vec<Uuid>,
    /// The run that refers to it: a start that lost its key writes none.
    pub run: Vec<Uuid>,
    pub week: Vec<Date>,
    pub hash: Vec<Vec<u8>>,
    pub bytes: Vec<Vec<u8>>,
}

/// Changed rows of `run_live`.
#[derive(Default)]
pub(super) struct Changed {
    pub tenant: Vec<Uuid>,
    pub run: Vec<Uuid>,
    pub status: Vec<String>,
    pub reason: Vec<Option<String>>,
    pub paused_by: Vec<Option<String>>,
    pub wakes_at: Vec<Option<OffsetDateTime>>,
    pub snap_seq: Vec<Option<i64>>,
    pub snap: Vec<Option<Vec<u8>>>,
}

/// Rows that leave `run_live`.
#[derive(Default)]
pub(super) struct Gone {
    pub tenant: Vec<Uuid>,
    pub run: Vec<Uuid>,
}

/// What only the `ended` rows of `run_hist` have.
#[derive(Default)]
pub(super) struct Ends {
    pub facts: Facts,
    pub at: Vec<OffsetDateTime>,
    pub status: Vec<String>,
    pub error: Vec<Option<String>>,
    pub log_hash: Vec<Vec<u8>>,
    pub state: Vec<Vec<u8>>,
}

/// A batch by column.
#[derive(Default)]
pub(super) struct Columns {
    pub keyed: Keyed,
    pub started: Facts,
    pub labelled: Labelled,
    pub audited: Audited,
    pub born: Born,
    pub journaled: Journaled,
    pub kept: Kept,
    pub changed: Changed,
    pub gone: Gone,
    pub ended: Ends,
}

impl Columns {
    /// Turns a batch.
    ///
    /// # Errors
    /// When inputs cannot be packed.
    pub fn of(batch: &Batch) -> Result<Self, StoreError> {
        let mut columns = Self::default();
        for write in &batch.writes {
            columns.push(write)?;
        }
        Ok(columns)
    }

    /// Which statement does it.
    pub fn shape(&self) -> Shape {
        // What somebody asks for by hand is rare beside what triggers begin: an arm for it would cost each of those.
        let asked = !(self.labelled.run.is_empty() && self.audited.run.is_empty());
        let rare = asked || !(self.kept.run.is_empty() && self.changed.run.is_empty());
        let begins = !self.started.run.is_empty();
        let ends = !(self.gone.run.is_empty() && self.ended.at.is_empty());
        match (rare, begins, ends) {
            (false, false, false) => Shape::GoOn,
            (false, true, false) => Shape::Begin,
            (false, false, true) => Shape::End,
            _ => Shape::Mixed,
        }
    }

    fn push(&mut self, write: &RunWrite) -> Result<(), StoreError> {
        let (tenant, run) = (write.tenant.0, write.run.0);
        if let Some(start) = &write.start {
            self.started.push(write);
            for (key, value) in &write.facts.marks.labels {
                self.labelled.tenant.push(tenant);
                self.labelled.run.push(run);
                self.labelled.key.push(key.clone());
                self.labelled.value.push(value.clone());
            }
            if let Some(row) = &start.audit {
                self.audited.push(write, row);
            }
            if let Some(row) = &start.idempotency {
                self.keyed.tenant.push(tenant);
                self.keyed.scope.push(row.scope.clone());
                self.keyed.key.push(row.key.clone());
                self.keyed.run.push(row.run.0);
                self.keyed.request_hash.push(row.request_hash.to_vec());
                self.keyed.expires_at.push(to_db(row.expires_at));
            }
        }
        if let Some(journal) = &write.journal {
            let Some(last) = journal.entries.last() else {
                return Err(StoreError::Rejected("a journal row without inputs".into()));
            };
            self.journaled.tenant.push(tenant);
            self.journaled.run.push(run);
            self.journaled.seq.push(journal.seq);
            self.journaled.n.push(i32::try_from(journal.entries.len()).unwrap_or(i32::MAX));
            self.journaled.at.push(to_db(last.at));
            let packed = pack(&journal.entries)?;
            self.journaled.body.push(packed.body);
            for blob in packed.blobs {
                self.kept.tenant.push(tenant);
                self.kept.run.push(run);
                self.kept.week.push(week_of(write.run));
                self.kept.hash.push(blob.hash.to_vec());
                self.kept.bytes.push(blob.bytes);
            }
        }
        match &write.live {
            LiveWrite::Keep => {}
            LiveWrite::Insert(status) => {
                let born = &mut self.born;
                born.tenant.push(tenant);
                born.run.push(run);
                born.environment.push(write.facts.environment.0);
                born.shard.push(shard_of(write.run));
                born.flow.push(write.facts.flow.0);
                born.version.push(write.facts.version);
                born.status.push(status.as_str().to_owned());
                born.started_at.push(to_db(write.facts.started_at));
                born.wakes_at.push(write.wakes.map(to_db));
                born.correlation.push(write.facts.marks.correlation.clone());
            }
            LiveWrite::Update { status, reason, snapshot } => {
                let changed = &mut self.changed;
                changed.tenant.push(tenant);
                changed.run.push(run);
                changed.status.push(status.as_str().to_owned());
                changed.reason.push(reason.clone());
                changed.paused_by.push(None);
                changed.wakes_at.push(write.wakes.map(to_db));
                changed.snap_seq.push(snapshot.as_ref().map(|snapshot| snapshot.seq));
                changed.snap.push(snapshot.as_ref().map(|snapshot| snapshot.bytes.clone()));
            }
            LiveWrite::Hold { by, reason } => {
                let changed = &mut self.changed;
                changed.tenant.push(tenant);
                changed.run.push(run);
                changed.status.push(LiveStatus::Paused.as_str().to_owned());
                changed.reason.push(Some(reason.clone()));
                changed.paused_by.push(Some(by.clone()));
                changed.wakes_at.push(None);
                changed.snap_seq.push(None);
                changed.snap.push(None);
            }
            LiveWrite::Delete => {
                self.gone.tenant.push(tenant);
                self.gone.run.push(run);
            }
        }
        if let Some(end) = &write.end {
            self.ended.facts.push(write);
            self.ended.at.push(to_db(end.at));
            self.ended.status.push(end.status.to_owned());
            self.ended.error.push(end.error.clone());
            self.ended.log_hash.push(end.log_hash.to_vec());
            self.ended.state.push(end.state.clone());
        }
        Ok(())
    }
}
