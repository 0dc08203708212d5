//! The registry of diagnostic codes: what validation can find, each with a section in `docs/flow-language.md`.

use crate::definition::pointer::Pointer;
use holon_model::wire::flows::{Diagnostic, Severity};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident;)*) => {
        /// What can be wrong with a definition.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum DiagnosticCode {
            $($(#[$doc])* $name,)*
        }

        impl DiagnosticCode {
            /// All of them.
            pub const ALL: &'static [DiagnosticCode] = &[$(DiagnosticCode::$name),*];

            /// The code as written in answers and documents.
            pub fn as_str(self) -> &'static str {
                match self { $(DiagnosticCode::$name => $code),* }
            }

            /// Whether it prevents publishing, where the place does not say otherwise.
            pub fn severity(self) -> Severity {
                match self { $(DiagnosticCode::$name => Severity::$severity),* }
            }
        }
    };
}

codes! {
    /// A field that definitions do not have.
    UnknownField = "unknown_field", Error;
    /// A field that must be there is not.
    MissingField = "missing_field", Error;
    /// A value of another type than the field holds.
    WrongType = "wrong_type", Error;
    /// A value of the right type that is not accepted.
    InvalidValue = "invalid_value", Error;
    /// The `holon` number is not one that this version reads.
    UnsupportedVersion = "unsupported_version", Error;
    /// A key of a node or body is not a key.
    InvalidKey = "invalid_key", Error;
    /// A kind is not written `name@version`.
    InvalidKind = "invalid_kind", Error;
    /// An end of an edge is not written `key.port`.
    InvalidPort = "invalid_port", Error;
    /// Too many nodes, scopes too deep, or texts too long.
    LimitExceeded = "limit_exceeded", Error;
    /// There are more problems than are reported at once.
    MoreProblems = "more_problems", Error;

    /// The flow has no name.
    NoName = "no_name", Error;
    /// The flow has no trigger, so nothing can start it.
    NoTrigger = "no_trigger", Error;
    /// A kind that no capability brings.
    UnknownKind = "unknown_kind", Error;
    /// An edge from or to a node that is not in the graph.
    UnknownNode = "unknown_node", Error;
    /// An edge from or to a port that the node does not have.
    UnknownPort = "unknown_port", Error;
    /// Two nodes are joined twice by the same ports.
    DuplicateEdge = "duplicate_edge", Error;
    /// Edges lead back to where they came from.
    Cycle = "cycle", Error;
    /// A node that no trigger reaches.
    Unreachable = "unreachable", Warning;
    /// A trigger inside a body.
    MisplacedTrigger = "misplaced_trigger", Error;
    /// A node that ends the run as continued, inside a body.
    MisplacedContinue = "misplaced_continue", Error;
    /// The flow needs something that the server it is published on does not serve.
    NotServed = "not_served", Error;
    /// A scope without a body it needs, or a body without nodes.
    MissingBody = "missing_body", Error;
    /// A body that the kind does not have.
    UnexpectedBody = "unexpected_body", Error;
    /// A policy where it has no effect.
    MisplacedPolicy = "misplaced_policy", Warning;
    /// Config that the kind's schema does not accept.
    InvalidConfig = "invalid_config", Error;
    /// An address that no request can be sent to.
    IncompleteAddress = "incomplete_address", Warning;
    /// A port named by config twice, or not a name.
    InvalidPortName = "invalid_port_name", Error;
    /// An expression or a text that cannot be read.
    InvalidExpression = "invalid_expression", Error;
    /// An expression names something that does not exist there.
    UnknownName = "unknown_name", Error;
    /// An expression reads a node that does not come before.
    NotAnAncestor = "not_an_ancestor", Error;
    /// A value whose type is known and does not fit.
    TypeMismatch = "type_mismatch", Error;
    /// A sample for a node that is not there.
    UnknownSample = "unknown_sample", Warning;
    /// A secret seems to stand in the definition; a header that proves who asks prevents publishing.
    SecretInDefinition = "secret_in_definition", Warning;
    /// A node names a connection that is not there.
    UnknownConnection = "unknown_connection", Error;
    /// A node names a connection of a kind that it cannot use.
    UnfitConnection = "unfit_connection", Error;
    /// An input or output schema that is not a JSON Schema.
    InvalidSchema = "invalid_schema", Error;
}

impl DiagnosticCode {
    /// A diagnostic with this code.
    pub fn at(self, pointer: &Pointer<'_>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            pointer: pointer.to_string(),
            code: self.as_str().to_owned(),
            severity: self.severity(),
            message: message.into(),
            hint: None,
            span: None,
        }
    }

    /// The same with what to do about it.
    pub fn hinted(
        self,
        pointer: &Pointer<'_>,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Diagnostic {
        Diagnostic { hint: hint.into(), ..self.at(pointer, message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_written_once() {
        let mut codes: Vec<&str> = DiagnosticCode::ALL.iter().map(|code| code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), DiagnosticCode::ALL.len());
    }
}
