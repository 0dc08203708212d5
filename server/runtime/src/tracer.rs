//! Spans of runs and of what their nodes do, for a collector of traces. A run is a trace whose ids follow from the run's, so that the
//! replica that ends a run and those that did its effects tell of the same trace without having spoken about it.

use std::time::Duration;

use holon_model::{Millis, RunId};
use holon_platform::clock::SharedClock;
use holon_platform::execute::EffectRequest;
use holon_platform::telemetry::{Kind, Span, Traces, short, span_of, trace_of};

use crate::store::{EndRow, RunFacts};

/// Tells of runs and effects.
pub(crate) struct Tracer {
    pub traces: Traces,
    pub clock: SharedClock,
}

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracer").finish_non_exhaustive()
    }
}

/// An effect that was begun.
pub(crate) struct Begun {
    run: RunId,
    id: [u8; 8],
    path: String,
    kind: String,
    attempt: u32,
}

impl Tracer {
    /// A run is over.
    pub fn run(&self, run: RunId, facts: &RunFacts, end: &EndRow) {
        let error = (end.status == "failed").then(|| end.error.clone().unwrap_or_else(|| "failed".to_owned()));
        self.traces.tell(Span {
            trace: trace_of(run),
            id: span_of(run),
            parent: None,
            name: format!("run {}", facts.trigger),
            kind: Kind::Internal,
            began: facts.started_at,
            ended: end.at,
            attributes: vec![
                ("holon.run", run.to_string()),
                ("holon.flow", facts.flow.to_string()),
                ("holon.version", facts.version.to_string()),
                ("holon.trigger", facts.trigger.clone()),
                ("holon.status", end.status.to_owned()),
            ],
            error,
            started: Vec::new(),
        });
    }

    /// An effect begins.
    pub fn begun(request: &EffectRequest) -> Begun {
        Begun {
            run: request.run,
            id: short(format!("{}/{}/{}", request.run, request.key, request.attempt).as_bytes()),
            path: request.path.clone(),
            kind: request.kind.clone(),
            attempt: request.attempt,
        }
    }

    /// An effect is over.
    pub fn done(&self, begun: Begun, outcome: &str, took: Duration) {
        let ended = self.clock.now();
        let took = Millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        self.traces.tell(Span {
            trace: trace_of(begun.run),
            id: begun.id,
            parent: Some(span_of(begun.run)),
            name: format!("{} {}", begun.kind, begun.path),
            kind: Kind::Internal,
            began: ended.minus(took),
            ended,
            attributes: vec![
                ("holon.run", begun.run.to_string()),
                ("holon.node", begun.path),
                ("holon.kind", begun.kind),
                ("holon.attempt", begun.attempt.to_string()),
                ("holon.outcome", outcome.to_owned()),
            ],
            error: (outcome != "ok").then(|| outcome.to_owned()),
            started: Vec::new(),
        });
    }
}
