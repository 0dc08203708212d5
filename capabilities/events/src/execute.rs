//! Publishing on the server: proposed here, and written by the runtime with the step's result.

use async_trait::async_trait;
use holon_flow::capability::NodeError;
use holon_model::Value;
use holon_platform::execute::{EffectContext, EffectRequest, Executor, NewEvent};

use crate::publish;

/// Executes `event.publish`.
#[derive(Debug, Clone, Copy)]
pub struct PublishEvent;

#[async_trait]
impl Executor for PublishEvent {
    async fn execute(&self, cx: &EffectContext, request: EffectRequest) -> Result<Value, NodeError> {
        let (subject, data) = publish::event(&request.config, &request.input)?;
        let id = cx.records.publish(NewEvent { subject: subject.clone(), data })?;
        Ok(publish::published(&id, subject))
    }
}
