//! What a published flow does in its workspace it does in the name of who published it: whoever publishes holds the permissions
//! that the capabilities of its nodes name.

use holon_authz::{Decision, decide};
use holon_flow::definition::{Graph, pointer::Pointer};
use holon_flow::{Catalogue, Definition};
use holon_model::context::Permissions;
use holon_model::error::FieldError;

/// The nodes that need what is not held, each once for each permission. What is switched off needs nothing.
pub fn lacking(definition: &Definition, catalogue: &Catalogue, held: &Permissions) -> Vec<FieldError> {
    let mut found = Vec::new();
    collect(&definition.graph, catalogue, held, &Pointer::ROOT, &mut found);
    found
}

fn collect(graph: &Graph, catalogue: &Catalogue, held: &Permissions, at: &Pointer<'_>, found: &mut Vec<FieldError>) {
    let nodes = at.key("nodes");
    for (key, node) in graph.nodes.iter().filter(|(_, node)| !node.disabled) {
        let at = nodes.key(key);
        if let Some(capability) = catalogue.capability_of(&node.kind) {
            let needed = capability.permissions.iter().filter_map(|needed| needed.split_once(':'));
            let denied = needed.filter(|(resource, verb)| decide(held, resource, verb) != Decision::Allow);
            found.extend(denied.map(|(resource, verb)| FieldError {
                pointer: at.to_string(),
                detail: format!("{} needs the permission {resource}:{verb}", capability.title),
                code: None,
            }));
        }
        let bodies = at.key("bodies");
        for (name, body) in &node.bodies {
            collect(body, catalogue, held, &bodies.key(name), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::json;

    #[test]
    fn who_publishes_holds_what_the_nodes_do_in_any_body_and_every_permission_that_a_capability_names_exists() {
        let catalogue = holon_catalogue::catalogue();
        let text = br#"{"holon": 1, "name": "Counts", "edges": [], "nodes": {
            "start": {"kind": "trigger.manual@1"},
            "off": {"kind": "state.put@1", "disabled": true},
            "each": {"kind": "map@1", "bodies": {"body": {"edges": [], "nodes": {
                "count": {"kind": "state.increment@1"}, "tell": {"kind": "event.publish@1"}}}}}}}"#;
        let definition = Definition::from_value(&json::parse(text).unwrap()).unwrap();
        let lacks = |grants: &[&str]| -> Vec<(String, String)> {
            let held = Permissions(grants.iter().map(|grant| (*grant).to_owned()).collect());
            let told = lacking(&definition, &catalogue, &held).into_iter();
            told.map(|error| (error.pointer, error.detail.rsplit(' ').next().unwrap().to_owned())).collect()
        };
        let at = |node: &str, needs: &str| (format!("/nodes/each/bodies/body/nodes/{node}"), needs.to_owned());
        assert_eq!(lacks(&["flows:*", "state:*", "events:*"]), []);
        assert_eq!(lacks(&["flows:*", "state:*", "!state:edit", "events:*"]), [at("count", "state:edit")]);
        assert_eq!(lacks(&["state:*", "events:read"]), [at("tell", "events:publish")]);
        for capability in catalogue.capabilities() {
            for needed in &capability.permissions {
                let known = needed.split_once(':').is_some_and(|action| holon_authz::actions::ALL.contains(&action));
                assert!(known, "{} needs {needed}, which nobody can hold", capability.id);
            }
        }
    }
}
