//! Asking the tenant's own Postgres databases: the kind `sql.query`, and, with the feature `execute`, how the server does it.

#[cfg(feature = "execute")]
mod execute;

use holon_flow::{Capability, ManifestError};

#[cfg(feature = "execute")]
pub use execute::{Marks, OwnDatabase, SqlQuery};

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    Capability::from_manifest(include_str!("../capability.json"), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_be_asked_again_with_its_key() {
        let capability = capability().unwrap();
        assert_eq!(capability.kinds[0].effect, holon_flow::capability::EffectClass::Idempotent);
    }
}
