//! What steps change in Holon's own database: the state of flows, and events that are published. A change stands in the commit that
//! journals the result of its step, so both are there or neither is. A change of state says which revision it was made from: when
//! somebody was faster, nothing of that run is written, and its step is done again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use holon_model::{EnvironmentId, FlowId, RunId, TenantId, Timestamp};
use uuid::Uuid;

use super::{RunWrite, StoreError};

/// Keys that the state of one flow may have. Steps that add keys at the same instant may go past it by a few.
pub const MOST_KEYS: i64 = 10_000;

/// Whose state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateOf {
    /// Whose flow.
    pub tenant: TenantId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// The flow.
    pub flow: FlowId,
}

impl StateOf {
    /// That of a run's flow.
    pub fn run(write: &RunWrite) -> Self {
        Self { tenant: write.tenant, environment: write.facts.environment, flow: write.facts.flow }
    }
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRow {
    /// Which change made it; no two changes have the same.
    pub revision: Uuid,
    /// JSON.
    pub value: String,
}

/// One change of Holon's own database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordChange {
    /// A key of the flow's state.
    State(StateChange),
    /// An event.
    Publish(EventRow),
}

impl RecordChange {
    /// Roughly the bytes it takes on the wire.
    pub fn size(&self) -> usize {
        128 + match self {
            Self::State(change) => change.key.len() + change.value.as_ref().map_or(0, String::len),
            Self::Publish(event) => event.subject.len() + event.data.len(),
        }
    }
}

/// A change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The key.
    pub key: String,
    /// The revision that it was made from; nothing: the key was not there.
    pub was: Option<Uuid>,
    /// The revision from now on.
    pub revision: Uuid,
    /// JSON; nothing: the key is gone.
    pub value: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// An event that is published. It gets its place in the order of its environment's events a moment later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// The same however often it is published.
    pub id: Uuid,
    /// What it is about.
    pub subject: String,
    /// JSON.
    pub data: String,
    /// When.
    pub at: Timestamp,
}

/// Where state is looked up.
#[async_trait]
pub trait States: Send + Sync + 'static {
    /// The value of a key.
    async fn state(&self, of: StateOf, key: &str) -> Result<Option<StateRow>, StoreError>;

    /// Whether a flow's state has [`MOST_KEYS`] keys.
    async fn state_full(&self, of: StateOf) -> Result<bool, StoreError>;
}

#[derive(Default)]
struct Kept {
    states: BTreeMap<(StateOf, String), StateRow>,
    events: BTreeMap<(TenantId, Uuid), (EnvironmentId, RunId, EventRow)>,
}

/// State and events in memory.
#[derive(Clone, Default)]
pub struct MemStates(Arc<Mutex<Kept>>);

impl MemStates {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every key that is there, with its value.
    pub fn all(&self) -> Vec<(StateOf, String, StateRow)> {
        self.kept().states.iter().map(|((of, key), row)| (*of, key.clone(), row.clone())).collect()
    }

    /// Every event that was published, by tenant and id.
    pub fn events(&self) -> Vec<(TenantId, EnvironmentId, RunId, EventRow)> {
        let kept = self.kept();
        kept.events.iter().map(|((tenant, _), (at, run, row))| (*tenant, *at, *run, row.clone())).collect()
    }

    /// Changes a key as somebody outside of all runs would.
    pub fn put(&self, of: StateOf, key: &str, row: Option<StateRow>) {
        let mut kept = self.kept();
        match row {
            Some(row) => drop(kept.states.insert((of, key.to_owned()), row)),
            None => drop(kept.states.remove(&(of, key.to_owned()))),
        }
    }

    pub(super) fn row(&self, of: StateOf, key: &str) -> Option<StateRow> {
        self.kept().states.get(&(of, key.to_owned())).cloned()
    }

    pub(super) fn full(&self, of: StateOf) -> bool {
        let keys = self.kept().states.keys().filter(|(whose, _)| *whose == of).count();
        i64::try_from(keys).unwrap_or(i64::MAX) >= MOST_KEYS
    }

    /// Makes the changes of a write, all of them or, where one was made from another revision, none; whether they were made.
    pub(super) fn write(&self, write: &RunWrite) -> bool {
        if write.changes.is_empty() {
            return true;
        }
        let mut kept = self.kept();
        let of = StateOf::run(write);
        let mut states = kept.states.clone();
        for change in &write.changes {
            let RecordChange::State(change) = change else { continue };
            let at = (of, change.key.clone());
            if states.get(&at).map(|row| row.revision) != change.was {
                return false;
            }
            match &change.value {
                Some(value) => drop(states.insert(at, StateRow { revision: change.revision, value: value.clone() })),
                None => drop(states.remove(&at)),
            }
        }
        kept.states = states;
        for change in &write.changes {
            let RecordChange::Publish(event) = change else { continue };
            let row = (write.facts.environment, write.run, event.clone());
            kept.events.entry((write.tenant, event.id)).or_insert(row);
        }
        true
    }
}
