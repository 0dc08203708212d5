//! What hosts keep in columns and lists: bounded, and without the one character that no database takes.

use crate::Machine;
use holon_flow::capability::NodeError;
use holon_model::Value;

/// Bytes of a task's title: a thousand characters.
pub(crate) const MAX_TITLE: usize = 4_000;
/// Bytes of the name of somebody who is asked: two hundred characters.
pub(crate) const MAX_PERSON: usize = 800;
/// Bytes of a signal's name: two hundred characters.
pub(crate) const MAX_NAME: usize = 800;
/// Weight of what one must know to answer a task: it is read by people, and lists of tasks hold many.
const MAX_CONTEXT: u64 = 64 * 1024;

impl Machine {
    /// Whether the run was started with at least this meaning of flows.
    pub(crate) fn means(&self, semantics: u32) -> bool {
        self.core.info.as_ref().is_some_and(|info| info.semantics >= semantics)
    }

    /// Refuses a text that cannot be kept.
    pub(crate) fn keepable(&self, text: &str, field: &str, most: usize) -> Result<(), NodeError> {
        if self.means(2) && !is_keepable(text, most) {
            let message = format!("`{field}` has more than {most} bytes or holds the character U+0000");
            return Err(NodeError::new("invalid_value", message));
        }
        Ok(())
    }

    /// Refuses a context that is more than a person reads.
    pub(crate) fn readable(&self, context: &Value) -> Result<(), NodeError> {
        if self.means(2) && context.weight() > MAX_CONTEXT {
            let message = format!(
                "the context has more than {} KiB: say with `context` what one must know to answer",
                MAX_CONTEXT / 1024
            );
            return Err(NodeError::new("invalid_value", message));
        }
        Ok(())
    }
}

/// Whether a text has at most so many bytes, and no U+0000.
pub(crate) fn is_keepable(text: &str, most: usize) -> bool {
    text.len() <= most && !text.contains('\0')
}
