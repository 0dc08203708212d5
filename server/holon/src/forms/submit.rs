//! Starts the run of a form that was sent. The same page sent again with the same in it, as by a double click, is the same run.

use std::time::Duration;

use holon_engine::Outcome;
use holon_model::canon::Canon;
use holon_model::error::FieldError;
use holon_model::{FlowId, IntentPayload, Millis, Problem, RunId, Value};
use holon_runtime::{Answer, Idempotency, LoadedFlow, StartRequest};

use super::KIND;
use crate::audit;
use crate::http::{ApiError, Caller};
use crate::runs::{self, checked_input};
use crate::state::AppState;
use crate::webhooks::Listening;

/// How long somebody who waits for the flow's answer is kept.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an opened page is remembered.
const WINDOW: Millis = Millis(24 * 60 * 60 * 1000);

/// What somebody asks who is known: the form is for members.
#[derive(Debug, Clone, Copy)]
pub struct Submit(pub FlowId);

impl IntentPayload for Submit {
    const TYPE: &'static str = "form.submit";
}

/// What became of it.
#[derive(Debug)]
pub enum Sent {
    /// The run is accepted, and what it answered if that was waited for.
    Started(RunId, Option<Answer>),
    /// The flow does not take this.
    Wrong(Vec<FieldError>),
}

/// Starts the run, and waits for its answer if the form says so.
pub async fn submit(
    state: &AppState,
    listening: &Listening,
    flow: &LoadedFlow,
    (data, member, once): (Value, Option<&Caller>, Option<&str>),
) -> Result<Sent, ApiError> {
    let address = &listening.address;
    let context = listening.context();
    let by = member.map(|caller| caller.person.id.to_string());
    let who = by.clone().unwrap_or_else(|| context.actor.label());
    let input = Value::map([("data", data), ("by", by.map_or(Value::Null, Value::from))]);
    if let Err(error) = checked_input(&flow.definition, &input) {
        let problem = Problem::from(ApiError::from(error));
        return if problem.errors.is_empty() { Err(problem.into()) } else { Ok(Sent::Wrong(at_fields(problem))) };
    }
    let input = flow.compiled.redacted(input);
    let hash = Canon::new().value(input.get("data").unwrap_or(&Value::Null)).hash();
    let config = flow.definition.graph.nodes.get(address.node.as_str()).map(|node| &node.config);
    let marks = config.map(|config| runs::of_trigger(config, &input)).unwrap_or_default();
    let sync = config.and_then(|config| config.get("answer")?.as_str()) == Some("sync");
    let run = state.runtime.mint();
    let row = |member: &Caller| {
        let mut intent = member.intent(&*state.clock, Submit(address.flow));
        intent.context.environment = address.environment;
        let Submit(flow) = intent.payload;
        Box::new(audit::row(&*state.clock, &intent, &flow.to_string(), &Value::from(run.to_string())))
    };
    let request = StartRequest {
        tenant: address.tenant,
        environment: address.environment,
        flow: address.flow,
        version: listening.version,
        run,
        input,
        environment_name: address.environment_name.clone(),
        trigger: Some(address.node.clone()),
        trigger_kind: KIND.into(),
        actor: who,
        budget: context.budget,
        vars: Value::map::<&str>([]),
        idempotency: once.map(|once| Idempotency {
            scope: address.webhook.to_string(),
            // Sent again with something else in it, it is something else.
            key: format!("{once}:{}", holon_model::canon::hex(&hash)),
            request_hash: hash,
            window: WINDOW,
        }),
        marks,
        // Whoever only has the address is nobody: then the run's own row says all that is known.
        audit: member.map(row),
    };
    let waiting = sync.then(|| state.runtime.expect_answer(address.tenant, request.run));
    let started = state.runtime.start(request).await.map_err(runs::start_problem)?;
    crate::metrics::note_run(started.run);
    let Some(waiting) = waiting else { return Ok(Sent::Started(started.run, None)) };
    let answer = async {
        if started.replayed {
            state.runtime.answer_of(address.tenant, started.run).await.ok().flatten()
        } else {
            waiting.answer().await
        }
    };
    let answer = tokio::time::timeout(PATIENCE, answer).await.ok().flatten();
    Ok(Sent::Started(started.run, answer))
}

/// Whether the run ended without what its flow was to do.
pub fn is_failure(answer: &Answer) -> bool {
    matches!(answer, Answer::Ended(Outcome::Failed { .. } | Outcome::Cancelled { .. }))
}

/// What the flow's schema says of its input, as said of the form's fields.
fn at_fields(problem: Problem) -> Vec<FieldError> {
    let place = |error: FieldError| {
        let pointer = error.pointer.strip_prefix("/input/data").map_or_else(String::new, str::to_owned);
        FieldError { pointer, ..error }
    };
    problem.errors.into_iter().map(place).collect()
}
