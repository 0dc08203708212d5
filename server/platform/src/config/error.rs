//! What can be wrong with a configuration; every variant names the key.

use std::path::PathBuf;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value does not have the form its key asks for.
    #[error("{key} (from {place}): {problem}")]
    Value {
        /// The key, as written in the environment.
        key: &'static str,
        /// Where the value was read.
        place: String,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// The file names a key that does not exist.
    #[error("{path}: unknown key `{key}`{hint}", path = path.display())]
    UnknownKey {
        /// The configuration file.
        path: PathBuf,
        /// The key as written.
        key: String,
        /// The nearest known key, or nothing.
        hint: String,
    },
    /// The file is not TOML.
    #[error("{path}: not valid TOML: {problem}", path = path.display())]
    Syntax {
        /// The configuration file.
        path: PathBuf,
        /// The parser's message, with its position.
        problem: String,
    },
    /// The file cannot be read.
    #[error("{key}: cannot read {path}: {problem}", path = path.display())]
    File {
        /// The key that named the file.
        key: &'static str,
        /// The configuration file.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// Two keys exclude each other, or one needs another.
    #[error("{key}: {problem}")]
    Conflict {
        /// The key to change.
        key: &'static str,
        /// What does not fit.
        problem: String,
    },
}
