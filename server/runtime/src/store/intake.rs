//! What decides whether a run begins: what a person has paused, and the places of flows that let only so many of their runs go on at a
//! time. The row of a run's place is written with the commit that accepts the run and goes with the one that ends it, so there are
//! never more of them going than there may be, whatever crashes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use holon_engine::EffectId;
use holon_model::{EnvironmentId, FlowId, ReplicaId, RunId, TenantId};

use super::{StoreError, shard_of};

/// Whose turn it is, among the runs of one flow with the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    /// Whose.
    pub tenant: TenantId,
    /// Of which flow.
    pub flow: FlowId,
    /// What they share; empty where the flow names nothing.
    pub key: String,
}

/// That a run needs a place before it begins, and how it begins then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Where it stands.
    pub line: Line,
    /// How many of that line may go on at a time, at least one.
    pub most: u32,
    /// Whether older ones are cancelled when there are more.
    pub replaces: bool,
    /// How it begins.
    pub prefix: Prefix,
}

impl Ticket {
    /// What pages show of a run that waits.
    pub fn reason(&self) -> String {
        let runs = if self.most == 1 { "one run".to_owned() } else { format!("{} runs", self.most) };
        let key = if self.line.key.is_empty() { String::new() } else { format!(" with the key `{}`", self.line.key) };
        format!("It waits for its place: at most {runs} of the flow{key} may go on at a time")
    }
}

/// The first inputs of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix {
    /// How many of them are copied from an earlier run's journal: their commands are not done, what is outstanding after them is.
    pub copied: usize,
    /// The effect whose failure is tried again: of what is outstanding after the copy the only one that is known to be over.
    pub again: Option<EffectId>,
    /// Whether nothing of what is outstanding after the copy was done before: it has keys of its own.
    pub fresh: bool,
}

/// How many runs stand in a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crowd {
    /// They go on.
    pub going: u64,
    /// They wait for a place.
    pub waiting: u64,
}

/// What came of a look at lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    /// They have a place from now on, with the replica that drives them.
    pub runs: Vec<(RunId, Option<ReplicaId>)>,
    /// They are in the way of newer ones, and are to be cancelled.
    pub replaced: Vec<RunId>,
}

/// How a person has paused something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseMode {
    /// Nothing begins, also what was accepted before and waits for its place.
    Pause,
    /// What was accepted goes on to its end; nothing is accepted.
    Drain,
}

impl PauseMode {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Drain => "drain",
        }
    }

    /// From the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pause, Self::Drain].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// What is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseScope {
    /// Everything.
    Instance,
    /// A workspace.
    Workspace(TenantId),
    /// A flow, in one environment.
    Flow(TenantId, EnvironmentId, FlowId),
}

/// All that is paused, with how and why.
pub type Pauses = BTreeMap<PauseScope, (PauseMode, String)>;

/// Where that is kept.
#[async_trait]
pub trait Intake: Send + Sync + 'static {
    /// All that is paused.
    async fn pauses(&self) -> Result<Pauses, StoreError>;

    /// How many runs stand in a line.
    async fn crowd(&self, line: &Line) -> Result<Crowd, StoreError>;

    /// Gives free places of these lines of a tenant to those that have waited longest in each. Whoever asks at the same time, there are
    /// never more than may be.
    async fn admit(&self, tenant: TenantId, lines: &[Line]) -> Result<Admitted, StoreError>;

    /// Lines in which somebody waits.
    async fn lines(&self) -> Result<Vec<Line>, StoreError>;

    /// Runs of these shards that have a place and have not begun.
    async fn admitted(&self, shards: &[i16]) -> Result<Vec<(TenantId, RunId)>, StoreError>;

    /// The ticket of a run that has not begun.
    async fn ticket(&self, tenant: TenantId, run: RunId) -> Result<Option<Ticket>, StoreError>;
}

/// A run's place in the memory store.
#[derive(Debug, Clone)]
struct Place {
    ticket: Ticket,
    position: u64,
    going: bool,
}

#[derive(Default)]
struct Tables {
    places: BTreeMap<(TenantId, RunId), Place>,
    positions: u64,
    pauses: Pauses,
}

/// The same in memory.
#[derive(Clone, Default)]
pub struct MemIntake(Arc<Mutex<Tables>>);

impl MemIntake {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pauses something, or lets it go on.
    pub fn pause(&self, scope: PauseScope, mode: Option<PauseMode>) {
        let mut tables = self.tables();
        match mode {
            Some(mode) => drop(tables.pauses.insert(scope, (mode, String::new()))),
            None => drop(tables.pauses.remove(&scope)),
        }
    }

    /// Runs that have a place and runs that wait for one, in all lines.
    pub fn places(&self) -> Crowd {
        let tables = self.tables();
        let going = tables.places.values().filter(|place| place.going).count() as u64;
        Crowd { going, waiting: tables.places.len() as u64 - going }
    }

    pub(super) fn queue(&self, tenant: TenantId, run: RunId, ticket: &Ticket) {
        let mut tables = self.tables();
        tables.positions += 1;
        let place = Place { ticket: ticket.clone(), position: tables.positions, going: false };
        tables.places.entry((tenant, run)).or_insert(place);
    }

    pub(super) fn leave(&self, tenant: TenantId, run: RunId) {
        self.tables().places.remove(&(tenant, run));
    }

    pub(super) fn inherit(&self, tenant: TenantId, run: RunId, from: RunId) {
        let mut tables = self.tables();
        if let Some(place) = tables.places.remove(&(tenant, from)) {
            tables.places.insert((tenant, run), place);
        }
    }

    pub(super) fn sweep(&self, live: impl Fn(TenantId, RunId) -> bool) -> u64 {
        let mut tables = self.tables();
        let before = tables.places.len();
        tables.places.retain(|(tenant, run), _| live(*tenant, *run));
        (before - tables.places.len()) as u64
    }

    pub(super) fn pauses(&self) -> Pauses {
        self.tables().pauses.clone()
    }

    pub(super) fn crowd(&self, line: &Line) -> Crowd {
        let tables = self.tables();
        let here = tables.places.values().filter(|place| place.ticket.line == *line);
        here.fold(Crowd::default(), |mut crowd, place| {
            *(if place.going { &mut crowd.going } else { &mut crowd.waiting }) += 1;
            crowd
        })
    }

    pub(super) fn admit(&self, line: &Line, owner: impl Fn(i16) -> Option<ReplicaId>, admitted: &mut Admitted) {
        let mut tables = self.tables();
        let mut here: Vec<(RunId, &mut Place)> = tables
            .places
            .iter_mut()
            .filter(|(_, place)| place.ticket.line == *line)
            .map(|((_, run), place)| (*run, place))
            .collect();
        here.sort_by_key(|(_, place)| place.position);
        if let Some(newest) = here.iter().rfind(|(_, place)| !place.going)
            && newest.1.ticket.replaces
        {
            let most = newest.1.ticket.most as usize;
            let old = here.len().saturating_sub(most);
            admitted.replaced.extend(here.iter().take(old).map(|(run, _)| *run));
        }
        let mut going = here.iter().filter(|(_, place)| place.going).count() as u64;
        for (run, place) in here {
            if place.going {
                continue;
            }
            if going >= u64::from(place.ticket.most) {
                break;
            }
            if admitted.replaced.contains(&run) {
                continue;
            }
            place.going = true;
            going += 1;
            admitted.runs.push((run, owner(shard_of(run))));
        }
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let tables = self.tables();
        let mut lines: Vec<Line> =
            tables.places.values().filter(|place| !place.going).map(|place| place.ticket.line.clone()).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// Those that have a place, of these shards.
    pub(super) fn going(&self, shards: &[i16]) -> Vec<(TenantId, RunId)> {
        let tables = self.tables();
        let going = tables.places.iter().filter(|((_, run), place)| place.going && shards.contains(&shard_of(*run)));
        going.map(|(id, _)| *id).collect()
    }

    /// Whether a run waits for a place.
    pub(super) fn waits(&self, tenant: TenantId, run: RunId) -> bool {
        self.tables().places.get(&(tenant, run)).is_some_and(|place| !place.going)
    }

    pub(super) fn ticket(&self, tenant: TenantId, run: RunId) -> Option<Ticket> {
        self.tables().places.get(&(tenant, run)).map(|place| place.ticket.clone())
    }
}
