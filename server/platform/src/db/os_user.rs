//! The unprivileged user that Postgres runs as when the server is started as root: Postgres refuses to be root.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

/// A user and group of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OsUser {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl OsUser {
    /// The user to run Postgres as: nobody else than us, unless we are root.
    pub(super) fn for_postgres() -> io::Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = std::fs::read_to_string("/etc/passwd")?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| Self::in_passwd(&passwd, name))
            .map(Some)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "neither a user `postgres` nor `nobody` exists"))
    }

    fn in_passwd(passwd: &str, name: &str) -> Option<Self> {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            Some(Self { uid, gid })
        })
    }

    /// True when this user can walk through every folder above `path`, itself not counted.
    pub(super) fn can_reach(self, path: &Path) -> bool {
        path.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()).all(|dir| {
            let Ok(meta) = std::fs::metadata(dir) else { return true };
            let mode = meta.permissions().mode();
            let bit = match () {
                () if meta.uid() == self.uid => 0o100,
                () if meta.gid() == self.gid => 0o010,
                () => 0o001,
            };
            mode & bit != 0
        })
    }
}

/// Makes the folder (and those above it), private to the user.
pub(super) fn private_dir(path: &Path, user: Option<OsUser>) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    if let Some(user) = user {
        std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid))?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

/// The uid that will own what Postgres makes.
pub(super) fn effective_uid(user: Option<OsUser>) -> u32 {
    user.map_or_else(|| rustix::process::geteuid().as_raw(), |u| u.uid)
}

/// A command that runs as the user, without our environment's PG* settings.
pub(super) fn command_as(program: &Path, user: Option<OsUser>) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(&name);
        }
    }
    // C: messages are parsed and logged, and a missing locale must not stop the start.
    command.env("LC_ALL", "C").env("TZ", "UTC").env_remove("HOLON_DATABASE_URL");
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid).env("HOME", "/");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_not_by_part_of_a_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nmypostgres:x:5:5::/:/x\npostgres:x:101:104:,,,:/var:/bin/bash\n";
        assert_eq!(OsUser::in_passwd(passwd, "postgres"), Some(OsUser { uid: 101, gid: 104 }));
        assert_eq!(OsUser::in_passwd(passwd, "nobody"), None);
    }
}
