//! A saga's steps: each names bodies that exist, and each body is named once.

use super::{Check, DiagnosticCode as Code};
use crate::definition::{Node, names::did_you_mean, pointer::Pointer};
use holon_model::Value;
use std::collections::BTreeSet;

impl Check<'_> {
    /// Checks the steps of a saga against its bodies. That they have the right shape is said by the kind's schema.
    pub(super) fn saga(&mut self, key: &str, node: &Node, at: &Pointer<'_>) {
        let config_at = at.key("config");
        let steps_at = config_at.key("steps");
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for (index, step) in node.config.get("steps").and_then(Value::as_list).unwrap_or_default().iter().enumerate() {
            let step_at = steps_at.index(index);
            for field in ["step", "compensate"] {
                let Some(body) = step.get(field).and_then(Value::as_str) else { continue };
                let at = step_at.key(field);
                if !node.bodies.contains_key(body) {
                    let hint = did_you_mean(body, node.bodies.keys().map(|name| &**name));
                    self.report(Code::MissingBody.hinted(&at, format!("`{key}` has no body `{body}`"), hint));
                } else if !named.insert(body) {
                    let message = format!("the body `{body}` is named by another step already");
                    self.report(Code::InvalidConfig.at(&at, message));
                }
            }
        }
        let bodies_at = at.key("bodies");
        for body in node.bodies.keys().filter(|body| !named.contains(&***body)) {
            let hint = "Name it in `steps`, or remove it.".to_owned();
            let message = format!("no step of `{key}` names the body `{body}`, so it never runs");
            self.report(Code::UnexpectedBody.hinted(&bodies_at.key(body), message, hint));
        }
    }
}
