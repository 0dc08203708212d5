//! What dependencies may be, as `deny.toml` says: by cargo-deny where it is installed, and else by holding what cargo says of every
//! dependency against the same lists. What cargo-deny reads beyond it are the licences' texts.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{exec, paths, say};

/// How cargo names the one registry that crates may come from, whichever mirror a machine gets them by.
const REGISTRY: &str = "/crates.io-index";

/// What is read of `deny.toml`.
#[derive(Deserialize)]
struct Rules {
    licenses: Licences,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

/// What is read of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// An SPDX expression; old crates write `MIT/Apache-2.0`.
    license: Option<String>,
    /// None for what is in this workspace.
    source: Option<String>,
}

/// Licences, bans and sources of everything that is depended on. Advisories need a server that not every machine reaches.
pub fn check() -> Result<()> {
    if paths::program("cargo-deny").is_some() {
        let lists = ["licenses", "bans", "sources"];
        return exec::run(exec::cargo()?.args(["deny", "--offline", "check", "--hide-inclusion-graph"]).args(lists));
    }
    let rules = toml::from_str(&std::fs::read_to_string(paths::root().join("deny.toml"))?)?;
    let metadata = exec::output(exec::cargo()?.args(["metadata", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("cargo metadata is not what it was")?;
    let found = findings(&rules, &metadata.packages)?;
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    say::note(&format!(
        "{} packages by what cargo says of them (cargo-deny is not installed)",
        metadata.packages.len()
    ));
    Ok(())
}

/// What is wrong, one line each.
fn findings(rules: &Rules, packages: &[Package]) -> Result<Vec<String>> {
    let mut allowed = Vec::new();
    for text in &rules.licenses.allow {
        let one =
            spdx::Licensee::parse(text).with_context(|| format!("deny.toml allows {text:?}, which is no licence"))?;
        allowed.push(one);
    }
    let mut found = Vec::new();
    for package in packages {
        let named = format!("{} {}", package.name, package.version);
        if let Some(ban) = rules.bans.deny.iter().find(|ban| ban.name == package.name) {
            found.push(format!("{named} is banned: {}", ban.reason));
        }
        // What is written here is under the licence of the repository.
        let Some(source) = &package.source else { continue };
        if !(source.starts_with("registry+") && source.ends_with(REGISTRY)) {
            found.push(format!("{named} comes from {source}, which may be gone tomorrow"));
        }
        let Some(licence) = &package.license else {
            found.push(format!("{named} names no licence"));
            continue;
        };
        match spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX) {
            Ok(expression) if expression.evaluate(|asked| allowed.iter().any(|one| one.satisfies(asked))) => {}
            Ok(_) => found.push(format!("{named} is under {licence}, which deny.toml does not allow")),
            Err(error) => found.push(format!("{named} is under {licence}, which cannot be read: {}", error.reason)),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
[licenses]
allow = ["MIT", "Apache-2.0 WITH LLVM-exception"]
[bans]
deny = [{ crate = "chrono", reason = "one crate for time" }]
"#;

    fn found(name: &str, license: Option<&str>, source: Option<&str>) -> Vec<String> {
        let package = Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
        };
        findings(&toml::from_str(RULES).unwrap(), &[package]).unwrap()
    }

    #[test]
    fn what_the_lists_allow_passes_and_each_rule_finds_what_breaks_it() {
        let registry = Some("registry+https://example.com/crates.io-index");
        for licence in ["MIT", "MIT OR GPL-3.0", "MIT/GPL-3.0", "Apache-2.0 WITH LLVM-exception"] {
            assert!(found("serde", Some(licence), registry).is_empty(), "{licence}");
        }
        assert!(found("holon", None, None).is_empty());
        let mut wrong = found("serde", Some("MIT AND GPL-3.0"), registry);
        wrong.extend(found("serde", Some("Apache-2.0"), registry));
        wrong.extend(found("serde", Some("what?"), registry));
        wrong.extend(found("serde", None, registry));
        wrong.extend(found("chrono", Some("MIT"), registry));
        wrong.extend(found("serde", Some("MIT"), Some("git+https://example.com/serde")));
        let rules = ["does not allow", "does not allow", "cannot be read", "no licence", "banned", "gone tomorrow"];
        assert_eq!(wrong.len(), rules.len(), "{wrong:?}");
        assert!(wrong.iter().zip(rules).all(|(line, rule)| line.contains(rule)), "{wrong:?}");
    }
}
