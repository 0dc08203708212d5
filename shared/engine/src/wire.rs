//! Into the shapes that cross the REST API.

use crate::{Event, EventKind, RunStatus};
use holon_flow::capability::NodeError;
use holon_model::{
    Value,
    wire::runs::{NodeFailure, NodeRun, RunEvent},
};

pub(crate) fn failure(error: &NodeError) -> NodeFailure {
    NodeFailure { code: error.code.clone(), message: error.message.clone(), detail: error.detail.clone() }
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
            started_at: (!skipped).then_some(node.started_at),
            finished_at: None,
            waiting_until: None,
        };
        let (status, over) = match &self.kind {
            EventKind::NodeWaiting { until, error } => {
                run.waiting_until = Some(*until);
                run.error = error.as_ref().map(failure);
                ("waiting", false)
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
