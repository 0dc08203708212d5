//! Takes what a worker says became of its task, and tells the run. One answer to an attempt counts; whoever lost the task hears so.

use holon_authz::{Authorised, actions::ClaimWork};
use holon_engine::{EffectId, Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::wire::workers::FailWork;
use holon_model::{ClaimId, Intent, IntentPayload, Map, Millis, Payload, RunId, Value};
use holon_platform::db::TenantTx;
use holon_runtime::Delivered;

use super::{Error, store};
use crate::{audit, runs, state::AppState};

/// For so long nobody else gets a task whose worker is just saying what became of it.
const HELD: Millis = Millis(60_000);

/// What became of a task.
#[derive(Debug, Clone)]
pub enum End {
    /// It is done, with this result.
    Completed(Value),
    /// It could not be done.
    Failed(FailWork),
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Finish {
    /// The run whose task it is.
    pub run: RunId,
    /// The worker's claim.
    pub claim: ClaimId,
    /// The pools that the worker may serve.
    pub pools: Option<Vec<String>>,
    /// What became of it.
    pub end: End,
}

impl IntentPayload for Finish {
    const TYPE: &'static str = "work.finish";
}

/// Tells the run. Sent twice it counts once.
pub async fn finish(state: &AppState, _: Authorised<ClaimWork>, intent: Intent<Finish>) -> Result<Delivered, Error> {
    let Finish { run, claim, ref pools, ref end } = intent.payload;
    let context = &intent.context;
    let now = state.clock.now();
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    runs::store::find(&mut tx, run).await?.ok_or(Error::NoRun(run))?;
    let held = store::hold(&mut tx, run, claim, pools.as_deref(), now.plus(HELD)).await?.ok_or(Error::Lost)?;
    let detail = Value::map([
        ("path", Value::from(held.path)),
        ("worker", Value::from(held.worker)),
        ("attempt", Value::from(held.attempt)),
        ("end", Value::from(if matches!(end, End::Completed(_)) { "completed" } else { "failed" })),
    ]);
    audit::record(&mut tx, &*state.clock, &intent, &run.to_string(), &detail).await?;
    tx.commit().await?;
    let outcome = match end {
        End::Completed(output) => Outcome::Ok(Payload::Inline(output.clone())),
        End::Failed(why) => Outcome::Failed { error: failure(why) },
    };
    let id = EffectId(*held.effect.as_bytes());
    Ok(state
        .runtime
        .deliver(context.tenant, run, Input::EffectCompleted { id, attempt: held.attempt, outcome })
        .await?)
}

fn failure(why: &FailWork) -> NodeError {
    let mut error = NodeError::new(&why.code, &why.message);
    error.retryable = why.retryable;
    error.detail = match (&why.detail, why.retry_after) {
        (detail, None) => detail.clone(),
        (Value::Map(members), Some(seconds)) => {
            let mut members: Map = Map::clone(members);
            members.insert("retry_after".into(), Value::from(u32::from(seconds)));
            members.into()
        }
        (Value::Null, Some(seconds)) => Value::map([("retry_after", Value::from(u32::from(seconds)))]),
        (detail, Some(seconds)) => {
            Value::map([("detail", detail.clone()), ("retry_after", Value::from(u32::from(seconds)))])
        }
    };
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_to_try_again_stands_in_the_detail_whatever_else_does() {
        let of = |detail: Value, retry_after| {
            let why = FailWork { code: "busy".into(), message: "later".into(), retryable: true, retry_after, detail };
            failure(&why).detail.to_json()
        };
        assert_eq!(of(Value::Null, None), "null");
        assert_eq!(of(Value::Null, Some(7)), r#"{"retry_after":7}"#);
        assert_eq!(of(Value::map([("a", Value::Int(1))]), Some(7)), r#"{"a":1,"retry_after":7}"#);
        assert_eq!(of(Value::Int(1), Some(7)), r#"{"detail":1,"retry_after":7}"#);
    }
}
