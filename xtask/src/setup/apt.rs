//! Debian packages, where there is Debian's package manager and the right to use it.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{exec, paths, say};

/// Installs packages. `why` is shown, and is part of the error when it cannot be done.
pub fn install(packages: &[&str], why: &str) -> Result<()> {
    let by_hand = format!("{why}: install {} by hand and run the command again", packages.join(" "));
    if paths::program("apt-get").is_none() {
        bail!("{by_hand} (there is no apt-get here)");
    }
    if !exec::is_root() && !exec::succeeds(Command::new("sudo").args(["-n", "true"])) {
        bail!("{by_hand} (sudo asks for a password: `sudo apt-get install {}`)", packages.join(" "));
    }
    say::step(&format!("apt-get install {} ({why})", packages.join(" ")));
    // What apt-get tells is shown only when it fails.
    if exec::output(&mut apt_get(&["install"], packages)).is_err() {
        say::note("trying again after apt-get update");
        exec::output(&mut apt_get(&["update"], &[])).with_context(|| by_hand.clone())?;
        exec::output(&mut apt_get(&["install"], packages)).context(by_hand)?;
    }
    Ok(())
}

fn apt_get(verb: &[&str], packages: &[&str]) -> Command {
    let mut command = privileged("env");
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y", "--no-install-recommends"]);
    // A configuration file that stands there already was put there on purpose.
    command.args(["-o", "Dpkg::Options::=--force-confold"]);
    command.args(verb).args(packages);
    command
}

/// The program with the rights to write into the system.
pub fn privileged(program: &str) -> Command {
    if exec::is_root() {
        Command::new(program)
    } else {
        let mut command = Command::new("sudo");
        command.args(["-n", program]);
        command
    }
}
