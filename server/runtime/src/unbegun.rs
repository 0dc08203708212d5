//! What a run that ended before its turn was to begin with. It has no journal: what it was accepted with stands in the row of its end,
//! in the place of the final state that it never had, so that it can be retried and run again.

use holon_engine::{EffectId, Input, Stamped, decode_input, encode_input};
use holon_model::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::queued::InLine;
use crate::store::Ended;

/// The first byte of the form below; a later one has another.
const FORM: u8 = 1;

/// What is larger is not kept: it would be written in the commit of many others, and read with each look at the run. Such a run cannot be
/// retried.
const LARGEST: usize = 4 << 20;

/// As the row has it.
#[derive(Serialize, Deserialize)]
struct Row {
    /// Its first inputs, as the engine encodes them, with their stamps.
    inputs: Vec<(Timestamp, Vec<u8>)>,
    /// How many of them are copied from an earlier run's journal.
    copied: u64,
    /// The effect whose failure was to be tried again.
    again: Option<EffectId>,
}

/// What such a run was to begin with.
pub(crate) struct Unbegun {
    pub inputs: Vec<Stamped<Input>>,
    pub copied: usize,
    pub again: Option<EffectId>,
}

/// What the row of its end says of a run that leaves its line before its turn.
pub(crate) fn written(line: &InLine) -> Vec<u8> {
    let inputs: Vec<_> = line.kept.iter().map(|queued| (queued.at, encode_input(&queued.input))).collect();
    if inputs.is_empty() {
        return Vec::new();
    }
    let prefix = &line.ticket.prefix;
    let row = Row { inputs, copied: prefix.copied as u64, again: prefix.again };
    // Nothing that is said here cannot be written; without it the run is over all the same.
    postcard::to_extend(&row, vec![FORM]).ok().filter(|state| state.len() <= LARGEST).unwrap_or_default()
}

impl Unbegun {
    /// From the end of a run without a journal. Nothing where that says nothing: it was written by a build that kept nothing.
    pub fn read(ended: &Ended) -> Option<Self> {
        Self::of(&ended.state)
    }

    fn of(state: &[u8]) -> Option<Self> {
        let Row { inputs, copied, again } = row(state)?;
        let read = |(at, input): (Timestamp, Vec<u8>)| Some(Stamped::new(at, decode_input(&input).ok()?));
        let inputs: Vec<_> = inputs.into_iter().map(read).collect::<Option<_>>()?;
        let starts = matches!(inputs.first(), Some(Stamped { value: Input::Start { .. }, .. }));
        starts.then(|| Self { inputs, copied: usize::try_from(copied).unwrap_or(usize::MAX), again })
    }

    /// The same for a run that begins in its place. It has the keys of the one that did not, which did nothing with them.
    pub fn named(mut self, run: RunId, now: Timestamp) -> Self {
        let anew = self.copied == 0;
        for input in &mut self.inputs {
            if let Input::Start { run: info, .. } = &mut input.value {
                info.key_run = Some(info.key_run.unwrap_or(info.run_id));
                info.run_id = run;
            }
            // What is copied has the stamps that it had.
            if anew {
                input.at = now;
            }
        }
        self
    }
}

fn row(state: &[u8]) -> Option<Row> {
    let (_, row) = state.split_first().filter(|(form, _)| **form == FORM)?;
    postcard::from_bytes(row).ok()
}

/// What a run without a journal was to begin with, from the final state in the row of its end; nothing where that does not say.
pub fn was_to_begin_with(state: &[u8]) -> Option<Input> {
    let (_, first) = row(state)?.inputs.into_iter().next()?;
    decode_input(&first).ok()
}
