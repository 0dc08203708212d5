//! Backups: one file with everything that must survive, taken from a database while its server runs, and a database made
//! from such a file again.
//!
//! The file is a row of frames (`frames`): a header, then for every table (`tables`) its rows as Postgres copies them out
//! in binary, then a manifest with counts and hashes (`manifest`), then the hash of all of it. It is written under another
//! name and put in its place when it is whole (`place`); it is read through before anything follows from it (`check`).

mod check;
mod cli;
mod error;
mod frames;
mod incarnation;
mod manifest;
mod place;
mod restore;
mod save;
mod tables;
mod tuples;

pub use check::{Checked, check};
pub use cli::{Command, HELP, run};
pub use error::Error;
pub use incarnation::{Incarnation, another_begins, present};
pub use manifest::{Header, Manifest, TableSum};
pub use restore::{Restored, Wishes, restore};
pub use save::{Saved, save};
pub use tables::LEFT_OUT;

use holon_platform::crypto::Secret;

/// What opens or closes a file.
#[derive(Debug, Clone, Default)]
pub struct Lock {
    /// With one the file is sealed and holds the root key; without, the root key is kept apart.
    pub passphrase: Option<Secret>,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The table.
    pub table: &'a str,
    /// Its rows so far.
    pub rows: u64,
    /// Bytes of all tables so far.
    pub bytes: u64,
    /// Whether the table is done.
    pub done: bool,
}

/// Told as work goes on.
pub type Progress<'a> = &'a mut (dyn FnMut(Step<'_>) + Send);
