//! Callers who wait for a run's answer: registered before the run starts, told after the answer is durable. A run that goes on in
//! another one leaves its callers to that one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holon_model::{RunId, TenantId};
use tokio::sync::oneshot;

use crate::api::Answer;

type Key = (TenantId, RunId);

#[derive(Default)]
struct Waiting {
    by_run: BTreeMap<Key, Vec<u64>>,
    /// In the order in which they came: so they are let go.
    callers: BTreeMap<u64, (Key, oneshot::Sender<Answer>)>,
    last: u64,
}

/// All who wait.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    waiting: Arc<Mutex<Waiting>>,
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers one who waits.
    pub fn expect(&self, tenant: TenantId, run: RunId) -> AnswerWait {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        waiting.last += 1;
        let id = waiting.last;
        waiting.by_run.entry((tenant, run)).or_default().push(id);
        waiting.callers.insert(id, ((tenant, run), sender));
        AnswerWait { answers: self.clone(), id, receiver }
    }

    /// Tells all who wait for this run; `answer` is made only when there is one.
    pub fn tell(&self, tenant: TenantId, run: RunId, answer: impl FnOnce() -> Answer) {
        let senders: Vec<_> = {
            let mut waiting = self.lock();
            let Some(all) = waiting.by_run.remove(&(tenant, run)) else { return };
            all.iter().filter_map(|id| waiting.callers.remove(id)).collect()
        };
        let answer = answer();
        for (_, sender) in senders {
            // Whoever gave up waiting is not there any more.
            let _ = sender.send(answer.clone());
        }
    }

    /// Whether anybody waits for this run.
    pub fn awaited(&self, tenant: TenantId, run: RunId) -> bool {
        self.lock().by_run.contains_key(&(tenant, run))
    }

    /// All runs for which anybody waits.
    pub fn all_awaited(&self) -> Vec<(TenantId, RunId)> {
        self.lock().by_run.keys().copied().collect()
    }

    /// Whoever waits for one run waits for another one instead.
    pub fn pass_on(&self, tenant: TenantId, from: RunId, to: RunId) {
        let mut waiting = self.lock();
        let Some(all) = waiting.by_run.remove(&(tenant, from)) else { return };
        for id in &all {
            if let Some((key, _)) = waiting.callers.get_mut(id) {
                *key = (tenant, to);
            }
        }
        waiting.by_run.entry((tenant, to)).or_default().extend(all);
    }

    /// Nobody will be told any more.
    pub fn clear(&self) {
        let mut waiting = self.lock();
        waiting.by_run.clear();
        waiting.callers.clear();
    }
}

/// One who waits. Dropped, it is forgotten.
pub struct AnswerWait {
    answers: Answers,
    id: u64,
    receiver: oneshot::Receiver<Answer>,
}

impl AnswerWait {
    /// Waits for the answer; nothing when this server stops before it is there.
    pub async fn answer(mut self) -> Option<Answer> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for AnswerWait {
    fn drop(&mut self) {
        let mut waiting = self.answers.lock();
        let Some((key, _)) = waiting.callers.remove(&self.id) else { return };
        if let Some(all) = waiting.by_run.get_mut(&key) {
            all.retain(|id| *id != self.id);
            if all.is_empty() {
                waiting.by_run.remove(&key);
            }
        }
    }
}
