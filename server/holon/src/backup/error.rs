//! Why a backup was not made or not restored; every text says what became of what was there, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use holon_platform::crypto::RootKeyError;
use holon_platform::db::DbError;

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is there already.
    #[error("{path} exists already and was left as it is; choose another name, or give --replace", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error(
        "there is no space left for {path} after {written} bytes; what was written of it was removed, and nothing else \
         was changed",
        path = path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// How far it came.
        written: u64,
    },
    /// The file cannot be read or written.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no backup, or damaged.
    #[error("{path} cannot be used: {why}. Nothing was changed", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A passphrase is needed, or must not be given.
    #[error("{0}")]
    Passphrase(String),
    /// The file comes from a newer build, or from another one.
    #[error("{0}. Nothing was changed")]
    Schema(String),
    /// The root key is not the one of the backup.
    #[error("{0}. Nothing was changed")]
    RootKey(String),
    /// The database holds something.
    #[error(
        "the database is not empty (there are rows in {table}), and nothing was changed. Restore into a new data \
         directory or an empty database, or give --replace to have everything in it deleted"
    )]
    NotEmpty {
        /// A table with rows.
        table: String,
    },
    /// A server runs on it.
    #[error(
        "a server at {address} is running on this database, and nothing was changed. Stop it, or give --replace: it is \
         shut out then and ends by itself"
    )]
    InUse {
        /// Where it says that it runs.
        address: String,
    },
    /// Somebody holds the tables.
    #[error(
        "the tables are in use by somebody and could not be had within {seconds} s; nothing was changed. Stop the servers \
         that use this database and try again"
    )]
    Locked {
        /// How long it was tried.
        seconds: u64,
    },
    /// What is there cannot be backed up or restored as it is.
    #[error("{0}")]
    Unfit(String),
    /// The root key's file.
    #[error(transparent)]
    KeyFile(#[from] RootKeyError),
    /// The database cannot be reached.
    #[error(transparent)]
    Reach(#[from] DbError),
    /// The database refused.
    #[error("the database refused: {0}. Nothing was changed")]
    Database(#[from] sqlx::Error),
    /// Migrations failed.
    #[error("the schema could not be made: {0}. Nothing was changed")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl Error {
    /// About a file.
    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { what, path: path.to_owned(), source }
    }
}
