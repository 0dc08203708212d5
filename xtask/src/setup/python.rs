//! Python, for the worker in Python that the documentation shows: a test runs it.

use anyhow::Result;

use super::apt;
use crate::paths;

/// Sees to it that there is Python 3.
pub fn ensure() -> Result<()> {
    if paths::program("python3").is_none() {
        apt::install(&["python3"], "Python, for the example of a worker that a test runs")?;
    }
    Ok(())
}
