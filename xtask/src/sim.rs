//! `cargo xtask sim [--count N] [--from N] [--seed N]`: the simulator for longer than a test run has time for, on a release build. It goes on
//! where it stopped the last time.

use anyhow::{Context, Result, bail};

use crate::args::Args;
use crate::{exec, paths, say};

/// Seeds of one call.
const COUNT: &str = "100000";

/// Goes through seeds that no call before went through, or those that are named, or tells one in full.
pub fn command(mut args: Args) -> Result<()> {
    let (count, from, seed) = (args.option("--count")?, args.option("--from")?, args.option("--seed")?);
    args.finish()?;
    let mut cargo = exec::cargo()?;
    cargo.args(["test", "--quiet", "--release", "--package", "holon-runtime", "--test", "sim", "--"]);
    cargo.arg("--nocapture");
    if let Some(seed) = seed {
        exec::run(cargo.arg("whatever").env("HOLON_SIM_SEED", seed))?;
        return Ok(());
    }
    let state = paths::cache()?.join("sim").join("seeds");
    exec::make_dir(state.parent().context("the state has a folder")?)?;
    cargo.args(["--ignored", "the_long_way"]);
    cargo.env("HOLON_SIM_STATE", &state).env("HOLON_SIM_COUNT", count.as_deref().unwrap_or(COUNT));
    if let Some(from) = from {
        cargo.env("HOLON_SIM_FROM", from);
    }
    if exec::run(&mut cargo).is_err() {
        bail!("something does not hold; what is printed above repeats it");
    }
    let done = std::fs::read_to_string(&state).unwrap_or_default();
    say::plain(&format!("{} seeds so far, none of which broke anything", done.trim()));
    Ok(())
}
