//! What a step reads and proposes to change in Holon's own database. A proposal is kept in memory until the step's result is taken
//! in, and is written in that commit. Steps of this process that change the same key take turns: each reads what the one before it
//! wrote. Against others, such as another replica, the revision protects: see `store::changes`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use holon_engine::EffectId;
use holon_flow::capability::{EffectClass, NodeError};
use holon_model::{PublishedId, Value, json};
use holon_platform::clock::SharedClock;
use holon_platform::execute::{NewEvent, Records};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use crate::store::{EventRow, MOST_KEYS, RecordChange, StateChange, StateOf, StateRow, Store, StoreError};

const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Turns that are remembered before those that nobody waits for are forgotten.
const FEW_TURNS: usize = 1_024;

type Turn = Arc<tokio::sync::Mutex<()>>;

#[derive(Default)]
struct Waiting {
    of: HashMap<(StateOf, String), Weak<tokio::sync::Mutex<()>>>,
    most: usize,
}

/// Whose turn it is to change which key.
#[derive(Clone, Default)]
pub(crate) struct KeyTurns(Arc<Mutex<Waiting>>);

impl KeyTurns {
    fn of(&self, of: StateOf, key: &str) -> Turn {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.of.len() > waiting.most.max(FEW_TURNS) {
            waiting.of.retain(|_, turn| turn.strong_count() > 0);
            waiting.most = waiting.of.len() * 2;
        }
        let turn = waiting.of.entry((of, key.to_owned())).or_default();
        if let Some(turn) = turn.upgrade() {
            return turn;
        }
        let new = Turn::default();
        *turn = Arc::downgrade(&new);
        new
    }
}

/// What one step proposes, and the turns that it keeps until that is written or given up.
#[derive(Default)]
pub(crate) struct Proposal {
    pub changes: Vec<RecordChange>,
    /// Held until it is written or given up.
    turns: Vec<OwnedMutexGuard<()>>,
}

impl Proposal {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Lets others have their turn: what is proposed may come too late then.
    pub fn let_go(&mut self) {
        self.turns.clear();
    }
}

#[derive(Default)]
struct Held {
    revisions: BTreeMap<String, Option<Uuid>>,
    proposal: Proposal,
}

/// The records of one attempt at one step.
pub(crate) struct StepRecords {
    store: Arc<dyn Store>,
    turns: KeyTurns,
    clock: SharedClock,
    of: StateOf,
    id: EffectId,
    class: EffectClass,
    held: Mutex<Held>,
}

impl StepRecords {
    pub fn new(
        store: Arc<dyn Store>,
        turns: KeyTurns,
        clock: SharedClock,
        of: StateOf,
        (id, class): (EffectId, EffectClass),
    ) -> Self {
        Self { store, turns, clock, of, id, class, held: Mutex::default() }
    }

    /// Those of a test that needs none.
    #[cfg(test)]
    pub fn none() -> Self {
        use holon_model::{EnvironmentId, FlowId, TenantId};
        let clock = holon_platform::clock::SystemClock::shared();
        let nil = Uuid::nil();
        let of = StateOf { tenant: TenantId(nil), environment: EnvironmentId(nil), flow: FlowId(nil) };
        let store = Arc::new(crate::store::mem::MemStore::new(clock.clone()));
        Self::new(store, KeyTurns::default(), clock, of, (EffectId([0; 16]), EffectClass::Idempotent))
    }

    /// What was proposed.
    pub fn take(&self) -> Proposal {
        std::mem::take(&mut *self.held()).proposal
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step whose kind declares another protocol would believe its change made when it is not.
    fn allowed(&self, class: EffectClass) -> Result<(), NodeError> {
        if self.class == class {
            return Ok(());
        }
        let message = format!("only a step of a `{}` kind may do this", class.as_str());
        Err(NodeError::new("no_records", message))
    }

    async fn row(&self, key: &str) -> Result<Option<StateRow>, NodeError> {
        patiently(|| self.store.state(self.of, key)).await
    }
}

/// A store that is away for a moment fails no step: it is asked until it answers, for as long as a step may take.
async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(ask: impl Fn() -> F) -> Result<T, NodeError> {
    loop {
        match ask().await {
            Ok(found) => return Ok(found),
            Err(error @ (StoreError::Inconsistent(_) | StoreError::Rejected(_))) => {
                tracing::error!(%error, "the state of a flow cannot be read");
                return Err(NodeError::new("state_damaged", "what is kept for this key cannot be read"));
            }
            Err(error) => tracing::warn!(%error, "the store is away; a step waits for it"),
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

fn value(row: Option<&StateRow>) -> Result<Option<Value>, NodeError> {
    let read = |row: &StateRow| {
        json::parse(row.value.as_bytes())
            .map_err(|_| NodeError::new("state_damaged", "what is kept for this key is not JSON"))
    };
    row.map(read).transpose()
}

#[async_trait]
impl Records for StepRecords {
    async fn read(&self, key: &str) -> Result<Option<Value>, NodeError> {
        value(self.row(key).await?.as_ref())
    }

    async fn hold(&self, key: &str) -> Result<Option<Value>, NodeError> {
        self.allowed(EffectClass::Transactional)?;
        if !self.held().revisions.contains_key(key) {
            let turn = self.turns.of(self.of, key).lock_owned().await;
            self.held().proposal.turns.push(turn);
        }
        let row = self.row(key).await?;
        self.held().revisions.insert(key.to_owned(), row.as_ref().map(|row| row.revision));
        value(row.as_ref())
    }

    async fn propose(&self, key: &str, value: Option<Value>) -> Result<(), NodeError> {
        let was = self.held().revisions.get(key).copied();
        let was = was.ok_or_else(|| NodeError::new("internal", "a key is changed that was not held"))?;
        if was.is_none() && value.is_none() {
            return Ok(());
        }
        if was.is_none() && patiently(|| self.store.state_full(self.of)).await? {
            let message =
                format!("the state of this flow has {MOST_KEYS} keys, the most that there may be: delete some");
            return Err(NodeError::new("state_full", message));
        }
        let (revision, at) = (Uuid::from_bytes(self.id.0), self.clock.now());
        let value = value.map(|value| value.to_json());
        let change = RecordChange::State(StateChange { key: key.to_owned(), was, revision, value, at });
        self.held().proposal.changes.push(change);
        Ok(())
    }

    fn publish(&self, event: NewEvent) -> Result<String, NodeError> {
        self.allowed(EffectClass::Outbox)?;
        let (id, at) = (Uuid::from_bytes(self.id.0), self.clock.now());
        let row = EventRow { id, subject: event.subject, data: event.data.to_json(), at };
        self.held().proposal.changes.push(RecordChange::Publish(row));
        Ok(PublishedId(id).to_string())
    }
}
