//! The folder a build fills: unchanged files keep their time, files of earlier builds go away, and the contents
//! have one short hash.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::exec;

/// A folder being filled.
pub struct Folder {
    root: PathBuf,
    kept: BTreeSet<PathBuf>,
}

impl Folder {
    /// Opens the folder, made if it is not there.
    pub fn open(root: &Path) -> Result<Self> {
        exec::make_dir(root)?;
        Ok(Self { root: root.to_owned(), kept: BTreeSet::new() })
    }

    /// The path of a file in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// Declares a file that another program wrote, or that is up to date.
    pub fn keep(&mut self, name: impl AsRef<Path>) {
        self.kept.insert(name.as_ref().to_owned());
    }

    /// The files written or kept so far.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.kept.iter().map(PathBuf::as_path)
    }

    /// Writes a file, unless it holds exactly this already.
    pub fn write(&mut self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
        let path = self.path(&name);
        self.keep(name);
        if std::fs::read(&path).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        if let Some(dir) = path.parent() {
            exec::make_dir(dir)?;
        }
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Copies a file, or a folder with everything in it.
    pub fn copy(&mut self, from: &Path, name: impl AsRef<Path>) -> Result<()> {
        if from.is_dir() {
            for entry in std::fs::read_dir(from)? {
                let entry = entry?;
                self.copy(&entry.path(), name.as_ref().join(entry.file_name()))?;
            }
            return Ok(());
        }
        let bytes = std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        self.write(name, &bytes)
    }

    /// A short hash of every name and content, the same for the same files on any machine.
    pub fn id(&self) -> Result<String> {
        let mut hash = Fnv::new();
        for name in &self.kept {
            hash.add(name.to_string_lossy().as_bytes());
            hash.add(&std::fs::read(self.path(name))?);
        }
        Ok(hash.hex())
    }

    /// Removes what this build did not write.
    pub fn close(self) -> Result<()> {
        remove_others(&self.root, Path::new(""), &self.kept)
    }
}

fn remove_others(root: &Path, at: &Path, kept: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(root.join(at))? {
        let entry = entry?;
        let name = at.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(root, &name, kept)?;
        } else if !kept.contains(&name) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// FNV-1a, 64 bits: enough to tell two builds apart, and ten lines instead of a dependency.
pub struct Fnv(u64);

impl Fnv {
    /// The offset basis.
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes and their number, so that ("ab", "c") differs from ("a", "bc").
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&(bytes.len() as u64).to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Twelve hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:012x}", self.0 & 0xffff_ffff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fnv, Folder};

    #[test]
    fn the_hash_depends_on_where_one_content_ends() {
        let hash = |parts: &[&str]| {
            let mut fnv = Fnv::new();
            parts.iter().for_each(|part| fnv.add(part.as_bytes()));
            fnv.hex()
        };
        assert_eq!(hash(&["ab", "c"]), hash(&["ab", "c"]));
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
    }

    #[test]
    fn a_file_of_an_earlier_build_goes_away_and_an_unchanged_one_keeps_its_time() {
        let root = std::env::temp_dir().join(format!("holon-folder-{}", std::process::id()));
        let mut first = Folder::open(&root).unwrap();
        first.write("pkg/a.css", b"a").unwrap();
        first.write("old/b.css", b"b").unwrap();
        first.close().unwrap();
        let written = std::fs::metadata(root.join("pkg/a.css")).unwrap().modified().unwrap();
        let mut second = Folder::open(&root).unwrap();
        second.write("pkg/a.css", b"a").unwrap();
        second.close().unwrap();
        assert!(!root.join("old/b.css").exists());
        assert_eq!(std::fs::metadata(root.join("pkg/a.css")).unwrap().modified().unwrap(), written);
        std::fs::remove_dir_all(root).unwrap();
    }
}
