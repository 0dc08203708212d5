//! Where a backup is written: beside its place under another name, private, and moved there when it is whole and on the
//! disk. What is in the place already is never overwritten without being told to.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Error;

/// A file that is being written.
pub struct Draft {
    path: PathBuf,
    draft: PathBuf,
    replace: bool,
    kept: bool,
}

impl Draft {
    /// Makes the draft of a file.
    pub fn new(path: &Path, replace: bool) -> Result<(Self, File), Error> {
        if !replace && path.symlink_metadata().is_ok() {
            return Err(Error::Exists { path: path.to_owned() });
        }
        let name = path.file_name().ok_or_else(|| {
            Error::file("write", path)(io::Error::new(io::ErrorKind::InvalidInput, "it is not the name of a file"))
        })?;
        let mut draft_name = name.to_owned();
        draft_name.push(format!(".{}.part", std::process::id()));
        let draft = path.with_file_name(draft_name);
        let file = File::options()
            .write(true)
            .create_new(true)
            // It holds everybody's data.
            .mode(0o600)
            .open(&draft)
            .map_err(Error::file("make", &draft))?;
        Ok((Self { path: path.to_owned(), draft, replace, kept: false }, file))
    }

    /// What an error of writing means.
    pub fn failed(&self, error: io::Error, written: u64) -> Error {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Error::Full { path: self.path.clone(), written }
            }
            _ => Error::file("write", &self.draft)(error),
        }
    }

    /// Puts the whole file in its place.
    pub fn keep(mut self, mut file: File, written: u64) -> Result<(), Error> {
        file.flush().and_then(|()| file.sync_all()).map_err(|error| self.failed(error, written))?;
        drop(file);
        if self.replace {
            fs::rename(&self.draft, &self.path).map_err(Error::file("put in place", &self.path))?;
        } else {
            match fs::hard_link(&self.draft, &self.path) {
                Ok(()) => fs::remove_file(&self.draft).map_err(Error::file("clear away", &self.draft))?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Error::Exists { path: self.path.clone() });
                }
                // A file system without hard links: nothing was there when this began.
                Err(_) => fs::rename(&self.draft, &self.path).map_err(Error::file("put in place", &self.path))?,
            }
        }
        self.kept = true;
        if let Some(folder) = self.path.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            // Some file systems cannot; then the name is as durable as they make it.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is named `.part` and is in nobody's way.
            let _ = fs::remove_file(&self.draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("holon-place-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_it_is_whole_is_private_and_is_never_overwritten_silently() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder("whole");
        let path = folder.join("a");
        let (draft, mut file) = Draft::new(&path, false).unwrap();
        file.write_all(b"one").unwrap();
        assert!(!path.exists());
        draft.keep(file, 3).unwrap();
        assert_eq!(names(&folder), ["a"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(Draft::new(&path, false), Err(Error::Exists { .. })));

        let (draft, mut file) = Draft::new(&path, true).unwrap();
        file.write_all(b"two").unwrap();
        draft.keep(file, 3).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_that_appears_meanwhile_is_kept_and_a_draft_that_is_given_up_leaves_nothing() {
        let folder = folder("meanwhile");
        let path = folder.join("a");
        let (draft, file) = Draft::new(&path, false).unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(matches!(draft.keep(file, 0), Err(Error::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        drop(Draft::new(&folder.join("b"), false).unwrap());
        assert_eq!(names(&folder), ["a"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_full_disk_is_told_by_its_name_and_size() {
        let folder = folder("full");
        let (draft, _) = Draft::new(&folder.join("a"), false).unwrap();
        // What this device says is what a full disk says.
        let error = File::options().write(true).open("/dev/full").unwrap().write_all(b"x").unwrap_err();
        let said = draft.failed(error, 4096).to_string();
        assert!(said.contains("no space left") && said.contains("4096 bytes"), "{said}");
        drop(draft);
        fs::remove_dir_all(folder).unwrap();
    }
}
