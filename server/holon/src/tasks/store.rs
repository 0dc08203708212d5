//! All SQL of tasks as pages read them. Only the runtime writes them.

use holon_model::wire::tasks::{MOST_COUNTED, Task, TaskCounts, TaskSummary};
use holon_model::{FlowId, RunId, Value, json};
use holon_platform::clock::from_db;
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::Error;
use crate::{flows, identity::names};

/// For whom a task is: flows name assignees as they like, and capitals do not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whom {
    /// Whoever it is.
    #[default]
    Anybody,
    /// Nobody in particular.
    Nobody,
    /// Somebody who is called like this, in one of these ways.
    Named(Vec<String>),
}

impl Whom {
    /// How a statement takes it: the names that are meant, and whether only tasks without any are.
    fn asked(&self) -> (Option<&[String]>, bool) {
        match self {
            Self::Anybody => (None, false),
            Self::Nobody => (None, true),
            Self::Named(names) => (Some(names), false),
        }
    }
}

/// Which tasks.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In this state.
    pub state: Option<String>,
    /// Of this run.
    pub run: Option<RunId>,
    /// For whom.
    pub whom: Whom,
    /// Older than this run and task.
    pub before: Option<(RunId, Uuid)>,
}

/// Tasks of the environment, of the newest run first. What they are about may be large, and is not read.
pub async fn list(tx: &mut TenantTx<'_>, filter: &Filter, limit: i64) -> Result<Vec<TaskSummary>, Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    let before = filter.before.map(|(run, task)| (run.0, task)).unzip();
    let (names, nobody) = filter.whom.asked();
    // Each question is planned for what it asks: a plan for all of them reads what is over to find what is open.
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true) as mode")
        .fetch_one(tx.conn())
        .await?;
    let rows = sqlx::query!(
        r#"select t.run_id, t.task_id, t.flow_id, t.path, t.kind, t.title, t.choices, t.assignees, t.due,
             t.state, t.choice, t.answered_by, t.opened_at, t.ended_at, f.name as "flow_name?"
           from task t left join flow f on f.tenant_id = t.tenant_id and f.flow_id = t.flow_id
           where t.tenant_id = $1 and t.environment_id = $2 and ($3::text is null or t.state = $3)
             and ($4::uuid is null or t.run_id = $4)
             and ($5::uuid is null or (t.run_id, t.task_id) < ($5, $6::uuid))
             and ($8::text[] is null or exists (select 1 from unnest(t.assignees) as a(one)
               join unnest($8::text[]) as n(one) on lower(a.one) = lower(n.one)))
             and (not $9::bool or cardinality(t.assignees) = 0)
           order by t.run_id desc, t.task_id desc limit $7"#,
        tenant,
        environment,
        filter.state,
        filter.run.map(|run| run.0),
        before.0,
        before.1,
        limit,
        names,
        nobody,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut found: Vec<TaskSummary> = rows
        .into_iter()
        .map(|row| {
            let run = RunId(row.run_id);
            Ok(TaskSummary {
                id: row.task_id.simple().to_string(),
                run,
                flow: FlowId(row.flow_id),
                flow_name: row.flow_name.unwrap_or_default(),
                path: row.path,
                kind: row.kind,
                title: row.title,
                choices: read(run, &row.choices)?,
                assignees: row.assignees,
                due: row.due.map(from_db),
                state: row.state,
                choice: row.choice,
                answered_by: row.answered_by,
                answered_by_name: None,
                opened_at: from_db(row.opened_at),
                ended_at: row.ended_at.map(from_db),
            })
        })
        .collect::<Result<_, Error>>()?;
    flows::gone::name(tx, &mut found, |task| (task.flow, &mut task.flow_name)).await?;
    let who = found.iter().filter_map(|task| task.answered_by.as_deref());
    let names = names::of(tx, who).await?;
    for task in &mut found {
        task.answered_by_name = task.answered_by.as_ref().and_then(|by| names.get(by)).cloned();
    }
    Ok(found)
}

/// How many tasks of the environment are open, in all, for somebody of these names, and for nobody.
pub async fn counts(tx: &mut TenantTx<'_>, names: &[String]) -> Result<TaskCounts, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    let row = sqlx::query!(
        r#"select
             (select count(*) from (select 1 from task t where t.tenant_id = $1 and t.environment_id = $2
               and t.state = 'open' limit $4) as o) as "open!",
             (select count(*) from (select 1 from task t where t.tenant_id = $1 and t.environment_id = $2
               and t.state = 'open' and exists (select 1 from unnest(t.assignees) as a(one)
                 join unnest($3::text[]) as n(one) on lower(a.one) = lower(n.one)) limit $4) as m) as "mine!",
             (select count(*) from (select 1 from task t where t.tenant_id = $1 and t.environment_id = $2
               and t.state = 'open' and cardinality(t.assignees) = 0 limit $4) as u) as "unassigned!""#,
        tenant,
        environment,
        names,
        i64::from(MOST_COUNTED),
    )
    .fetch_one(tx.conn())
    .await?;
    let count = |number: i64| u32::try_from(number).unwrap_or(MOST_COUNTED);
    Ok(TaskCounts { open: count(row.open), mine: count(row.mine), unassigned: count(row.unassigned) })
}

/// One task of a run of the environment, whole.
pub async fn find(tx: &mut TenantTx<'_>, run: RunId, task: Uuid) -> Result<Option<Task>, Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    let row = sqlx::query!(
        r#"select t.flow_id, t.path, t.kind, t.title, t.context, t.choices, t.form, t.assignees, t.due, t.state, t.choice,
             t.answer, t.answered_by, t.opened_at, t.ended_at, f.name as "flow_name?"
           from task t left join flow f on f.tenant_id = t.tenant_id and f.flow_id = t.flow_id
           where t.tenant_id = $1 and t.environment_id = $2 and t.run_id = $3 and t.task_id = $4"#,
        tenant,
        environment,
        run.0,
        task,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let names = names::of(tx, row.answered_by.as_deref().into_iter()).await?;
    let mut found = [Task {
        id: task.simple().to_string(),
        run,
        flow: FlowId(row.flow_id),
        flow_name: row.flow_name.unwrap_or_default(),
        path: row.path,
        kind: row.kind,
        title: row.title,
        context: read(run, &row.context)?,
        choices: read(run, &row.choices)?,
        form: read(run, &row.form)?,
        assignees: row.assignees,
        due: row.due.map(from_db),
        state: row.state,
        choice: row.choice,
        answered_by_name: row.answered_by.as_ref().and_then(|by| names.get(by)).cloned(),
        answered_by: row.answered_by,
        opened_at: from_db(row.opened_at),
        ended_at: row.ended_at.map(from_db),
        answer: row.answer.map(|answer| read(run, &answer)).transpose()?.unwrap_or_default(),
    }];
    flows::gone::name(tx, &mut found, |task| (task.flow, &mut task.flow_name)).await?;
    let [found] = found;
    Ok(Some(found))
}

fn read(run: RunId, text: &str) -> Result<Value, Error> {
    json::parse(text.as_bytes()).map_err(|error| Error::Inconsistent(run, error.to_string()))
}
