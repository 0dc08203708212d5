//! Brotli and gzip beside each file of a release, made once here instead of at each request.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::files::Folder;
use crate::{exec, say, setup};

/// Node has both coders; it is a tool of the build already.
const SCRIPT: &str = r"
const { readFileSync, writeFileSync } = require('fs');
const { promisify } = require('util');
const zlib = require('zlib');
const c = zlib.constants;
const brotli = promisify(zlib.brotliCompress), gzip = promisify(zlib.gzip);
Promise.all(process.argv.slice(1).map(async (file) => {
  const bytes = readFileSync(file);
  const params = { [c.BROTLI_PARAM_QUALITY]: 11, [c.BROTLI_PARAM_LGWIN]: 22, [c.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(file + '.br', await brotli(bytes, { params }));
  writeFileSync(file + '.gz', await gzip(bytes, { level: 9 }));
})).catch((error) => { console.error(error); process.exit(1); });
";

/// What shrinks; fonts and images are compressed already.
const KINDS: &[&str] = &["js", "wasm", "css", "svg", "json", "html", "txt"];

/// Makes what is missing or older than its file.
pub fn all(out: &mut Folder) -> Result<()> {
    let timer = say::Timer::start("compressing");
    let names: Vec<PathBuf> = out
        .files()
        .filter(|name| name.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known)))
        .map(PathBuf::from)
        .collect();
    let mut stale = Vec::new();
    for name in names {
        let file = out.path(&name);
        let coded = ["br", "gz"].map(|code| PathBuf::from(format!("{}.{code}", name.display())));
        let time = std::fs::metadata(&file)?.modified()?;
        let fresh = |path: &PathBuf| {
            std::fs::metadata(out.path(path)).is_ok_and(|meta| meta.modified().is_ok_and(|made| made >= time))
        };
        if !coded.iter().all(fresh) {
            stale.push(file);
        }
        coded.into_iter().for_each(|path| out.keep(path));
    }
    if !stale.is_empty() {
        exec::run(setup::node::command()?.arg("-e").arg(SCRIPT).args(&stale)).context("cannot compress the site")?;
    }
    timer.done();
    Ok(())
}
