//! What a journal shows: its rows for people, and the state of a run by replaying it through the machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holon_engine::{Compiled, DecodeError, EventId, Input, Machine, Stamped, decode_input};
use holon_model::Value;
use holon_model::canon::hex;
use holon_model::wire::runs::JournalRow;
use holon_runtime::store::Entry;
use std::sync::Arc;

/// Rows of a journal for people, the first of them number `from`.
pub fn rows(entries: &[Entry], from: i64) -> Result<Vec<JournalRow>, DecodeError> {
    (from..)
        .zip(entries)
        .map(|(seq, entry)| {
            let input = decode_input(&entry.input)?;
            Ok(JournalRow {
                seq,
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
    /// Where the stream of events goes on: after the last one there is, empty before the first.
    pub last_event: String,
}

impl Replayed {
    /// Before the first input.
    pub fn new(compiled: &Arc<Compiled>) -> Self {
        Self { machine: Machine::new(compiled.clone()), input: Value::Null, last_event: String::new() }
    }

    /// The run after these inputs too. Nothing is dispatched: commands are not looked at.
    pub fn go_on(mut self, entries: &[Entry]) -> Result<Self, DecodeError> {
        for entry in entries {
            let input = decode_input(&entry.input)?;
            if let Input::Start { input, .. } = &input {
                self.input = input.to_value();
            }
            let decision = self.machine.handle(Stamped::new(entry.at, input));
            if let Some(last) = decision.events.last() {
                self.last_event = last.id.to_string();
            }
        }
        Ok(self)
    }
}

/// A run from a state of it and its first input. Nothing when the state was written by another build or of another definition:
/// the journal tells the same.
pub fn restored(compiled: &Arc<Compiled>, state: &[u8], first: &Entry) -> Result<Option<Replayed>, DecodeError> {
    let Ok(machine) = Machine::restore(compiled.clone(), state) else { return Ok(None) };
    let Input::Start { input, .. } = decode_input(&first.input)? else { return Ok(None) };
    // No event comes after those of the last input, however many they are.
    let last_event = EventId { seq: machine.seq().saturating_sub(1), index: u32::MAX }.to_string();
    Ok(Some(Replayed { machine, input: input.to_value(), last_event }))
}
