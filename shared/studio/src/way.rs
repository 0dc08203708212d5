//! The two paths of a saga: forward over its steps, and back over what undoes them, the last step first.

use holon_model::{
    Timestamp,
    wire::runs::{NodeFailure, NodeRun, SagaRun, SagaStepRun},
};

/// Both paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Way {
    /// The steps, in order.
    pub forward: Vec<Leg>,
    /// What undoes them, in the order in which that is done; empty while nothing is to be undone.
    pub back: Vec<Leg>,
}

/// One step, forward or back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Leg {
    /// Its place on its path, from 1.
    pub number: u32,
    /// The step's name.
    pub step: String,
    /// The body that runs; none where a step has nothing that undoes it.
    pub body: Option<String>,
    /// Forward: `pending | running | completed | failed | cancelled`. Back: `to_undo | compensating | compensated | parked |
    /// skipped | by_hand`, and `nothing` of a step that has nothing to undo.
    pub state: String,
    /// How often it was tried: forward the most that one of its nodes was.
    pub attempts: u32,
    /// When the first of its nodes started.
    pub started_at: Option<Timestamp>,
    /// When the last of them ended, once the leg is over.
    pub finished_at: Option<Timestamp>,
    /// Why it, or its last try, failed.
    pub error: Option<NodeFailure>,
    /// What the person said who decided about it, and who that was.
    pub reason: Option<String>,
    /// See `reason`.
    pub by: Option<String>,
}

/// The paths of the saga at this structural path, with the times of the nodes in its bodies.
pub fn way(path: &str, saga: &SagaRun, nodes: &[NodeRun]) -> Way {
    let forward = (1..).zip(&saga.steps).map(|(number, step)| leg_forward(path, number, step, nodes)).collect();
    let done = |step: &&SagaStepRun| !matches!(step.state.as_str(), "pending" | "running" | "failed" | "cancelled");
    let back = saga.steps.iter().rev().filter(done).filter(|_| saga.phase == "backward");
    Way { forward, back: (1..).zip(back).map(|(number, step)| leg_back(path, number, step, nodes)).collect() }
}

fn leg_forward(path: &str, number: u32, step: &SagaStepRun, nodes: &[NodeRun]) -> Leg {
    // What is undone, or is to be, was done.
    let (state, error) = match step.state.as_str() {
        state @ ("pending" | "running" | "failed" | "cancelled") => (state, step.error.clone()),
        _ => ("completed", None),
    };
    let times = Times::of(path, &step.step, nodes);
    Leg {
        number,
        step: step.step.clone(),
        body: Some(step.step.clone()),
        state: state.to_owned(),
        attempts: times.attempts,
        started_at: times.started,
        finished_at: times.finished.filter(|_| !matches!(state, "pending" | "running")),
        error,
        ..Leg::default()
    }
}

fn leg_back(path: &str, number: u32, step: &SagaStepRun, nodes: &[NodeRun]) -> Leg {
    let state = match (step.state.as_str(), step.compensable) {
        ("completed", true) => "to_undo",
        ("completed", false) => "nothing",
        (state, _) => state,
    };
    let times = step.undo.as_ref().map(|body| Times::of(path, body, nodes)).unwrap_or_default();
    Leg {
        number,
        step: step.step.clone(),
        body: step.undo.clone(),
        state: state.to_owned(),
        attempts: step.tries,
        started_at: times.started,
        finished_at: times.finished.filter(|_| !matches!(state, "to_undo" | "compensating")),
        error: step.error.clone(),
        reason: step.reason.clone(),
        by: step.by.clone(),
    }
}

/// When the nodes of a body ran.
#[derive(Default)]
struct Times {
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    attempts: u32,
}

impl Times {
    fn of(path: &str, body: &str, nodes: &[NodeRun]) -> Self {
        let prefix = if body == "body" { format!("{path}/") } else { format!("{path}.{body}/") };
        let mut times = Self::default();
        for node in nodes.iter().filter(|node| node.path.starts_with(&prefix)) {
            let Some(started) = node.started_at else { continue };
            times.started = Some(times.started.map_or(started, |first| first.min(started)));
            times.finished = times.finished.max(node.finished_at);
            times.attempts = times.attempts.max(node.attempts);
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, state: &str, undo: Option<&str>) -> SagaStepRun {
        SagaStepRun {
            step: name.into(),
            state: state.into(),
            compensable: undo.is_some(),
            undo: undo.map(str::to_owned),
            error: None,
            tries: 0,
            reason: None,
            by: None,
        }
    }

    fn node(path: &str, from: i64, to: i64, attempts: u32) -> NodeRun {
        let text = format!(
            r#"{{"path":"{path}","status":"succeeded","attempts":{attempts},"started_at":{from},"finished_at":{to}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn told(legs: &[Leg]) -> Vec<(u32, &str, &str)> {
        legs.iter().map(|leg| (leg.number, leg.step.as_str(), leg.state.as_str())).collect()
    }

    #[test]
    fn what_is_undone_was_done_and_is_undone_in_reverse() {
        let steps = vec![
            step("flight", "completed", Some("cancel_flight")),
            step("note", "completed", None),
            step("hotel", "parked", Some("cancel_hotel")),
            step("car", "compensated", Some("cancel_car")),
            step("payment", "failed", None),
            step("mail", "pending", None),
        ];
        let saga = SagaRun { phase: "backward".into(), steps };
        let nodes = [
            node("trip.car/book", 10, 20, 1),
            node("trip.car/tell", 20, 25, 3),
            node("trip.cancel_car/call", 40, 50, 1),
            node("other.car/book", 1, 99, 9),
        ];
        let way = way("trip", &saga, &nodes);
        assert_eq!(
            told(&way.forward),
            [
                (1, "flight", "completed"),
                (2, "note", "completed"),
                (3, "hotel", "completed"),
                (4, "car", "completed"),
                (5, "payment", "failed"),
                (6, "mail", "pending")
            ]
        );
        assert_eq!(
            told(&way.back),
            [(1, "car", "compensated"), (2, "hotel", "parked"), (3, "note", "nothing"), (4, "flight", "to_undo")]
        );
        let (there, back) = (&way.forward[3], &way.back[0]);
        assert_eq!(
            (there.started_at, there.finished_at, there.attempts),
            (Some(Timestamp(10)), Some(Timestamp(25)), 3)
        );
        assert_eq!((back.started_at, back.finished_at), (Some(Timestamp(40)), Some(Timestamp(50))));
    }

    #[test]
    fn a_saga_that_goes_forward_has_no_way_back_yet() {
        let steps = vec![step("flight", "completed", Some("cancel_flight")), step("hotel", "running", None)];
        let way = way("trip", &SagaRun { phase: "forward".into(), steps }, &[]);
        assert!(way.back.is_empty());
        assert_eq!(told(&way.forward), [(1, "flight", "completed"), (2, "hotel", "running")]);
    }
}
