//! `cargo xtask kills [--count N]`: a server killed with `kill -9` under load and started again, again and again, for longer than a test run
//! has time for. It goes on counting where it stopped the last time.

use anyhow::{Result, bail};

use crate::args::Args;
use crate::{exec, far, say, setup};

/// Kills of one call.
const COUNT: &str = "300";
/// How many there were, in a file of this name.
const STATE: &str = "kills";

/// Kills a server so many times.
pub fn command(mut args: Args) -> Result<()> {
    let count = args.option("--count")?;
    args.finish()?;
    let mut cargo = exec::cargo()?;
    // With the whole workspace's features, so that nothing is compiled a second time after the tests.
    cargo.args(["test", "--quiet", "--workspace", "--test", "server", "--"]);
    cargo.args(["--ignored", "--nocapture", "--exact", "kills::it_is_killed_as_often_as_one_likes"]);
    cargo.env("HOLON_KILLS_STATE", far::file(STATE)?).env("HOLON_KILLS", count.as_deref().unwrap_or(COUNT));
    cargo.env("HOLON_POSTGRES_BIN", setup::postgres::binaries()?);
    if exec::run(&mut cargo).is_err() {
        bail!("something was lost or done twice, or a start took too long: see above");
    }
    say::plain(&format!("{} kills so far, by which nothing was lost and nothing done twice", far::come(STATE)?));
    Ok(())
}
