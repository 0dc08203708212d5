//! Journal rows as they lie in storage: inputs packed together, and the large payloads in them apart, by the hash of their
//! content. What is read back is byte for byte what was written, so neither the machine nor the log hash knows of it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use holon_engine::{Input, Outcome, decode_input};
use holon_model::{Payload, RunId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

use super::{Entry, StoreError};

/// A larger payload is stored apart.
pub const MOST_INLINE: usize = 8 << 10;
/// Where the payload's bytes begin in an encoded input, at most: behind the format, the kind, and what names the effect.
const LATEST_START: usize = 64;
/// Packed inputs begin with how many there are, never none: this marks rows that refer to payloads.
const WITH_REFERENCES: u8 = 0;

/// blake3 of a payload's bytes.
pub type Hash = [u8; 32];

/// The content of a payload that is stored apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its name.
    pub hash: Hash,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Where payloads are read from. They are written with the rows that refer to them: see `Store::commit`.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// The bytes of those of these payloads that there are.
    async fn blobs(
        &self,
        tenant: TenantId,
        week: Date,
        hashes: &BTreeSet<Hash>,
    ) -> Result<BTreeMap<Hash, Vec<u8>>, StoreError>;
}

/// Monday of the week (UTC) in which a run's id was made. A run refers to payloads of its own week, so that a week is
/// dropped whole.
pub fn week_of(run: RunId) -> Date {
    let mut bytes = [0; 16];
    bytes[10..].copy_from_slice(&run.as_bytes()[..6]);
    // 48 bits of milliseconds (RFC 9562 §5.7) are more than dates go: what is no time of ours is the last week there is.
    let millis = i128::from_be_bytes(bytes);
    let day = OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).map_or(Date::MAX, OffsetDateTime::date);
    day.saturating_sub(Duration::days(i64::from(day.weekday().number_days_from_monday())))
}

/// A journal row's body and the payloads it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The body.
    pub body: Vec<u8>,
    /// What must be written with it.
    pub blobs: Vec<Blob>,
}

/// An input as it lies in a row: what stands before and after a payload that is stored apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    at: Timestamp,
    head: Vec<u8>,
    apart: Option<Apart>,
    log_hash: Hash,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Apart {
    hash: Hash,
    len: u64,
    tail: Vec<u8>,
}

/// Packs the inputs of one journal row.
///
/// # Errors
/// When they cannot be written down.
pub fn pack(entries: &[Entry]) -> Result<Packed, StoreError> {
    let rejected = |error: postcard::Error| StoreError::Rejected(error.to_string());
    if entries.iter().all(|entry| entry.input.len() <= MOST_INLINE) {
        let body = postcard::to_allocvec(entries).map_err(rejected)?;
        return Ok(Packed { body, blobs: Vec::new() });
    }
    let mut blobs: Vec<Blob> = Vec::new();
    let rows: Vec<Row> = entries.iter().map(|entry| set_apart(entry, &mut blobs)).collect();
    let body = postcard::to_extend(&rows, vec![WITH_REFERENCES]).map_err(rejected)?;
    Ok(Packed { body, blobs })
}

fn set_apart(entry: &Entry, blobs: &mut Vec<Blob>) -> Row {
    let Entry { at, ref input, log_hash } = *entry;
    if input.len() <= MOST_INLINE {
        return Row { at, head: input.clone(), apart: None, log_hash };
    }
    let (from, to) = payload(input).unwrap_or((0, input.len()));
    let (hash, bytes) = (*blake3::hash(&input[from..to]).as_bytes(), &input[from..to]);
    if blobs.iter().all(|blob| blob.hash != hash) {
        blobs.push(Blob { hash, bytes: bytes.to_vec() });
    }
    let apart = Apart { hash, len: bytes.len() as u64, tail: input[to..].to_vec() };
    Row { at, head: input[..from].to_vec(), apart: Some(apart), log_hash }
}

/// Where the value lies in an encoded input, so that the same value has the same name wherever it came from. Nothing for
/// other large inputs, which are stored apart whole.
fn payload(input: &[u8]) -> Option<(usize, usize)> {
    let decoded = decode_input(input).ok()?;
    let value = match &decoded {
        Input::Start { input: Payload::Inline(value), .. } => value,
        Input::EffectCompleted {
            outcome: Outcome::Ok(Payload::Inline(value)) | Outcome::Kept { value: Payload::Inline(value), .. },
            ..
        } => value,
        _ => return None,
    };
    let bytes = postcard::to_allocvec(value).ok()?;
    // Found where it stands or not at all: any place that holds these bytes gives the input back exactly.
    let from = (0..LATEST_START).find(|from| input.get(*from..).is_some_and(|rest| rest.starts_with(&bytes)))?;
    (bytes.len() > MOST_INLINE).then_some((from, from + bytes.len()))
}

/// A journal row read back, before the payloads it refers to are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked(Vec<Row>);

impl Unpacked {
    /// Reads a row's body.
    ///
    /// # Errors
    /// When it does not read.
    pub fn read(body: &[u8]) -> Result<Self, StoreError> {
        let damaged = |error| StoreError::Inconsistent(format!("a journal row does not read: {error}"));
        if let [WITH_REFERENCES, rows @ ..] = body {
            return postcard::from_bytes(rows).map(Self).map_err(damaged);
        }
        let entries: Vec<Entry> = postcard::from_bytes(body).map_err(damaged)?;
        let inline = |entry: Entry| Row { at: entry.at, head: entry.input, apart: None, log_hash: entry.log_hash };
        Ok(Self(entries.into_iter().map(inline).collect()))
    }

    /// How many inputs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Leaves the first `count` inputs out.
    pub fn skip(&mut self, count: usize) {
        self.0.drain(..count.min(self.0.len()));
    }

    /// Keeps the first `count` inputs at most.
    pub fn truncate(&mut self, count: usize) {
        self.0.truncate(count);
    }

    /// Keeps as many inputs from the front as there are bytes for, and with `first` the first one however large it is;
    /// `bytes` is what is left of them after it.
    pub fn keep_within(&mut self, bytes: &mut u64, first: bool) {
        let mut kept = 0;
        for row in &self.0 {
            let size = (row.head.len() as u64).saturating_add(row.apart.as_ref().map_or(0, |apart| apart.len));
            if size > *bytes && !(first && kept == 0) {
                break;
            }
            *bytes = bytes.saturating_sub(size);
            kept += 1;
        }
        self.0.truncate(kept);
    }

    /// The payloads that it refers to.
    pub fn wanted(&self) -> impl Iterator<Item = Hash> {
        self.0.iter().filter_map(|row| row.apart.as_ref()).map(|apart| apart.hash)
    }

    /// The inputs, with their payloads in their places.
    ///
    /// # Errors
    /// When a payload is missing or has another length.
    pub fn fill(self, found: &BTreeMap<Hash, Vec<u8>>) -> Result<Vec<Entry>, StoreError> {
        let entry = |row: Row| {
            let Row { at, head: mut input, apart, log_hash } = row;
            if let Some(Apart { hash, len, tail }) = apart {
                let missing = || StoreError::Inconsistent("a payload that the journal refers to is missing".into());
                let bytes = found.get(&hash).filter(|bytes| bytes.len() as u64 == len).ok_or_else(missing)?;
                input.extend_from_slice(bytes);
                input.extend_from_slice(&tail);
            }
            Ok(Entry { at, input, log_hash })
        };
        self.0.into_iter().map(entry).collect()
    }
}

/// The inputs from number `from` on out of journal rows in order, refusing a gap.
///
/// # Errors
/// When a row does not read or one is missing.
pub fn continuous<'a>(rows: impl Iterator<Item = (i64, &'a [u8])>, from: i64) -> Result<Vec<Unpacked>, StoreError> {
    let mut all = Vec::new();
    let mut next = None;
    for (seq, body) in rows {
        if next.is_some_and(|next| next != seq) || (next.is_none() && seq > from) {
            return Err(StoreError::Inconsistent(format!("the journal has a gap before input {seq}")));
        }
        let mut row = Unpacked::read(body)?;
        next = Some(seq + row.len() as i64);
        row.skip(usize::try_from(from - seq).unwrap_or(0));
        if !row.is_empty() {
            all.push(row);
        }
    }
    Ok(all)
}

/// The payloads that rows refer to.
pub fn wanted(rows: &[Unpacked]) -> BTreeSet<Hash> {
    rows.iter().flat_map(Unpacked::wanted).collect()
}

/// The inputs of rows, with these payloads in their places.
///
/// # Errors
/// When one is missing or has another length.
pub fn fill(rows: Vec<Unpacked>, found: &BTreeMap<Hash, Vec<u8>>) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for row in rows {
        entries.extend(row.fill(found)?);
    }
    Ok(entries)
}

/// The inputs of rows, with the payloads that they refer to.
///
/// # Errors
/// When payloads cannot be read or are missing.
pub async fn filled(
    blobs: &dyn Blobs,
    tenant: TenantId,
    run: RunId,
    rows: Vec<Unpacked>,
) -> Result<Vec<Entry>, StoreError> {
    let wanted = wanted(&rows);
    let found = if wanted.is_empty() { BTreeMap::new() } else { blobs.blobs(tenant, week_of(run), &wanted).await? };
    fill(rows, &found)
}

/// The inputs that read of rows of which not all do.
///
/// # Errors
/// When payloads cannot be read.
pub async fn legible<'a>(
    blobs: &dyn Blobs,
    tenant: TenantId,
    run: RunId,
    bodies: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<Entry>, StoreError> {
    let rows: Vec<Row> = bodies.filter_map(|body| Unpacked::read(body).ok()).flat_map(|row| row.0).collect();
    let wanted: BTreeSet<Hash> = rows.iter().filter_map(|row| Some(row.apart.as_ref()?.hash)).collect();
    let found = if wanted.is_empty() { BTreeMap::new() } else { blobs.blobs(tenant, week_of(run), &wanted).await? };
    Ok(rows.into_iter().filter_map(|row| Unpacked(vec![row]).fill(&found).ok()).flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_engine::{EffectId, RunInfo, encode_input};
    use holon_model::Value;
    use time::macros::date;
    use uuid::Uuid;

    fn entry(input: &Input) -> Entry {
        Entry { at: Timestamp(7), input: encode_input(input), log_hash: [3; 32] }
    }

    fn run(millis: u128) -> RunId {
        RunId(Uuid::from_u128((millis << 80) | (7 << 76)))
    }

    #[test]
    fn a_value_has_one_name_as_input_and_as_result_and_comes_back_byte_for_byte() {
        let value = Payload::Inline(Value::from("x".repeat(100 << 10)));
        let info = Box::new(RunInfo::new(run(1), 9, Timestamp(7)));
        let done = |id: u8| {
            let outcome = Outcome::Ok(value.clone());
            entry(&Input::EffectCompleted { id: EffectId([id; 16]), attempt: 300, outcome })
        };
        let start = entry(&Input::Start { input: value.clone(), run: info });
        let cancel = entry(&Input::Cancel { reason: "short".into() });
        let entries = vec![start, done(1), cancel, done(2)];
        let packed = pack(&entries).unwrap();
        assert_eq!(packed.blobs.len(), 1, "the same value three times");
        assert!(packed.body.len() < 1_000, "{}", packed.body.len());
        let read = Unpacked::read(&packed.body).unwrap();
        let found = packed.blobs.iter().map(|blob| (blob.hash, blob.bytes.clone())).collect();
        assert_eq!(read.clone().fill(&found).unwrap(), entries);
        assert!(matches!(read.fill(&BTreeMap::new()), Err(StoreError::Inconsistent(_))));
    }

    #[test]
    fn a_large_input_of_another_kind_is_stored_apart_whole_and_a_small_one_lies_in_its_row() {
        let long = entry(&Input::Cancel { reason: "r".repeat(MOST_INLINE + 1) });
        let packed = pack(std::slice::from_ref(&long)).unwrap();
        assert_eq!((packed.blobs[0].bytes.as_slice(), packed.blobs.len()), (long.input.as_slice(), 1));
        let small = [entry(&Input::Cancel { reason: "r".into() })];
        let packed = pack(&small).unwrap();
        assert!(packed.blobs.is_empty());
        assert_eq!(packed.body, postcard::to_allocvec(&small[..]).unwrap(), "as rows were written before");
        assert_eq!(Unpacked::read(&packed.body).unwrap().fill(&BTreeMap::new()).unwrap(), small);
    }

    #[test]
    fn the_week_of_a_run_begins_on_monday_in_utc() {
        // 2026-11-23 is a Monday.
        let monday = 1_795_392_000_000;
        assert_eq!(week_of(run(monday)), date!(2026 - 11 - 23));
        assert_eq!(week_of(run(monday - 1)), date!(2026 - 11 - 16));
        assert_eq!(week_of(run(monday + 7 * 86_400_000 - 1)), date!(2026 - 11 - 23));
        assert!(week_of(run((1 << 48) - 1)) > date!(9999 - 01 - 01));
    }

    #[test]
    fn a_gap_is_refused_and_a_page_holds_what_there_are_bytes_for() {
        let small = pack(&[entry(&Input::Cancel { reason: "r".into() })]).unwrap().body;
        assert!(continuous([(0, &*small), (1, &*small)].into_iter(), 1).is_ok_and(|rows| rows.len() == 1));
        assert!(continuous([(0, &*small), (2, &*small)].into_iter(), 0).is_err());
        assert!(continuous([(1, &*small)].into_iter(), 0).is_err());
        let large = entry(&Input::Cancel { reason: "r".repeat(20_000) });
        let packed = pack(&[large.clone(), large]).unwrap();
        let mut rows = Unpacked::read(&packed.body).unwrap();
        rows.keep_within(&mut 30_000, false);
        assert_eq!(rows.len(), 1);
        let mut rows = Unpacked::read(&packed.body).unwrap();
        rows.keep_within(&mut 10, true);
        assert_eq!(rows.len(), 1, "the first is shown however large it is");
        rows.keep_within(&mut 10, false);
        assert!(rows.is_empty());
    }
}
