//! One edit in the editor: the worker's module, under Node, checks and runs a flow again.

use anyhow::Result;

use super::measure::Measure;
use crate::{build, exec, paths, setup};

/// Loads the release build of the worker and times its answers.
pub fn run() -> Result<Vec<Measure>> {
    let site = build::site(true, &setup::build_tools()?)?;
    let mut node = setup::node::command()?;
    node.arg(paths::root().join("frontend/preview/bench.mjs")).arg(site.join("pkg")).arg("--json");
    super::lines(&exec::output(&mut node)?)
}
