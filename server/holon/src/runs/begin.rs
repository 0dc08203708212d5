//! Begins the runs that triggers of the server itself give: schedules, events, failures. Beginning one again, after a crash or beside
//! another replica, is beginning the same run: its id and its key are those of the row that asks for it.

use holon_model::context::{Actor, Budget};
use holon_model::{EnvironmentId, FlowId, Millis, RunId, TenantId, Value};
use holon_runtime::store::Marks;
use holon_runtime::{Definitions as _, Idempotency, StartError, StartRequest};

use super::{checked_input, of_trigger};
use crate::state::AppState;

/// How long the key is remembered. The run's id, which the row keeps, is looked for without end.
const WINDOW: Millis = Millis(7 * 24 * 3_600_000);

/// A run that a trigger gives.
#[derive(Debug)]
pub struct Begin<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// Where.
    pub environment: EnvironmentId,
    /// The environment's name.
    pub environment_name: &'a str,
    /// The flow.
    pub flow: FlowId,
    /// Its version in force.
    pub version: i32,
    /// The run's id.
    pub run: RunId,
    /// Key of the trigger's node.
    pub node: &'a str,
    /// Its kind.
    pub kind: &'static str,
    /// What it gives.
    pub input: Value,
    /// Who gives it, as the reason names it when that is not what the flow takes.
    pub giver: &'static str,
    /// What `key` is a key of.
    pub scope: String,
    /// By which it is known that this is the same run.
    pub key: String,
    /// What it is found by; none: what the trigger's config says.
    pub marks: Option<Marks>,
}

/// Why no run was begun.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It can be tried again.
    Later(String),
    /// Trying again would not help.
    Never(String),
}

impl From<StartError> for Refused {
    fn from(error: StartError) -> Self {
        if error.passes() { Self::Later(error.to_string()) } else { Self::Never(error.to_string()) }
    }
}

/// Begins the run, or finds it begun.
///
/// # Errors
/// Why not, and whether trying again would help.
pub async fn begin(state: &AppState, begin: Begin<'_>) -> Result<RunId, Refused> {
    let Begin { tenant, flow, version, input, key, .. } = begin;
    let loaded = state.definitions.load(tenant, flow, version).await.map_err(StartError::from)?;
    checked_input(&loaded.definition, &input)
        .map_err(|_| Refused::Never(format!("what {} gives does not match the flow's input schema", begin.giver)))?;
    let marks = begin.marks.unwrap_or_else(|| {
        let node = loaded.definition.graph.nodes.get(begin.node);
        node.map(|node| of_trigger(&node.config, &input)).unwrap_or_default()
    });
    let request = StartRequest {
        tenant,
        environment: begin.environment,
        environment_name: begin.environment_name.to_owned(),
        flow,
        version,
        run: begin.run,
        input,
        trigger: Some(begin.node.to_owned()),
        trigger_kind: begin.kind.to_owned(),
        actor: Actor::System.label(),
        budget: Budget::default(),
        vars: Value::map::<&str>([]),
        idempotency: Some(Idempotency {
            scope: begin.scope,
            request_hash: *blake3::hash(key.as_bytes()).as_bytes(),
            key,
            window: WINDOW,
        }),
        marks,
        audit: None,
    };
    Ok(state.runtime.start(request).await?.run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_a_key_that_cannot_be_computed_is_not() {
        let passes = [StartError::Unavailable, StartError::TooMany, StartError::Paused("paused by ada".into())];
        for error in passes {
            let why = error.to_string();
            assert_eq!(Refused::from(error), Refused::Later(why));
        }
        for error in [StartError::BadKey("no such field".into()), StartError::PayloadTooLarge { bytes: 1 << 30 }] {
            let why = error.to_string();
            assert_eq!(Refused::from(error), Refused::Never(why));
        }
    }
}
