//! Reads a backup through, from its first byte to its last, and compares it with what it says of itself. Nothing follows
//! from a file before that.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use holon_platform::crypto::Keyring;

use super::frames::{CHUNK, FrameReader, Kind, Unreadable, hex};
use super::manifest::{Header, Manifest, TableStart, TableSum};
use super::tuples::Tuples;
use super::{Error, Lock};

/// What a file that is whole says.
pub struct Checked {
    /// What it comes from.
    pub header: Header,
    /// What it holds.
    pub manifest: Manifest,
    /// The root key, when it is in it.
    pub root_key: Option<Keyring>,
}

/// One thing in a file.
pub enum Part {
    /// A table begins.
    Table(TableStart),
    /// Rows of it.
    Rows(Vec<u8>),
}

/// A file, part by part.
pub struct Parts<'a> {
    path: &'a Path,
    frames: FrameReader<BufReader<File>>,
    /// Where it comes from.
    pub header: Header,
    /// Seen on the way.
    pub root_key: Option<Keyring>,
    manifest: Option<Manifest>,
}

fn damaged(path: &Path, why: impl Into<String>) -> Error {
    Error::Damaged { path: path.to_owned(), why: why.into() }
}

fn unreadable(path: &Path, error: Unreadable) -> Error {
    match error {
        Unreadable::Io(source) => Error::file("read", path)(source),
        Unreadable::Damaged(why) => damaged(path, why),
        Unreadable::Passphrase(why) => Error::Passphrase(format!("{}: {why}", path.display())),
    }
}

impl<'a> Parts<'a> {
    /// Opens a file.
    pub fn open(path: &'a Path, lock: &Lock) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file("read", path))?;
        let (frames, header) =
            FrameReader::begin(BufReader::with_capacity(CHUNK, file), lock).map_err(|e| unreadable(path, e))?;
        Ok(Self { path, frames, header, root_key: None, manifest: None })
    }

    /// The next part; `None` when the file has come to its end and is whole.
    pub fn next_part(&mut self) -> Result<Option<Part>, Error> {
        while let Some((kind, body)) = self.frames.read_frame().map_err(|e| unreadable(self.path, e))? {
            if self.manifest.is_some() {
                return Err(damaged(self.path, "something follows its manifest"));
            }
            match kind {
                Kind::Table => return Ok(Some(Part::Table(self.json(&body)?))),
                Kind::Rows => return Ok(Some(Part::Rows(body))),
                Kind::Manifest => self.manifest = Some(self.json(&body)?),
                Kind::RootKey => {
                    let key = std::str::from_utf8(&body).ok().and_then(Keyring::from_text);
                    self.root_key = Some(key.ok_or_else(|| damaged(self.path, "its root key does not read"))?);
                }
                Kind::Header | Kind::End => return Err(damaged(self.path, "a frame stands where it must not")),
            }
        }
        Ok(None)
    }

    fn json<T: serde::de::DeserializeOwned>(&self, body: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(body).map_err(|error| damaged(self.path, error.to_string()))
    }
}

/// What came of the rows of a table.
#[derive(Default)]
struct Sum {
    tuples: Tuples,
    hasher: blake3::Hasher,
    bytes: u64,
}

/// Reads a file through.
///
/// # Errors
/// When it is not whole, or the passphrase is not its own.
pub fn check(path: &Path, lock: &Lock) -> Result<Checked, Error> {
    let mut parts = Parts::open(path, lock)?;
    let mut sums: Vec<TableSum> = Vec::new();
    let mut table: Option<(TableStart, Sum)> = None;
    while let Some(part) = parts.next_part()? {
        match (part, &mut table) {
            (Part::Table(start), open) => {
                if let Some((before, sum)) = open.replace((start, Sum::default())) {
                    sums.push(summed(path, before, &sum)?);
                }
            }
            (Part::Rows(body), Some((start, sum))) => {
                sum.bytes += body.len() as u64;
                sum.hasher.update(&body);
                if !sum.tuples.take(&body) {
                    return Err(damaged(path, format!("the rows of {} do not read", start.name)));
                }
            }
            (Part::Rows(_), None) => return Err(damaged(path, "rows stand before the first table")),
        }
    }
    if let Some((start, sum)) = table {
        sums.push(summed(path, start, &sum)?);
    }
    let manifest = parts.manifest.take().ok_or_else(|| damaged(path, "it has no manifest"))?;
    if manifest.tables != sums {
        return Err(damaged(path, "its content is not what its manifest says"));
    }
    Ok(Checked { header: parts.header, manifest, root_key: parts.root_key })
}

fn summed(path: &Path, start: TableStart, sum: &Sum) -> Result<TableSum, Error> {
    if !sum.tuples.ended() {
        return Err(damaged(path, format!("the rows of {} have no end", start.name)));
    }
    let hash = hex(sum.hasher.finalize().as_bytes());
    Ok(TableSum { name: start.name, rows: sum.tuples.rows, bytes: sum.bytes, hash })
}
