//! How a loop gives up shards in good order: nothing more is taken in, what is being written is settled, then their runs are dropped
//! from memory. What is durable is all that the next owner needs.
//!
//! An effect that may be repeated is not begun here any more once its shard closes, or is given up: the next owner does it with the
//! same key. One that must not be repeated keeps its shard open until it is over, since the next owner could not know that.

use std::collections::BTreeSet;

use holon_engine::Command;
use holon_flow::capability::EffectClass;
use holon_model::RunId;
use tokio::sync::oneshot;

use crate::driver::Driver;
use crate::live::Live;
use crate::store::shard_of;

/// What stands in the way of closing a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closes {
    /// Any effect that is under way.
    Gently,
    /// Only one that must not be repeated.
    Firmly,
}

/// Shards that are being closed.
pub(crate) struct Closing {
    shards: BTreeSet<i16>,
    /// Runs of theirs of which a write is under way.
    unsettled: BTreeSet<RunId>,
    /// Told which were closed.
    reply: oneshot::Sender<Vec<i16>>,
}

impl Closing {
    /// Whether this run's shard is one of them.
    pub fn has(&self, run: RunId) -> bool {
        self.shards.contains(&shard_of(run))
    }
}

/// Whether a write of a run is under way, or will be at once.
fn writes(live: &Live) -> bool {
    live.flight.is_some() || live.beginning.is_some()
}

impl Driver {
    /// From now on runs of these shards are taken in.
    pub(crate) fn open(&mut self, shards: &[i16]) {
        self.open.extend(shards);
    }

    /// Whether runs of this run's shard are taken in.
    pub(crate) fn is_open(&self, run: RunId) -> bool {
        self.open.contains(&shard_of(run))
    }

    /// Whether this run's shard is being closed.
    pub(crate) fn is_closing(&self, run: RunId) -> bool {
        self.closing.as_ref().is_some_and(|closing| closing.has(run))
    }

    /// Begins to close those of these shards that can be closed.
    pub(crate) fn close(&mut self, shards: Vec<i16>, how: Closes, reply: oneshot::Sender<Vec<i16>>) {
        if self.closing.is_some() {
            // Whoever asks waits for one answer before the next.
            return;
        }
        let mut shards: BTreeSet<i16> = shards.into_iter().filter(|shard| self.open.contains(shard)).collect();
        let busy = |live: &Live| match how {
            Closes::Gently => !live.effects.is_empty(),
            Closes::Firmly => live.effects.values().any(|effect| effect.once),
        };
        for (run, _) in self.runs.iter().filter(|(_, live)| busy(live)) {
            shards.remove(&shard_of(*run));
        }
        let unsettled = self.runs.iter().filter(|(run, live)| shards.contains(&shard_of(**run)) && writes(live));
        let unsettled = unsettled.map(|(run, _)| *run).collect();
        self.open.retain(|shard| !shards.contains(shard));
        self.closing = Some(Closing { shards, unsettled, reply });
        self.lay_down_again();
        self.close_settled();
    }

    /// Closes what was settled meanwhile.
    pub(crate) fn close_settled(&mut self) {
        let Some(closing) = &mut self.closing else { return };
        closing.unsettled.retain(|run| self.runs.get(run).is_some_and(writes));
        if !closing.unsettled.is_empty() {
            return;
        }
        let Some(Closing { shards, reply, .. }) = self.closing.take() else { return };
        // In one order, whatever the table's.
        let runs: BTreeSet<RunId> = self.runs.keys().copied().filter(|run| shards.contains(&shard_of(*run))).collect();
        for run in runs {
            if let Some(mut live) = self.runs.remove(&run) {
                // Whoever waits for what was not taken in is not answered here, and leaves it to the next owner.
                live.cancel_effects();
                self.shared.await_elsewhere(live.tenant, run);
            }
        }
        self.parked.retain(|run, _| !shards.contains(&shard_of(*run)));
        for (tenant, run) in self.shared.answers.all_awaited() {
            if shards.contains(&shard_of(run)) && self.asleep.has(tenant, run) {
                self.shared.await_elsewhere(tenant, run);
            }
        }
        for (tenant, runs) in self.asleep.forget(&shards) {
            self.shared.living.woke(tenant, runs);
        }
        // Whoever asked may be gone.
        let _ = reply.send(shards.into_iter().collect());
    }

    /// What of the commands of a run whose shard is closing is to be done all the same. The rest is left to the next owner, unless
    /// something must be done here; then the shard stays.
    pub(crate) fn leave_or_stay(&mut self, run: RunId, commands: Vec<(Command, bool)>) -> Vec<(Command, bool)> {
        let once = |command: &Command| matches!(command, Command::RunEffect(effect) if effect.class == EffectClass::AtMostOnce);
        if commands.iter().any(|(command, _)| once(command)) {
            self.stay(shard_of(run));
            return commands;
        }
        // What takes a call back comes after the call, wherever that goes.
        let begins = |command: &Command| {
            matches!(command, Command::RunEffect(_) | Command::StartChild(_) | Command::CancelChild { .. })
        };
        let (left, done): (Vec<_>, Vec<_>) = commands.into_iter().partition(|(command, _)| begins(command));
        if let Some(live) = self.runs.get_mut(&run) {
            live.left.extend(left);
        }
        done
    }

    /// A shard that was being closed stays: all its runs go on.
    fn stay(&mut self, shard: i16) {
        if let Some(closing) = &mut self.closing {
            closing.shards.remove(&shard);
            closing.unsettled.retain(|run| shard_of(*run) != shard);
        }
        self.open.insert(shard);
        let runs: BTreeSet<RunId> = self.runs.keys().copied().filter(|run| shard_of(*run) == shard).collect();
        for run in runs {
            let left = self.runs.get_mut(&run).map(|live| std::mem::take(&mut live.left)).unwrap_or_default();
            for (command, before) in left {
                self.dispatch(run, command, before);
            }
            self.touch(run);
        }
    }
}
