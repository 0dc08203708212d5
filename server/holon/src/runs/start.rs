//! Starts a run of the version in force; answered after it is durable.

use holon_authz::{Authorised, actions::StartRuns};
use holon_flow::redact::{REDACTED, Redaction};
use holon_flow::schema::{Mismatch, Options, check};
use holon_flow::{Definition, capability::Behaviour, expr::Meter};
use holon_model::context::Budget;
use holon_model::error::FieldError;
use holon_model::wire::runs::{StartRun, Started};
use holon_model::{Context, FlowId, Intent, IntentPayload, Millis, RunId, Value, canon::Canon};
use holon_platform::db::TenantTx;
use holon_runtime::store::AuditRow;
use holon_runtime::{Definitions as _, Idempotency, StartRequest};

use super::{Error, marks, store};
use crate::{audit, flows, metrics, state::AppState};

/// How long a key of the API is remembered.
pub(super) const WINDOW: Millis = Millis(24 * 3_600_000);

/// What is asked.
#[derive(Debug, Clone)]
pub struct Start {
    /// Which flow.
    pub flow: FlowId,
    /// With what.
    pub body: StartRun,
}

impl IntentPayload for Start {
    const TYPE: &'static str = "run.start";
}

/// Starts the run. The same idempotency key with the same body answers with the same run.
pub async fn start(state: &AppState, _: Authorised<StartRuns>, intent: Intent<Start>) -> Result<Started, Error> {
    let flow = intent.payload.flow;
    let row = |run: RunId| audit::row(&*state.clock, &intent, &flow.to_string(), &Value::from(run.to_string()));
    asked(state, &intent.context, intent.idempotency_key.clone(), &intent.payload, row).await
}

/// Starts the run that somebody asks for; `row` says what the audit log keeps of it, in the commit that accepts the run.
pub(super) async fn asked(
    state: &AppState,
    context: &Context,
    key: Option<String>,
    start: &Start,
    row: impl FnOnce(RunId) -> AuditRow,
) -> Result<Started, Error> {
    let Start { flow, body } = start;
    let flow = *flow;
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let version = flows::store::deployed_version(&mut tx, context.environment, flow).await?;
    let Some(version) = version else {
        let known = flows::store::draft(&mut tx, flow).await?.is_some();
        return Err(if known { Error::NotPublished(flow) } else { Error::NoFlow(flow) });
    };
    let loaded = state.definitions.load(context.tenant, flow, version).await?;
    let trigger = trigger(state, &loaded.definition, body.trigger.as_deref())?;
    checked_input(&loaded.definition, &body.input)?;
    // Before the key's hash is made of it.
    let input = loaded.compiled.redacted(body.input.clone());
    let marks = marks::checked(body.labels.clone(), body.correlation.clone()).map_err(Error::BadMarks)?;
    let environment_name = store::environment_name(&mut tx).await?;
    tx.commit().await?;
    let run = state.runtime.mint();
    let idempotency = key.map(|key| Idempotency {
        scope: format!("api:{flow}"),
        key,
        request_hash: request_hash(&trigger, &input, body),
        window: WINDOW,
    });
    let kind = loaded.definition.graph.nodes.get(trigger.as_str()).map(|node| node.kind.name.to_string());
    let started = state
        .runtime
        .start(StartRequest {
            tenant: context.tenant,
            environment: context.environment,
            flow,
            version,
            run,
            input,
            environment_name,
            trigger: Some(trigger),
            trigger_kind: kind.unwrap_or_default(),
            actor: context.actor.label(),
            budget: context.budget,
            vars: Value::map::<&str>([]),
            idempotency,
            marks,
            audit: Some(Box::new(row(run))),
        })
        .await?;
    metrics::note_run(started.run);
    Ok(Started { id: started.run, replayed: started.replayed })
}

/// What the key of a start is a key of. What a run is found by counts only where there is any: keys of starts without it stay
/// what they were.
fn request_hash(trigger: &str, input: &Value, body: &StartRun) -> [u8; 32] {
    let mut canon = Canon::new();
    canon.text(trigger).value(input);
    if !body.labels.is_empty() || body.correlation.is_some() {
        let labels = body.labels.iter().map(|(key, value)| (key.as_str(), Value::from(value.as_str())));
        canon.value(&Value::map(labels)).text(body.correlation.as_deref().unwrap_or_default());
    }
    canon.hash()
}

/// The trigger that the start names, else the manual one, else the only one.
fn trigger(state: &AppState, definition: &Definition, named: Option<&str>) -> Result<String, Error> {
    let is_trigger = |kind| state.catalogue.get(kind).is_some_and(|kind| matches!(kind.behaviour, Behaviour::Trigger));
    let mut triggers = definition.graph.nodes.iter().filter(|(_, node)| !node.disabled && is_trigger(&node.kind));
    let found = match named {
        Some(name) => triggers.find(|(key, _)| &***key == name),
        None => {
            let all: Vec<_> = triggers.collect();
            let manual = all.iter().find(|(_, node)| &*node.kind.name == "trigger.manual").copied();
            manual.or_else(|| all.first().copied())
        }
    };
    found.map(|(key, _)| key.to_string()).ok_or_else(|| Error::NoTrigger(named.unwrap_or("any").to_owned()))
}

/// Refuses an input that does not match the flow's input schema, before a run exists.
pub fn checked_input(definition: &Definition, input: &Value) -> Result<(), Error> {
    let Some(schema) = &definition.input else { return Ok(()) };
    let budget = Budget::default();
    // Callers of webhooks are nobody in particular: enough for the largest input, and no more.
    let mut meter = Meter::new(budget.fuel / 10, budget.bytes / 10);
    let found = check(schema.as_value(), input, Options::default(), &mut meter).map_err(|error| {
        Error::BadInput(vec![FieldError { pointer: "/input".into(), detail: error.to_string(), code: None }])
    })?;
    // What was replaced when an earlier run began is taken as it is when that is run again.
    let replaced = |found: &Mismatch| input.pointer(&found.pointer).and_then(Value::as_str) == Some(REDACTED);
    let again = !Redaction::of(definition.input.as_ref()).is_empty();
    let found: Vec<Mismatch> = found.into_iter().filter(|found| !(again && replaced(found))).collect();
    if found.is_empty() {
        return Ok(());
    }
    let field = |found: Mismatch| FieldError {
        pointer: format!("/input{}", found.pointer),
        detail: found.message,
        code: Some(found.keyword.into()),
    };
    Err(Error::BadInput(found.into_iter().map(field).collect()))
}
