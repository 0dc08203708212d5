//! What runs ask of the world besides effects and time: the waits for signals and the tasks for people, as rows that others
//! look up. They follow from the journal: written after it, repeated at recovery, and never more true than it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use holon_engine::{EffectId, Task, TaskKind};
use holon_model::{EnvironmentId, FlowId, RunId, TenantId, Timestamp, Value, json};
use holon_platform::clock::to_db;
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;

/// One thing that became true about what a run asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// It waits for a signal.
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
    /// It asks people.
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
    /// Nothing but these is outstanding.
    Only(Vec<EffectId>),
}

/// An ask with the run it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Whose run.
    pub tenant: TenantId,
    /// Which run.
    pub run: RunId,
    /// Where it runs.
    pub environment: EnvironmentId,
    /// Its flow.
    pub flow: FlowId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub ask: Ask,
}

/// Where asks are kept. Each operation may be repeated: it is true again afterwards.
#[async_trait]
pub trait Asks: Send + Sync + 'static {
    /// Writes one. What a run that is over asks is not written.
    async fn ask(&self, asked: &Asked) -> Result<(), StoreError>;

    /// The runs of an environment that wait for a signal.
    async fn waiting(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
        correlation: &str,
    ) -> Result<Vec<RunId>, StoreError>;

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

/// JSON with `[{"key", "label"}]` of what can be answered.
fn choices(task: &Task) -> String {
    let choice = |choice: &holon_engine::Choice| {
        Value::map([("key", Value::from(choice.key.as_str())), ("label", Value::from(choice.label.as_str()))])
    };
    json::to_string(&Value::from(task.choices.iter().map(choice).collect::<Vec<_>>()))
}

/// A statement that may be repeated: not answered is as good as not reached.
fn unread(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

pub(super) async fn write(pool: &PgPool, asked: &Asked) -> Result<(), StoreError> {
    let (tenant, run, environment) = (asked.tenant.0, asked.run.0, asked.environment.0);
    let at = to_db(asked.at);
    match &asked.ask {
        Ask::Await { id, name, correlation } => {
            sqlx::query!(
                "insert into wait (tenant_id, run_id, ask_id, environment_id, name, correlation)
                 select $1, $2, $3, $4, $5, $6 where exists (select from run_live where tenant_id = $1 and run_id = $2)
                 on conflict do nothing",
                tenant,
                run,
                ask_uuid(*id),
                environment,
                name,
                correlation
            )
            .execute(pool)
            .await
        }
        Ask::Drop { id } => {
            let id = ask_uuid(*id);
            sqlx::query!("delete from wait where tenant_id = $1 and run_id = $2 and ask_id = $3", tenant, run, id)
                .execute(pool)
                .await
        }
        Ask::Open(task) => {
            sqlx::query!(
                "insert into task (tenant_id, run_id, task_id, environment_id, flow_id, path, kind, title, context, choices, form,
                   assignees, due, state, opened_at)
                 select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'open', $14
                 where exists (select from run_live where tenant_id = $1 and run_id = $2)
                 on conflict do nothing",
                tenant,
                run,
                ask_uuid(task.id),
                environment,
                asked.flow.0,
                task.path,
                task_kind(task.kind),
                task.title,
                json::to_string(&task.context),
                choices(task),
                json::to_string(&task.form),
                &task.assignees,
                task.due.map(to_db),
                at
            )
            .execute(pool)
            .await
        }
        Ask::Escalate { id, to } => {
            sqlx::query!(
                "update task set escalated_at = coalesce(escalated_at, $5),
                   assignees = assignees || array(select one from unnest($4::text[]) as one where one <> all(assignees))
                 where tenant_id = $1 and run_id = $2 and task_id = $3 and state = 'open'",
                tenant,
                run,
                ask_uuid(*id),
                to,
                at
            )
            .execute(pool)
            .await
        }
        Ask::Answered { id, choice, form, by } => {
            sqlx::query!(
                "update task set state = 'answered', choice = $4, answer = $5, answered_by = $6, ended_at = $7
                 where tenant_id = $1 and run_id = $2 and task_id = $3 and state <> 'answered'",
                tenant,
                run,
                ask_uuid(*id),
                choice,
                json::to_string(form),
                by,
                at
            )
            .execute(pool)
            .await
        }
        Ask::Close { id } => {
            sqlx::query!(
                "update task set state = 'closed', ended_at = $4
                 where tenant_id = $1 and run_id = $2 and task_id = $3 and state = 'open'",
                tenant,
                run,
                ask_uuid(*id),
                at
            )
            .execute(pool)
            .await
        }
        Ask::Only(ids) => {
            let ids: Vec<Uuid> = ids.iter().map(|id| ask_uuid(*id)).collect();
            sqlx::query!(
                "with gone as (delete from wait where tenant_id = $1 and run_id = $2 and ask_id <> all($3))
                 update task set state = 'closed', ended_at = $4
                 where tenant_id = $1 and run_id = $2 and state = 'open' and task_id <> all($3)",
                tenant,
                run,
                &ids,
                at
            )
            .execute(pool)
            .await
        }
    }
    .map(drop)
    .map_err(unread)
}

pub(super) async fn waiting(
    pool: &PgPool,
    tenant: TenantId,
    environment: EnvironmentId,
    name: &str,
    correlation: &str,
) -> Result<Vec<RunId>, StoreError> {
    let runs = sqlx::query_scalar!(
        "select distinct run_id from wait where tenant_id = $1 and environment_id = $2 and name = $3 and correlation = $4
         order by run_id",
        tenant.0,
        environment.0,
        name,
        correlation
    )
    .fetch_all(pool)
    .await
    .map_err(unread)?;
    Ok(runs.into_iter().map(RunId).collect())
}

pub(super) async fn sweep(pool: &PgPool, now: Timestamp) -> Result<u64, StoreError> {
    let waits = sqlx::query!(
        "delete from wait w where not exists (select from run_live l where l.tenant_id = w.tenant_id and l.run_id = w.run_id)"
    )
    .execute(pool)
    .await
    .map_err(unread)?;
    let tasks = sqlx::query!(
        "update task t set state = 'closed', ended_at = $1 where t.state = 'open'
           and not exists (select from run_live l where l.tenant_id = t.tenant_id and l.run_id = t.run_id)",
        to_db(now)
    )
    .execute(pool)
    .await
    .map_err(unread)?;
    Ok(waits.rows_affected() + tasks.rows_affected())
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

    pub(super) fn write(&self, asked: &Asked, live: bool) {
        let (tenant, run) = (asked.tenant, asked.run);
        let mut kept = self.kept();
        match &asked.ask {
            Ask::Await { id, name, correlation } if live => {
                let row = (asked.environment, name.clone(), correlation.clone());
                kept.waits.entry((tenant, run, *id)).or_insert(row);
            }
            Ask::Open(task) if live => {
                let row = TaskRow { task: (**task).clone(), state: "open", choice: None };
                kept.tasks.entry((tenant, run, task.id)).or_insert(row);
            }
            Ask::Await { .. } | Ask::Open(_) => {}
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
            Ask::Only(ids) => {
                let ids: BTreeSet<EffectId> = ids.iter().copied().collect();
                kept.waits.retain(|(_, of, id), _| *of != run || ids.contains(id));
                let left = kept
                    .tasks
                    .iter_mut()
                    .filter(|((_, of, id), row)| *of == run && row.state == "open" && !ids.contains(id));
                left.for_each(|(_, row)| row.state = "closed");
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
        rows.map(|((_, run, _), _)| *run).collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(super) fn sweep(&self, live: impl Fn(TenantId, RunId) -> bool) -> u64 {
        let mut kept = self.kept();
        let before = kept.waits.len();
        kept.waits.retain(|(tenant, run, _), _| live(*tenant, *run));
        let mut swept = (before - kept.waits.len()) as u64;
        for ((tenant, run, _), row) in &mut kept.tasks {
            if row.state == "open" && !live(*tenant, *run) {
                row.state = "closed";
                swept += 1;
            }
        }
        swept
    }
}
