//! Callers who wait for a run's answer: registered before the run starts, told after the answer is durable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holon_model::{RunId, TenantId};
use tokio::sync::oneshot;

use crate::api::Answer;

type Key = (TenantId, RunId);

#[derive(Default)]
struct Waiting {
    by_run: HashMap<Key, Vec<(u64, oneshot::Sender<Answer>)>>,
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
        waiting.by_run.entry((tenant, run)).or_default().push((id, sender));
        AnswerWait { answers: self.clone(), key: (tenant, run), id, receiver }
    }

    /// Tells all who wait for this run; `answer` is made only when there is one.
    pub fn tell(&self, tenant: TenantId, run: RunId, answer: impl FnOnce() -> Answer) {
        let Some(all) = self.lock().by_run.remove(&(tenant, run)) else { return };
        let answer = answer();
        for (_, sender) in all {
            // Whoever gave up waiting is not there any more.
            let _ = sender.send(answer.clone());
        }
    }

    /// Nobody will be told any more.
    pub fn clear(&self) {
        self.lock().by_run.clear();
    }
}

/// One who waits. Dropped, it is forgotten.
pub struct AnswerWait {
    answers: Answers,
    key: Key,
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
        if let Some(all) = waiting.by_run.get_mut(&self.key) {
            all.retain(|(id, _)| *id != self.id);
            if all.is_empty() {
                waiting.by_run.remove(&self.key);
            }
        }
    }
}
