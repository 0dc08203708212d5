//! Defects put in on purpose, to see that the oracle finds them: what a wrong runtime or store would make of what is written and read.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use holon_engine::{Input, decode_input, encode_input};
use holon_model::Timestamp;
use holon_runtime::Word;
use holon_runtime::store::{
    AnswerKey, Ask, Asked, Batch, KeptAnswer, LiveWrite, NEVER, RecordChange, RunWrite, StateOf, Store as _, shard_of,
};
use uuid::Uuid;

use super::{Road, Weather};
use crate::lines::limit;
use crate::seed::Planted;

impl Road {
    /// A batch as it is written.
    pub(super) fn spoiled(&self, batch: &Batch) -> Batch {
        let mut batch = batch.clone();
        let Some(planted) = self.weather.plan.planted else { return batch };
        if planted == Planted::NoFence {
            // As whoever holds the runs now.
            let owner = batch.writes.first().and_then(|write| self.store.owner(shard_of(write.run)));
            batch.replica = owner.unwrap_or(batch.replica);
        }
        let left = self.weather.plants_often(Planted::RowLeft, 20);
        for write in &mut batch.writes {
            match planted {
                Planted::PauseForgotten if matches!(write.live, LiveWrite::Hold { .. }) => write.live = LiveWrite::Keep,
                // As if the run still waited for what it once waited for.
                Planted::SleepsOn if matches!(write.live, LiveWrite::Update { .. }) => write.wakes = Some(NEVER),
                Planted::RowLeft if left && write.live == LiveWrite::Delete => write.live = LiveWrite::Keep,
                Planted::PlaceGivenBack if begins(write) => {
                    write.asks.push(Asked { at: write.facts.started_at, ask: Ask::Leave });
                }
                Planted::WorkStays => write.asks.retain(|asked| !matches!(asked.ask, Ask::TakeBack { .. })),
                Planted::EventLost => write.changes.retain(|change| !matches!(change, RecordChange::Publish(_))),
                Planted::StaleChange => self.make_it_fit(write),
                Planted::MembersForgotten if ends_batch(write) => write.live = LiveWrite::Delete,
                Planted::MailForgotten => forget_mail(write),
                _ => {}
            }
        }
        batch
    }

    /// A change is made from whatever is there.
    fn make_it_fit(&self, write: &mut RunWrite) {
        let (mine, all) = (StateOf::run(write), self.store.states().all());
        for change in &mut write.changes {
            if let RecordChange::State(change) = change {
                let there = all.iter().find(|(of, key, _)| *of == mine && *key == change.key);
                change.was = there.map(|(.., row)| row.revision);
            }
        }
    }

    /// Those who wait in the lines of those who were just accepted go behind them.
    pub(super) async fn send_back(&self, batch: &Batch) {
        for write in batch.writes.iter().filter(|write| write.start.is_some()) {
            let mut writes = Vec::new();
            for (run, ticket) in self.lines.waiting(write) {
                let Ok(Some(row)) = self.store.history(write.tenant, run).await else { continue };
                if run != write.run && row.ended.is_none() {
                    let at = row.facts.started_at;
                    let asks = [Ask::Leave, Ask::Queue(Box::new(ticket))].map(|ask| Asked { at, ask });
                    writes.push(RunWrite { asks: asks.into(), ..RunWrite::of(write.tenant, run, row.facts.into()) });
                }
            }
            let _ = self.store.commit(&Batch { replica: batch.replica, writes, number: None, gives_way: false }).await;
        }
    }

    /// Which answer is looked for, and kept.
    pub(super) fn answer_key(&self, key: &AnswerKey) -> AnswerKey {
        let mut key = *key;
        if self.weather.plants(Planted::AnothersAnswer) {
            key.tenant.0 = Uuid::nil();
        }
        key
    }

    /// An answer as it is found, or kept.
    pub(super) fn answer_as(&self, mut answer: KeptAnswer, now: Timestamp) -> KeptAnswer {
        if self.weather.plants(Planted::OldAnswer) {
            (answer.given_at, answer.expires_at) = (now, NEVER);
        }
        answer
    }
}

impl Weather {
    /// Letters with which something goes into a batch, where the word of those is to be wrong.
    fn joins(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.joins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A letter was left.
    pub(super) fn posted(&self, letter: i64, body: &[u8]) {
        if self.plants(Planted::JoinedForRefused) && matches!(decode_input(body), Ok(Input::Joined { .. })) {
            self.joins().insert(letter);
        }
    }

    /// A word as it is said.
    pub(super) fn said(&self, word: Word) -> Word {
        match word {
            Word::Taken { letter, refused: None } if self.joins().contains(&letter) => {
                Word::Taken { letter, refused: Some(("batch_closed".into(), "the batch takes nothing more".into())) }
            }
            word => word,
        }
    }
}

/// Whether a batch is over, and its members are not told yet.
pub(super) fn ends_batch(write: &RunWrite) -> bool {
    write.end.is_some() && write.facts.trigger == "batch"
}

/// A run that goes on for another one begins without the signals that wait.
fn forget_mail(write: &mut RunWrite) {
    let copies = write.facts.retry_of.is_some() || write.facts.marks.fork_of.is_some();
    let Some(journal) = write.journal.as_mut().filter(|journal| journal.seq == 0 && !copies) else { return };
    let Some(entry) = journal.entries.first_mut() else { return };
    let Ok(Input::Start { input, mut run }) = decode_input(&entry.input) else { return };
    if run.mail.as_ref().is_some_and(|mail| mail.waiting() > 0) {
        run.mail = None;
        entry.input = encode_input(&Input::Start { input, run });
    }
}

/// Whether a run that had waited for its place begins.
fn begins(write: &RunWrite) -> bool {
    limit(write.facts.flow).is_some() && write.journal.as_ref().is_some_and(|journal| journal.seq == 0)
}
