//! What a journal shows: its rows for people, and the state of a run by replaying it through the machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holon_engine::{Compiled, DecodeError, Input, Machine, Stamped, decode_input};
use holon_model::Value;
use holon_model::canon::hex;
use holon_model::wire::runs::JournalRow;
use holon_runtime::store::Entry;
use std::sync::Arc;

/// Rows of a journal from number `from` on.
pub fn rows(entries: &[Entry], from: usize, limit: usize) -> Result<Vec<JournalRow>, DecodeError> {
    let numbered = entries.iter().enumerate().skip(from).take(limit);
    numbered
        .map(|(seq, entry)| {
            let input = decode_input(&entry.input)?;
            Ok(JournalRow {
                seq: seq as i64,
                at: entry.at,
                kind: input.kind().into(),
                input: STANDARD.encode(&entry.input),
                shown: input.shown(),
                log_hash: hex(&entry.log_hash),
            })
        })
        .collect()
}

/// A run as its journal tells it.
pub struct Replayed {
    /// The machine after all inputs.
    pub machine: Machine,
    /// What the run was started with.
    pub input: Value,
    /// Id of the last event, empty before the first.
    pub last_event: String,
}

/// The run after all of these inputs. Nothing is dispatched: commands are not looked at.
pub fn replay(compiled: &Arc<Compiled>, entries: &[Entry]) -> Result<Replayed, DecodeError> {
    let mut replayed =
        Replayed { machine: Machine::new(compiled.clone()), input: Value::Null, last_event: String::new() };
    for entry in entries {
        let input = decode_input(&entry.input)?;
        if let Input::Start { input, .. } = &input {
            replayed.input = input.to_value();
        }
        let decision = replayed.machine.handle(Stamped::new(entry.at, input));
        if let Some(last) = decision.events.last() {
            replayed.last_event = last.id.to_string();
        }
    }
    Ok(replayed)
}
