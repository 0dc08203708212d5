//! What runs ask of the world besides effects and time: the waits for signals and the tasks for people, as rows that others
//! look up. They are written in the commit of the input that they follow from: what the journal says and what the rows say is
//! the same at every moment, and a replica that was fenced writes neither.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use holon_engine::{EffectId, Task, TaskKind};
use holon_model::{EnvironmentId, RunId, TenantId, Timestamp, Value};
use uuid::Uuid;

use super::intake::Ticket;
use super::work::HandOut;
use super::{RunWrite, StoreError};

/// The most runs that one look finds, see [`Asks::waiting`].
pub const MOST_WAITING: usize = 1_001;
/// Bytes of a signal's name and of its correlation: more does not fit into the index by which waits are found.
const MOST_TEXT: usize = 1_024;

/// One thing that became true about what a run asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// It waits for a signal; maybe anew, under the same id.
    Await {
        /// Which wait.
        id: EffectId,
        /// The signal's name.
        name: String,
        /// Which of several; empty where that does not matter.
        correlation: String,
    },
    /// It does not wait for it any more.
    Drop {
        /// Which wait.
        id: EffectId,
    },
    /// It asks people; maybe anew what it asked before, under the same id: then whatever became of that is over.
    Open(Box<Task>),
    /// It asks these people too.
    Escalate {
        /// Which task.
        id: EffectId,
        /// Whom.
        to: Vec<String>,
    },
    /// Somebody answered.
    Answered {
        /// Which task.
        id: EffectId,
        /// The key of the choice.
        choice: String,
        /// The form, filled in.
        form: Value,
        /// Who.
        by: String,
    },
    /// The answer is not wanted any more.
    Close {
        /// Which task.
        id: EffectId,
    },
    /// It hands an effect out to a worker.
    HandOut(Box<HandOut>),
    /// The effect is not outstanding any more: it was answered, or is not wanted.
    TakeBack {
        /// Which effect.
        id: EffectId,
        /// Which attempt at it; without one all of them.
        attempt: Option<u32>,
    },
    /// It is paused by a person: what came meanwhile is kept until it is resumed.
    Keep {
        /// Its number among what is kept, from 0.
        n: i32,
        /// The input, as the engine encodes it.
        input: Vec<u8>,
    },
    /// What was kept is taken in.
    Unkeep,
    /// It needs a place before it begins: written with its start.
    Queue(Box<Ticket>),
    /// It goes on for another run, and has the place of that one.
    Inherit {
        /// Which run.
        from: RunId,
    },
    /// Its place is free: written with its end.
    Leave,
    /// Nothing is outstanding any more: the run is over.
    Nothing,
}

impl Ask {
    /// As it can be kept: a text column does not hold U+0000, and a wait that fits into no index can be found by nobody. Nothing
    /// when it cannot be kept at all; the run waits all the same, and is reached by its id.
    #[must_use]
    pub fn storable(self) -> Option<Self> {
        let clean = |text: String| text.replace('\0', "\u{fffd}");
        let all = |texts: Vec<String>| texts.into_iter().map(clean).collect();
        Some(match self {
            Self::Await { name, correlation, .. }
                if [&name, &correlation].iter().any(|text| text.len() > MOST_TEXT || text.contains('\0')) =>
            {
                return None;
            }
            Self::Open(mut task) => {
                task.title = clean(task.title);
                task.path = clean(task.path);
                task.assignees = all(task.assignees);
                Self::Open(task)
            }
            Self::Escalate { id, to } => Self::Escalate { id, to: all(to) },
            Self::HandOut(mut work) => {
                work.path = clean(work.path);
                Self::HandOut(work)
            }
            Self::Answered { id, choice, form, by } => {
                Self::Answered { id, choice: clean(choice), form, by: clean(by) }
            }
            other => other,
        })
    }

    /// Roughly the bytes it takes on the wire.
    pub fn size(&self) -> usize {
        let texts = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
        let weight = |value: &Value| usize::try_from(value.weight()).unwrap_or(usize::MAX / 4);
        128 + match self {
            Self::Await { name, correlation, .. } => name.len() + correlation.len(),
            Self::Open(task) => task.title.len() + weight(&task.context) + weight(&task.form) + texts(&task.assignees),
            Self::Escalate { to, .. } => texts(to),
            Self::Answered { choice, form, by, .. } => choice.len() + by.len() + weight(form),
            Self::Keep { input, .. } => input.len(),
            Self::Queue(ticket) => ticket.line.key.len(),
            Self::Inherit { .. } | Self::Leave => 0,
            Self::HandOut(work) => work.path.len() + work.name.len() + weight(&work.input),
            Self::Drop { .. } | Self::Close { .. } | Self::TakeBack { .. } | Self::Unkeep | Self::Nothing => 0,
        }
    }
}

/// An ask with its moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// When.
    pub at: Timestamp,
    /// What.
    pub ask: Ask,
}

/// Where asks are looked up.
#[async_trait]
pub trait Asks: Send + Sync + 'static {
    /// The runs of an environment that wait for a signal, in their order; [`MOST_WAITING`] of them at most.
    async fn waiting(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
        correlation: &str,
    ) -> Result<Vec<RunId>, StoreError>;

    /// What came to a run while it is paused, in the order in which it came: with their stamps, as the engine encodes them.
    async fn kept(&self, tenant: TenantId, run: RunId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError>;

    /// Takes away what runs that are over left behind; answers how many rows.
    async fn sweep_asks(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// An ask's id as the tables have it.
pub fn ask_uuid(id: EffectId) -> Uuid {
    Uuid::from_bytes(id.0)
}

/// The name of a kind of task, as the tables have it.
pub fn task_kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Approval => "approval",
        TaskKind::Compensation => "compensation",
    }
}

/// A task in the memory store.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// What is asked.
    pub task: Task,
    /// `open | answered | closed`.
    pub state: &'static str,
    /// What was answered.
    pub choice: Option<String>,
}

#[derive(Default)]
struct Kept {
    waits: BTreeMap<(TenantId, RunId, EffectId), (EnvironmentId, String, String)>,
    tasks: BTreeMap<(TenantId, RunId, EffectId), TaskRow>,
    inputs: BTreeMap<(TenantId, RunId, i32), (Timestamp, Vec<u8>)>,
    work: BTreeMap<(TenantId, RunId, EffectId, u32), HandOut>,
}

/// Asks in memory.
#[derive(Clone, Default)]
pub struct MemAsks(Arc<Mutex<Kept>>);

impl MemAsks {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tasks of a run.
    pub fn tasks(&self, run: RunId) -> Vec<TaskRow> {
        self.kept().tasks.iter().filter(|((_, of, _), _)| *of == run).map(|(_, row)| row.clone()).collect()
    }

    /// Who waits for which signal now: name and correlation.
    pub fn waits(&self) -> Vec<(TenantId, RunId, String, String)> {
        let kept = self.kept();
        let rows = kept.waits.iter();
        rows.map(|((tenant, run, _), (_, name, correlation))| (*tenant, *run, name.clone(), correlation.clone()))
            .collect()
    }

    /// What is handed out to workers now.
    pub fn work(&self) -> Vec<(TenantId, RunId, HandOut)> {
        self.kept().work.iter().map(|((tenant, run, ..), work)| (*tenant, *run, work.clone())).collect()
    }

    /// The tasks that wait for an answer now.
    pub fn open(&self) -> Vec<(TenantId, RunId, Task)> {
        let kept = self.kept();
        let open = kept.tasks.iter().filter(|(_, row)| row.state == "open");
        open.map(|((tenant, run, _), row)| (*tenant, *run, row.task.clone())).collect()
    }

    pub(super) fn write(&self, write: &RunWrite, asked: &Asked) {
        let (tenant, run) = (write.tenant, write.run);
        let mut kept = self.kept();
        match &asked.ask {
            Ask::Await { id, name, correlation } => {
                let row = (write.facts.environment, name.clone(), correlation.clone());
                kept.waits.entry((tenant, run, *id)).or_insert(row);
            }
            Ask::Open(task) => {
                let row = TaskRow { task: (**task).clone(), state: "open", choice: None };
                kept.tasks.insert((tenant, run, task.id), row);
            }
            Ask::Drop { id } => drop(kept.waits.remove(&(tenant, run, *id))),
            Ask::Escalate { id, to } => {
                if let Some(row) = kept.tasks.get_mut(&(tenant, run, *id)).filter(|row| row.state == "open") {
                    let new: Vec<String> = to.iter().filter(|one| !row.task.assignees.contains(one)).cloned().collect();
                    row.task.assignees.extend(new);
                }
            }
            Ask::Answered { id, choice, .. } => {
                if let Some(row) = kept.tasks.get_mut(&(tenant, run, *id)).filter(|row| row.state != "answered") {
                    (row.state, row.choice) = ("answered", Some(choice.clone()));
                }
            }
            Ask::Close { id } => {
                if let Some(row) = kept.tasks.get_mut(&(tenant, run, *id)).filter(|row| row.state == "open") {
                    row.state = "closed";
                }
            }
            Ask::HandOut(work) => {
                kept.work.entry((tenant, run, work.id, work.attempt)).or_insert_with(|| (**work).clone());
            }
            Ask::TakeBack { id, attempt } => {
                let gone = |of: EffectId, this: u32| of == *id && attempt.is_none_or(|attempt| attempt == this);
                kept.work.retain(|(whose, of, id, this), _| (*whose, *of) != (tenant, run) || !gone(*id, *this));
            }
            Ask::Keep { n, input } => {
                kept.inputs.entry((tenant, run, *n)).or_insert_with(|| (asked.at, input.clone()));
            }
            // Places are kept elsewhere.
            Ask::Queue(_) | Ask::Inherit { .. } | Ask::Leave => {}
            Ask::Unkeep => kept.inputs.retain(|(whose, of, _), _| (*whose, *of) != (tenant, run)),
            Ask::Nothing => {
                kept.inputs.retain(|(whose, of, _), _| (*whose, *of) != (tenant, run));
                kept.waits.retain(|(whose, of, _), _| (*whose, *of) != (tenant, run));
                kept.work.retain(|(whose, of, ..), _| (*whose, *of) != (tenant, run));
                let open = kept
                    .tasks
                    .iter_mut()
                    .filter(|((whose, of, _), row)| (*whose, *of) == (tenant, run) && row.state == "open");
                open.for_each(|(_, row)| row.state = "closed");
            }
        }
    }

    pub(super) fn waiting(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
        correlation: &str,
    ) -> Vec<RunId> {
        let kept = self.kept();
        let rows = kept
            .waits
            .iter()
            .filter(|((of, ..), row)| *of == tenant && row.0 == environment && row.1 == name && row.2 == correlation);
        rows.map(|((_, run, _), _)| *run).collect::<BTreeSet<_>>().into_iter().take(MOST_WAITING).collect()
    }

    pub(super) fn inputs(&self, tenant: TenantId, run: RunId) -> Vec<(Timestamp, Vec<u8>)> {
        let kept = self.kept();
        kept.inputs.range((tenant, run, i32::MIN)..=(tenant, run, i32::MAX)).map(|(_, row)| row.clone()).collect()
    }

    pub(super) fn sweep(&self, live: impl Fn(TenantId, RunId) -> bool) -> u64 {
        let mut kept = self.kept();
        let before = kept.waits.len();
        kept.waits.retain(|(tenant, run, _), _| live(*tenant, *run));
        let mut swept = (before - kept.waits.len()) as u64;
        let before = kept.inputs.len();
        kept.inputs.retain(|(tenant, run, _), _| live(*tenant, *run));
        swept += (before - kept.inputs.len()) as u64;
        let before = kept.work.len();
        kept.work.retain(|(tenant, run, ..), _| live(*tenant, *run));
        swept += (before - kept.work.len()) as u64;
        for ((tenant, run, _), row) in &mut kept.tasks {
            if row.state == "open" && !live(*tenant, *run) {
                row.state = "closed";
                swept += 1;
            }
        }
        swept
    }
}
