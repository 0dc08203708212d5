//! The same steps on the server: they propose, and the runtime makes the change with their result.

use async_trait::async_trait;
use holon_flow::capability::NodeError;
use holon_model::Value;
use holon_platform::execute::{EffectContext, EffectRequest, Executor};

use crate::step;

/// Executes `state.get`, `state.put`, `state.increment` and `state.delete`.
#[derive(Debug, Clone, Copy)]
pub struct KeepState;

#[async_trait]
impl Executor for KeepState {
    async fn execute(&self, cx: &EffectContext, request: EffectRequest) -> Result<Value, NodeError> {
        let EffectRequest { kind, config, input, .. } = request;
        let (records, key) = (&cx.records, step::key(&config)?);
        match kind.as_str() {
            "state.get@1" => Ok(step::got(records.read(&key).await?, &config)),
            "state.put@1" => {
                let value = step::put(&config, &input)?;
                records.hold(&key).await?;
                records.propose(&key, Some(value.clone())).await?;
                Ok(value)
            }
            "state.increment@1" => {
                let sum = step::sum(records.hold(&key).await?.as_ref(), &config)?;
                records.propose(&key, Some(sum.clone())).await?;
                Ok(sum)
            }
            "state.delete@1" => {
                let kept = records.hold(&key).await?;
                records.propose(&key, None).await?;
                Ok(kept.unwrap_or_default())
            }
            other => Err(NodeError::new("no_executor", format!("this server cannot execute {other}"))),
        }
    }
}
