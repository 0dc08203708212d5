//! `cargo xtask sim [--count N] [--from N] [--seed N]`: the simulator for longer than a test run has time for, on a release build. It goes on
//! where it stopped the last time, and may be stopped at any moment.

use anyhow::{Result, bail};

use crate::args::Args;
use crate::{exec, far, say};

/// Seeds of one call.
const COUNT: &str = "100000";
/// How far it came, in a file of this name.
const STATE: &str = "seeds";

/// Goes through seeds that no call before went through, or those that are named, or tells one in full.
pub fn command(mut args: Args) -> Result<()> {
    let (count, from, seed) = (args.option("--count")?, args.option("--from")?, args.option("--seed")?);
    args.finish()?;
    let mut cargo = exec::cargo()?;
    cargo.args(["test", "--quiet", "--release", "--package", "holon-runtime", "--test", "sim", "--"]);
    cargo.args(["--ignored", "--nocapture", "--exact"]);
    if let Some(seed) = seed {
        exec::run(cargo.arg("one_seed_is_told_in_full").env("HOLON_SIM_SEED", seed))?;
        return Ok(());
    }
    let state = far::file(STATE)?;
    cargo.arg("the_long_way_goes_on_where_it_stopped");
    cargo.env("HOLON_SIM_STATE", &state).env("HOLON_SIM_COUNT", count.as_deref().unwrap_or(COUNT));
    if let Some(from) = from {
        cargo.env("HOLON_SIM_FROM", from);
    }
    if exec::run(&mut cargo).is_err() {
        bail!("something does not hold; what is printed above repeats it");
    }
    say::plain(&format!("{} seeds so far, none of which broke anything", far::come(STATE)?));
    Ok(())
}
