//! Results of steps that change Holon's own database. Such a result is taken in by itself, in a write that makes the change too.
//! When the change comes too late, because somebody else was faster, nothing is written: the run goes back to where it was, and its
//! step is done again, on what is there now.

use holon_engine::{EffectId, Input, Machine, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{RunId, Timestamp, Value};

use crate::driver::{Driver, asked_of, outcome};
use crate::live::{Broken, Live, Queued, Taken};
use crate::records::Proposal;
use crate::store::RunWrite;

/// Where a run goes back to.
pub(crate) struct Back {
    machine: Machine,
    snapshot_at: i64,
    asked: bool,
    wakes: Option<Timestamp>,
    /// The step that is done again.
    effect: EffectId,
    #[expect(dead_code, reason = "its turns are held until the write is settled, and never read")]
    proposal: Proposal,
}

impl Driver {
    /// An effect is over; `proposal` is what it changes if its result counts.
    pub(crate) fn effect_done(
        &mut self,
        run: RunId,
        (id, attempt): (EffectId, u32),
        result: Result<Value, NodeError>,
        proposal: Proposal,
    ) {
        let at = self.shared.clock.now();
        let Some(live) = self.runs.get_mut(&run) else { return };
        // What is not wanted any more is not under way, and its answer is no input.
        if live.effects.get(&id).is_none_or(|under_way| under_way.attempt != attempt) {
            return;
        }
        live.effects.remove(&id);
        let outcome = outcome(result);
        let proposal = if matches!(outcome, Outcome::Ok(_)) { proposal } else { Proposal::default() };
        let input = Input::EffectCompleted { id, attempt, outcome };
        live.waiting.push_back(Queued { proposal, ..Queued::of(at, input) });
        self.touch(run);
    }

    /// What a step of a run changes came too late: nothing of it was written.
    pub(crate) fn go_back(&mut self, run: RunId) {
        let closing = self.is_closing(run);
        let Some(live) = self.runs.get_mut(&run) else { return };
        let Some(back) = live.flight.take().and_then(|flight| flight.back) else {
            return self.park(run, "storage_refused: a write without a change came too late".into());
        };
        let Back { machine, snapshot_at, asked, wakes, effect, .. } = *back;
        (live.machine, live.snapshot_at, live.asked, live.rest.wakes) = (machine, snapshot_at, asked, wakes);
        let again = live.machine.pending().into_iter().find(|command| asked_of(command) == Some(effect));
        match again {
            Some(command) if closing => live.left.push((command, false)),
            Some(command) => self.dispatch(run, command, false),
            None => {}
        }
        self.touch(run);
    }
}

impl Live {
    /// Takes in a result with what it changes, and nothing else.
    pub(crate) fn take_alone(&mut self, mut queued: Queued, now: Timestamp) -> Result<RunWrite, Broken> {
        let Input::EffectCompleted { id: effect, .. } = queued.input else {
            return Err(Broken("internal: what is no result of a step changes nothing".into()));
        };
        let proposal = std::mem::take(&mut queued.proposal);
        let changes = proposal.changes.clone();
        let back = Back {
            machine: self.machine.clone(),
            snapshot_at: self.snapshot_at,
            asked: self.asked,
            wakes: self.rest.wakes,
            effect,
            proposal,
        };
        let (first, mut taken) = (self.next_seq(), Taken::default());
        self.take_in(queued, &mut taken)?;
        let write = self.write(first, taken, now);
        if let Some(flight) = &mut self.flight {
            flight.back = Some(Box::new(back));
        }
        Ok(RunWrite { changes, ..write })
    }
}
