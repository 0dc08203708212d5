//! Into the shapes that cross the REST API.

use crate::{Awaited, Event, EventKind, RunStatus};
use holon_flow::capability::NodeError;
use holon_model::{
    Value,
    wire::runs::{NodeFailure, NodeRun, RunEvent, WaitingFor},
};

pub(crate) fn failure(error: &NodeError) -> NodeFailure {
    NodeFailure { code: error.code.clone(), message: error.message.clone(), detail: error.detail.clone() }
}

pub(crate) fn waiting_for(what: &Awaited) -> WaitingFor {
    let plain =
        |kind: &str, id: &crate::EffectId| WaitingFor { kind: kind.to_owned(), id: id.key(), ..WaitingFor::default() };
    match what {
        Awaited::Signal { id, name, correlation } => {
            WaitingFor { name: name.to_string(), correlation: correlation.to_string(), ..plain("signal", id) }
        }
        Awaited::Task { id } => plain("task", id),
        Awaited::Person { id } => plain("person", id),
        Awaited::Child { id } => plain("child", id),
        Awaited::Batch { id, batch } => WaitingFor { run: *batch, ..plain("batch", id) },
        Awaited::Turn => WaitingFor { kind: "turn".to_owned(), ..WaitingFor::default() },
    }
}

impl Event {
    /// The event as streams carry it; `status` is the run's after the decision that the event belongs to.
    pub fn to_wire(&self, status: RunStatus) -> RunEvent {
        // Only the last event of a run says that it is over.
        let status = if status.is_terminal() && !self.kind.is_terminal() { RunStatus::Running } else { status };
        let node = self.node_run();
        RunEvent {
            id: self.id.to_string(),
            at: self.at,
            kind: self.kind.name().to_owned(),
            path: node.as_ref().map(|node| node.path.clone()),
            node,
            detail: match &self.kind {
                EventKind::SagaStep { step, state } => {
                    Value::map([("step", Value::Str(step.clone())), ("state", Value::from(state.name()))])
                }
                _ => Value::Null,
            },
            status: status.name().to_owned(),
        }
    }

    fn node_run(&self) -> Option<NodeRun> {
        let node = self.node.as_ref()?;
        let skipped = self.kind == EventKind::NodeSkipped;
        let mut run = NodeRun {
            path: node.path(),
            status: String::new(),
            input: (!skipped).then(|| node.input.clone()),
            output: None,
            error: None,
            attempts: node.attempts,
            cached_at: node.kept,
            queued_at: node.queued,
            started_at: (!skipped).then_some(node.started_at),
            finished_at: None,
            waiting_until: None,
            waiting_for: None,
            saga: None,
        };
        let (status, over) = match &self.kind {
            EventKind::NodeWaiting { until, error } => {
                run.waiting_until = Some(*until);
                run.error = error.as_ref().map(failure);
                ("waiting", false)
            }
            EventKind::NodeAwaits { what } => {
                run.waiting_for = Some(waiting_for(what));
                // A node that called another run is at work as long as that one is.
                (if matches!(what, Awaited::Child { .. }) { "running" } else { "waiting" }, false)
            }
            EventKind::NodeSucceeded { port, output } => {
                let port = if port.is_empty() { "out".into() } else { port.clone() };
                run.output = Some(Value::map([(port, output.clone())]));
                ("succeeded", true)
            }
            EventKind::NodeFailed { error } => {
                run.error = Some(failure(error));
                ("failed", true)
            }
            EventKind::NodeSkipped => ("skipped", true),
            EventKind::NodeCancelled => ("cancelled", true),
            _ => ("running", false),
        };
        run.status = status.to_owned();
        run.finished_at = over.then_some(self.at);
        Some(run)
    }
}
