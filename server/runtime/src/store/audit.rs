//! The row of the audit log that is written with the start of a run: neither is there without the other.

use holon_model::{AuditId, EnvironmentId, IntentId, PersonId, Timestamp};

/// That somebody started a run. A start that lost its key wrote nothing, and leaves no row either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its id.
    pub id: AuditId,
    /// When it was asked for.
    pub at: Timestamp,
    /// In which environment.
    pub environment: EnvironmentId,
    /// Who, as the audit log names actors.
    pub actor: String,
    /// The person behind it, where there is one.
    pub person: Option<PersonId>,
    /// From where, such as `web`.
    pub source: &'static str,
    /// Which intent.
    pub intent: IntentId,
    /// Its type, `resource.verb`.
    pub kind: &'static str,
    /// The typed id of what it was done to.
    pub subject: String,
    /// What a reader needs and never a secret: JSON.
    pub detail: String,
    /// The request that brought it.
    pub request: Option<String>,
}

impl AuditRow {
    /// Roughly the bytes it takes on the wire.
    pub(super) fn size(&self) -> usize {
        160 + self.subject.len() + self.detail.len() + self.actor.len()
    }
}
