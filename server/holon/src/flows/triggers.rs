//! The triggers of a definition that something outside of the machine follows: schedules, polls, subscriptions, failures.

use holon_flow::Definition;
use holon_flow::definition::pointer::escape;
use holon_flow::validate::DiagnosticCode;
use holon_model::Value;
use holon_model::wire::flows::{Diagnostic, Severity};

/// Key and config of the triggers of a kind, whatever its version, that are not switched off.
pub(crate) fn of_kind<'a>(definition: &'a Definition, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let nodes = definition.graph.nodes.iter();
    nodes.filter(move |(_, node)| &*node.kind.name == kind && !node.disabled).map(|(key, node)| (&**key, &node.config))
}

/// That what stands at `pointer` in the config of the trigger `key` is wrong.
pub(crate) fn wrong_config(key: &str, pointer: &str, message: String, span: Option<(u32, u32)>) -> Diagnostic {
    Diagnostic {
        pointer: format!("/nodes/{}/config{pointer}", escape(key)),
        code: DiagnosticCode::InvalidConfig.as_str().into(),
        severity: Severity::Error,
        message,
        hint: None,
        span,
    }
}
