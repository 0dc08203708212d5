//! What a step reads and changes in Holon's own database. Nothing is changed by asking: a change is written in the very commit that
//! journals the step's result, or not at all. So it happens once, whatever crashes, and a step that is done again reads anew.

use async_trait::async_trait;
use holon_flow::capability::NodeError;
use holon_model::Value;

/// The records that a step reaches: the state of its own flow, and the events of its environment.
#[async_trait]
pub trait Records: Send + Sync {
    /// The value of a key of the flow's state, as it is now.
    ///
    /// # Errors
    /// When what is kept does not read. A database that is away for a moment is waited for.
    async fn read(&self, key: &str) -> Result<Option<Value>, NodeError>;

    /// The same, for a step that is going to change it: other steps in this process wait until what this one proposes is written.
    /// Should somebody else change it meanwhile, nothing of the step is written, and it is done again.
    ///
    /// # Errors
    /// When what is kept does not read. A database that is away for a moment is waited for.
    async fn hold(&self, key: &str) -> Result<Option<Value>, NodeError>;

    /// Proposes what a key that is held is to be from the step's result on; nothing: it is to be gone.
    ///
    /// # Errors
    /// When the key is not held, or the flow has as many keys as it may have.
    async fn propose(&self, key: &str, value: Option<Value>) -> Result<(), NodeError>;

    /// Proposes an event to be published with the step's result, and answers its id.
    ///
    /// # Errors
    /// When a step of this kind publishes nothing.
    fn publish(&self, event: NewEvent) -> Result<String, NodeError>;
}

/// An event to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Words with dots between them, such as `orders.eu.paid`.
    pub subject: String,
    /// What it tells.
    pub data: Value,
}

/// For a step that has no records: one whose kind declares another protocol.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRecords;

fn none<T>() -> Result<T, NodeError> {
    Err(NodeError::new("no_records", "a step of this kind reaches no records"))
}

#[async_trait]
impl Records for NoRecords {
    async fn read(&self, _: &str) -> Result<Option<Value>, NodeError> {
        none()
    }

    async fn hold(&self, _: &str) -> Result<Option<Value>, NodeError> {
        none()
    }

    async fn propose(&self, _: &str, _: Option<Value>) -> Result<(), NodeError> {
        none()
    }

    fn publish(&self, _: NewEvent) -> Result<String, NodeError> {
        none()
    }
}
