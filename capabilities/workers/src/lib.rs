//! Tasks for workers: programs of the tenant's own, in any language, that take tasks of a pool. The kind is an effect that the runtime
//! hands out instead of executing it (`server/runtime/src/store/work.rs`); how workers come to it is `server/holon/src/workers/`.

use holon_flow::{Capability, ManifestError};

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
    use holon_flow::capability::EffectClass;

    #[test]
    fn a_task_for_workers_is_handed_out_and_may_be_done_again_with_its_key() {
        let capability = capability().unwrap();
        let kind = capability.kinds.iter().find(|kind| &*kind.name == "worker.task").unwrap();
        assert!(kind.handed_out());
        assert_eq!(kind.effect, EffectClass::Idempotent);
    }
}
