//! What a backup says about itself: at its beginning what it comes from, at its end what it holds.

use holon_model::Timestamp;
use serde::{Deserialize, Serialize};

/// The format that this build writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The first frame; never sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// See [`FORMAT`].
    pub format: u32,
    /// When.
    pub made_at: Timestamp,
    /// The version of Holon that made it.
    pub holon: String,
    /// What Postgres said of its version.
    pub postgres: String,
    /// Which key the secrets in it are sealed under.
    pub root_key: String,
    /// The migrations of the database, oldest first.
    pub migrations: Vec<Applied>,
    /// How the other frames are sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
}

/// A migration that had been run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Its number.
    pub version: i64,
    /// The hash of its text, hexadecimal.
    pub checksum: String,
}

/// Argon2id (64 MiB, three passes) makes the key, AES-256-GCM seals frame by frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// 16 random bytes, hexadecimal.
    pub salt: String,
}

/// Begins a table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStart {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of the rows.
    pub columns: Vec<String>,
}

/// The last frame but one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// In the order in which they stand.
    pub tables: Vec<TableSum>,
    /// Weekly partitions that there were, so that rows come to lie as they lay.
    pub partitions: Vec<String>,
    /// Where sequences stood.
    pub sequences: Vec<Sequence>,
}

/// What a table came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Their bytes, as Postgres copies them out.
    pub bytes: u64,
    /// blake3 of those bytes, hexadecimal.
    pub hash: String,
}

/// Where a sequence stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name.
    pub name: String,
    /// The last number.
    pub last: i64,
    /// Whether that was given out.
    pub called: bool,
}
