//! Styles, fonts, icons and static files.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::files::Folder;
use crate::{paths, say};

/// The families of the interface and of code and data, as npm's packages.
const FONTS: &[&str] = &["@fontsource-variable/inter", "@fontsource-variable/jetbrains-mono"];

/// What stands in until a font is there: local fonts stretched to the same widths, so that nothing jumps.
const FALLBACKS: &str = "\
@font-face{font-family:'Inter Fallback';src:local('Arial'),local('Liberation Sans');ascent-override:90.44%;descent-override:22.52%;line-gap-override:0%;size-adjust:107.12%}
@font-face{font-family:'JetBrains Mono Fallback';src:local('Courier New'),local('Liberation Mono');ascent-override:102%;descent-override:30%;line-gap-override:0%;size-adjust:100%}
";

/// Styles that come first, in this order; the others follow alphabetically.
const FIRST: &[&str] = &["tokens.css", "base.css"];

/// Writes all of them.
pub fn build(out: &mut Folder) -> Result<()> {
    let timer = say::Timer::start("styles, fonts, icons, static files");
    let mut css = fonts(out)?;
    css.push_str(&styles()?);
    out.write("pkg/holon.css", css.as_bytes())?;
    out.write("pkg/icons.svg", icons()?.as_bytes())?;
    for script in scripts()? {
        let name = script.file_name().context("a script without a name")?;
        out.copy(&script, Path::new("pkg").join(name))?;
    }
    let public = paths::root().join("public");
    if public.is_dir() {
        out.copy(&public, "")?;
    }
    timer.done();
    Ok(())
}

/// The hand-written scripts beside the entry points (`frontend/*/*.js`): what starts a worker.
fn scripts() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(paths::root().join("frontend"))? {
        let dir = entry?.path();
        if dir.is_dir() {
            for file in std::fs::read_dir(dir)? {
                found.push(file?.path());
            }
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "js"));
    found.sort();
    Ok(found)
}

/// Copies the fonts' files and gives their `@font-face` rules. A browser fetches only the alphabets it shows.
fn fonts(out: &mut Folder) -> Result<String> {
    let mut css = String::from(FALLBACKS);
    for package in FONTS {
        let dir = paths::root().join("node_modules").join(package);
        let sheet = read(&dir.join("index.css"))?;
        for file in sheet.split("url(./files/").skip(1).filter_map(|rest| rest.split(')').next()) {
            out.copy(&dir.join("files").join(file), format!("pkg/fonts/{file}"))?;
        }
        css.push_str(&compact(&sheet.replace("url(./files/", "url(/pkg/fonts/")));
    }
    Ok(css)
}

fn styles() -> Result<String> {
    let dir = paths::root().join("style");
    let mut sheets: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "css") {
            sheets.push(path);
        }
    }
    sheets.sort_by_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len()), name)
    });
    sheets.iter().map(|path| Ok(compact(&read(path)?))).collect()
}

/// A sheet without comments, indentation and empty lines. Strings keep what they hold.
fn compact(sheet: &str) -> String {
    let mut out = String::with_capacity(sheet.len());
    let mut rest = sheet;
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    let lines = out.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::new(), |mut all, line| {
        all.push_str(line);
        all.push('\n');
        all
    })
}

/// The names in `style/icons.txt`, and those by which capabilities show their kinds.
fn wanted_icons() -> Result<BTreeSet<String>> {
    let list = read(&paths::root().join("style/icons.txt"))?;
    let names = list.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    let mut wanted: BTreeSet<String> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    for entry in std::fs::read_dir(paths::root().join("capabilities"))? {
        let manifest = entry?.path().join("capability.json");
        if manifest.is_file() {
            let json = serde_json::from_str(&read(&manifest)?)
                .with_context(|| format!("{} is not JSON", manifest.display()))?;
            gather_icons(&json, &mut wanted);
        }
    }
    Ok(wanted)
}

fn gather_icons(json: &Value, wanted: &mut BTreeSet<String>) {
    match json {
        Value::Object(fields) => {
            wanted.extend(fields.get("icon").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| gather_icons(value, wanted));
        }
        Value::Array(items) => items.iter().for_each(|value| gather_icons(value, wanted)),
        _ => {}
    }
}

/// The sprite: the wanted icons, each a `<symbol>` with its Lucide name.
fn icons() -> Result<String> {
    let wanted = wanted_icons()?;
    let sprite = read(&paths::root().join("node_modules/lucide-static/sprite.svg"))?;
    let mut out = String::from("<svg xmlns=\"http://www.w3.org/2000/svg\">\n<!-- Lucide, ISC licence -->\n");
    let mut found: BTreeSet<String> = BTreeSet::new();
    for symbol in sprite.split("<symbol id=\"").skip(1) {
        let (Some((name, _)), Some((body, _))) = (symbol.split_once('"'), symbol.split_once("</symbol>")) else {
            bail!("the sprite of lucide-static has another form than expected");
        };
        if wanted.contains(name) {
            found.insert(name.to_owned());
            let paint = "fill=\"none\" stroke=\"currentColor\" stroke-linecap=\"round\" stroke-linejoin=\"round\"";
            let shapes = body.split_once('>').map_or("", |(_, shapes)| shapes);
            writeln!(
                out,
                "<symbol id=\"{name}\" viewBox=\"0 0 24 24\" {paint}>{}</symbol>",
                compact(shapes).replace('\n', "")
            )?;
        }
    }
    let unknown: Vec<&str> = wanted.difference(&found).map(String::as_str).collect();
    if !unknown.is_empty() {
        bail!("style/icons.txt or a capability.json names icons that Lucide does not have: {}", unknown.join(", "));
    }
    out.push_str("</svg>\n");
    Ok(out)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn comments_and_indentation_go_and_the_rules_stay() {
        let sheet = "/* why\n * twice */\n.a {\n  color: red; /* x */\n}\n\n.b{}\n";
        assert_eq!(compact(sheet), ".a {\ncolor: red;\n}\n.b{}\n");
    }
}
