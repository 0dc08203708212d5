//! Retry: a new run that copies the journal of one that failed, up to before its failure, and goes on from there with
//! the keys of the original, so that a receiver knows what it has done already.

use holon_engine::{Input, Machine, Stamped, decode_input};
use holon_model::RunId;

use crate::recover::{ReplayError, replay};
use crate::store::Entry;

/// The inputs that a retry copies, the first of them naming the new run.
///
/// # Errors
/// When the journal does not replay.
pub(crate) fn prefix(mut machine: Machine, entries: &[Entry], run: RunId) -> Result<Vec<Stamped<Input>>, ReplayError> {
    let mut failed = None;
    let mut ended_by = None;
    replay(&mut machine, 0, entries, |decision| {
        // An effect has attempts; the last one that failed is what a person wants tried again. Later inputs are of
        // what was done because of it (`finally`).
        let effect_failed = |event: &holon_engine::Event| {
            matches!(event.kind, holon_engine::EventKind::NodeFailed { .. })
                && event.node.as_ref().is_some_and(|node| node.attempts > 0)
        };
        if decision.events.iter().any(effect_failed) {
            failed = Some(decision.seq);
        }
        if decision.status.is_terminal() {
            ended_by = Some(decision.seq);
        }
    })?;
    let mut inputs = Vec::new();
    for (seq, entry) in (0_u64..).zip(entries) {
        let input = decode_input(&entry.input)
            .map_err(|error| ReplayError::Unreadable { seq: seq.cast_signed(), why: error.to_string() })?;
        // What was asked for then is not asked for now, and a run always has its start.
        let cut =
            matches!(input, Input::Cancel { .. }) || failed == Some(seq) || (failed.is_none() && ended_by == Some(seq));
        if cut && seq > 0 {
            break;
        }
        inputs.push(Stamped::new(entry.at, input));
    }
    if let Some(Stamped { value: Input::Start { run: info, .. }, .. }) = inputs.first_mut() {
        info.key_run = Some(info.key_run.unwrap_or(info.run_id));
        info.run_id = run;
    }
    Ok(inputs)
}
