//! The connections that a definition names: whether each is there, in the environment it is for, and of a kind that fits.

use std::collections::BTreeMap;

use holon_flow::definition::{Graph, names, pointer::Pointer};
use holon_flow::validate::DiagnosticCode;
use holon_flow::{Catalogue, Definition};
use holon_model::wire::flows::Diagnostic;
use holon_platform::db::TenantTx;

use super::store;

/// A place in a definition that names a connection.
struct Place<'d> {
    pointer: String,
    name: &'d str,
    kinds: Vec<&'d str>,
}

/// What would keep it from working: names of no connection, and connections that cannot be used where they are named.
pub async fn diagnose(
    tx: &mut TenantTx<'_>,
    catalogue: &Catalogue,
    definition: &Definition,
) -> Result<Vec<Diagnostic>, sqlx::Error> {
    let mut places = Vec::new();
    collect(&definition.graph, catalogue, &Pointer::ROOT, &mut places);
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let known = store::kinds(tx).await?;
    Ok(places.iter().filter_map(|place| wrong(place, &known)).collect())
}

/// What is switched off names nothing.
fn collect<'d>(graph: &'d Graph, catalogue: &'d Catalogue, at: &Pointer<'_>, places: &mut Vec<Place<'d>>) {
    let nodes = at.key("nodes");
    for (key, node) in graph.nodes.iter().filter(|(_, node)| !node.disabled) {
        let at = nodes.key(key);
        if let Some(kind) = catalogue.get(&node.kind) {
            let config = at.key("config");
            places.extend(kind.connections(&node.config).into_iter().map(|named| Place {
                pointer: config.rest(&named.pointer).to_string(),
                name: named.name,
                kinds: named.kinds,
            }));
        }
        let bodies = at.key("bodies");
        for (name, body) in &node.bodies {
            collect(body, catalogue, &bodies.key(name), places);
        }
    }
}

fn wrong(place: &Place<'_>, known: &BTreeMap<String, String>) -> Option<Diagnostic> {
    let shown = names::shown(place.name);
    let fits = |kind: &str| place.kinds.is_empty() || place.kinds.contains(&kind);
    let others = known.iter().filter(|(_, kind)| fits(kind)).map(|(name, _)| name.as_str());
    let (code, message, hint) = match known.get(place.name) {
        Some(kind) if fits(kind) => return None,
        Some(kind) => {
            let message = format!("the connection `{shown}` is of the kind `{kind}`, which cannot be used here");
            let hint = format!("Choose one of the kind {}.", listed(&place.kinds));
            (DiagnosticCode::UnfitConnection, message, hint)
        }
        None => {
            let message = format!("there is no connection `{shown}` in this environment");
            let create = || format!("Create it under Connections, of the kind {}.", listed(&place.kinds));
            let hint = names::did_you_mean(place.name, others).unwrap_or_else(create);
            (DiagnosticCode::UnknownConnection, message, hint)
        }
    };
    let found = code.hinted(&Pointer::ROOT, message, hint);
    Some(Diagnostic { pointer: place.pointer.clone(), ..found })
}

fn listed(kinds: &[&str]) -> String {
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
    kinds.join(", ")
}
