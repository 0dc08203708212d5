//! A recorded run on another definition, as wires carry what was found.

use crate::failure;
use holon_engine::{Compiled, Ended, Input, Stamped, StepDifference, StepEnd, backtest};
use holon_model::wire::replay::{Compared, RunEnd, StepOutcome, StepPair};
use std::sync::Arc;

/// Tries a run that is over, its whole journal, on a draft.
pub fn compared(flow: &Arc<Compiled>, journal: &[Stamped<Input>], draft: &Arc<Compiled>) -> Compared {
    let found = backtest(flow, journal, draft);
    Compared {
        verdict: found.verdict.name().to_owned(),
        was: end(found.was),
        now: end(found.now),
        first: found.first.map(pair),
        missing: found.missing,
        asked_otherwise: found.asked_otherwise,
        not_asked: found.not_asked,
    }
}

fn end(ended: Ended) -> RunEnd {
    let error = ended.error.as_ref().map(failure);
    RunEnd { status: ended.status.name().to_owned(), output: ended.output, error }
}

fn pair(found: StepDifference) -> StepPair {
    StepPair { path: found.path, was: found.was.map(step), now: found.now.map(step) }
}

fn step(end: StepEnd) -> StepOutcome {
    let port = end.port.filter(|port| **port != *"out").map(|port| port.to_string());
    StepOutcome {
        status: end.status.to_owned(),
        port: port.unwrap_or_default(),
        output: end.output,
        error: end.error.as_ref().map(failure),
    }
}
