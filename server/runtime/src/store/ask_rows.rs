//! The rows of what runs ask, in Postgres: written by the batch, one statement of each kind, in the transaction of the commit.

use std::collections::BTreeMap;

use holon_engine::{EffectId, Task};
use holon_model::{EnvironmentId, RunId, TenantId, Timestamp, Value, json};
use holon_platform::clock::{from_db, to_db};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::asks::{Ask, Asked, MOST_WAITING, ask_uuid, task_kind};
use super::pg::unread;
use super::place_rows::{self, Places};
use super::work_rows::{self, Work};
use super::{Batch, RunWrite, StoreError};

/// JSON with `[{"key", "label"}]` of what can be answered.
fn choices(task: &Task) -> String {
    let choice = |choice: &holon_engine::Choice| {
        Value::map([("key", Value::from(choice.key.as_str())), ("label", Value::from(choice.label.as_str()))])
    };
    json::to_string(&Value::from(task.choices.iter().map(choice).collect::<Vec<_>>()))
}

/// Texts as a JSON list: arrays of arrays do not come out of `unnest` as they went in.
fn list(texts: &[String]) -> String {
    json::to_string(&Value::from(texts.iter().map(|text| Value::from(text.as_str())).collect::<Vec<_>>()))
}

/// Columns that rows of every kind have.
#[derive(Default)]
pub(super) struct Ids {
    pub tenant: Vec<Uuid>,
    pub run: Vec<Uuid>,
    ask: Vec<Uuid>,
    at: Vec<OffsetDateTime>,
}

impl Ids {
    fn push(&mut self, write: &RunWrite, id: Uuid, at: Timestamp) {
        self.tenant.push(write.tenant.0);
        self.run.push(write.run.0);
        self.ask.push(id);
        self.at.push(to_db(at));
    }

    fn is_empty(&self) -> bool {
        self.run.is_empty()
    }
}

#[derive(Default)]
struct Waits {
    ids: Ids,
    environment: Vec<Uuid>,
    name: Vec<String>,
    correlation: Vec<String>,
}

#[derive(Default)]
struct Tasks {
    ids: Ids,
    environment: Vec<Uuid>,
    flow: Vec<Uuid>,
    path: Vec<String>,
    kind: Vec<String>,
    title: Vec<String>,
    context: Vec<String>,
    choices: Vec<String>,
    form: Vec<String>,
    assignees: Vec<String>,
    due: Vec<Option<OffsetDateTime>>,
}

#[derive(Default)]
struct Kept {
    ids: Ids,
    n: Vec<i32>,
    input: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Answers {
    ids: Ids,
    choice: Vec<String>,
    form: Vec<String>,
    by: Vec<String>,
}

/// What one run asks in one commit, as statements of one kind after the other say it: dropped, awaited; asked, escalated, answered,
/// closed. What is asked anew under an id is only that: a step that is tried again may ask as it asked before, and what became of the
/// question before is over by then.
fn last_words(asks: &[Asked]) -> Vec<&Asked> {
    // Waits and tasks apart, as their rows are.
    let mut by_id: BTreeMap<(bool, EffectId), (bool, Vec<&Asked>)> = BTreeMap::new();
    let mut others = Vec::new();
    for asked in asks {
        let id = match &asked.ask {
            Ask::Await { id, .. } | Ask::Drop { id } => (false, *id),
            Ask::Escalate { id, .. } | Ask::Answered { id, .. } | Ask::Close { id } => (true, *id),
            Ask::Open(task) => (true, task.id),
            // Said once, whatever else is asked.
            _ => {
                others.push(asked);
                continue;
            }
        };
        let (over, words) = by_id.entry(id).or_default();
        match &asked.ask {
            Ask::Await { .. } => words.retain(|asked| matches!(asked.ask, Ask::Drop { .. })),
            Ask::Drop { .. } => words.clear(),
            Ask::Open(_) => {
                words.clear();
                *over = false;
            }
            // Nobody is asked any more.
            Ask::Escalate { .. } if *over => continue,
            Ask::Answered { .. } | Ask::Close { .. } => *over = true,
            _ => {}
        }
        words.push(asked);
    }
    by_id.into_values().flat_map(|(_, words)| words).chain(others).collect()
}

/// What a batch asks, turned on its side.
#[derive(Default)]
struct Rows {
    waits: Waits,
    dropped: Ids,
    tasks: Tasks,
    escalated: Ids,
    escalated_to: Vec<String>,
    answers: Answers,
    closed: Ids,
    kept: Kept,
    unkept: Ids,
    places: Places,
    work: Work,
    over: Ids,
}

impl Rows {
    fn push(&mut self, write: &RunWrite, asked: &Asked) {
        let (at, environment) = (asked.at, write.facts.environment.0);
        match &asked.ask {
            Ask::Await { id, name, correlation } => {
                self.waits.ids.push(write, ask_uuid(*id), at);
                self.waits.environment.push(environment);
                self.waits.name.push(name.clone());
                self.waits.correlation.push(correlation.clone());
            }
            Ask::Drop { id } => self.dropped.push(write, ask_uuid(*id), at),
            Ask::Open(task) => {
                let rows = &mut self.tasks;
                rows.ids.push(write, ask_uuid(task.id), at);
                rows.environment.push(environment);
                rows.flow.push(write.facts.flow.0);
                rows.path.push(task.path.clone());
                rows.kind.push(task_kind(task.kind).to_owned());
                rows.title.push(task.title.clone());
                rows.context.push(json::to_string(&task.context));
                rows.choices.push(choices(task));
                rows.form.push(json::to_string(&task.form));
                rows.assignees.push(list(&task.assignees));
                rows.due.push(task.due.map(to_db));
            }
            Ask::Escalate { id, to } => {
                self.escalated.push(write, ask_uuid(*id), at);
                self.escalated_to.push(list(to));
            }
            Ask::Answered { id, choice, form, by } => {
                self.answers.ids.push(write, ask_uuid(*id), at);
                self.answers.choice.push(choice.clone());
                self.answers.form.push(json::to_string(form));
                self.answers.by.push(by.clone());
            }
            Ask::Close { id } => self.closed.push(write, ask_uuid(*id), at),
            Ask::Keep { n, input } => {
                self.kept.ids.push(write, Uuid::nil(), at);
                self.kept.n.push(*n);
                self.kept.input.push(input.clone());
            }
            Ask::HandOut(work) => self.work.hand_out(write, at, work),
            Ask::TakeBack { id, attempt } => self.work.take_back(write, *id, *attempt),
            Ask::Queue(ticket) => self.places.queue(write, ticket),
            Ask::Inherit { from } => self.places.inherit(write, *from),
            Ask::Leave => self.places.leave(write),
            Ask::Unkeep => self.unkept.push(write, Uuid::nil(), at),
            Ask::Nothing => self.over.push(write, Uuid::nil(), at),
        }
    }
}

/// Writes what a batch asks, in the transaction that wrote the rest of it; starts that lost their key ask nothing.
pub(super) async fn write(tx: &mut PgConnection, batch: &Batch, lost: &[RunId]) -> Result<(), sqlx::Error> {
    let mut rows = Rows::default();
    for write in batch.writes.iter().filter(|write| !lost.contains(&write.run)) {
        last_words(&write.asks).into_iter().for_each(|asked| rows.push(write, asked));
    }
    let Rows { waits, dropped, tasks, escalated, escalated_to, answers, closed, kept, unkept, places, work, over } =
        rows;
    places.write(tx).await?;
    keep(tx, &kept, &unkept).await?;
    work_rows::write(tx, work, &over).await?;
    wait(tx, &waits, &dropped).await?;
    open(tx, &tasks).await?;
    if !escalated.is_empty() {
        sqlx::query!(
            "update task t set escalated_at = coalesce(t.escalated_at, x.at),
               assignees = t.assignees
                 || array(select p.one from jsonb_array_elements_text(x.people::jsonb) as p(one) where p.one <> all(t.assignees))
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
               as x(tenant_id, run_id, task_id, people, at)
             where t.tenant_id = x.tenant_id and t.run_id = x.run_id and t.task_id = x.task_id and t.state = 'open'",
            &escalated.tenant,
            &escalated.run,
            &escalated.ask,
            &escalated_to,
            &escalated.at
        )
        .execute(&mut *tx)
        .await?;
    }
    if !answers.ids.is_empty() {
        let Answers { ids, choice, form, by } = &answers;
        sqlx::query!(
            "update task t set state = 'answered', choice = x.choice, answer = x.answer, answered_by = x.answered_by, ended_at = x.at
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
               as x(tenant_id, run_id, task_id, choice, answer, answered_by, at)
             where t.tenant_id = x.tenant_id and t.run_id = x.run_id and t.task_id = x.task_id and t.state <> 'answered'",
            &ids.tenant,
            &ids.run,
            &ids.ask,
            choice,
            form,
            by,
            &ids.at
        )
        .execute(&mut *tx)
        .await?;
    }
    close(tx, &closed, &over).await
}

async fn keep(tx: &mut PgConnection, kept: &Kept, unkept: &Ids) -> Result<(), sqlx::Error> {
    if !kept.ids.is_empty() {
        sqlx::query!(
            "insert into kept_input (tenant_id, run_id, n, at, input)
             select tenant_id, run_id, n, at, input
             from unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::bytea[]) as x(tenant_id, run_id, n, at, input)
             on conflict do nothing",
            &kept.ids.tenant,
            &kept.ids.run,
            &kept.n,
            &kept.ids.at,
            &kept.input
        )
        .execute(&mut *tx)
        .await?;
    }
    if !unkept.is_empty() {
        sqlx::query!(
            "delete from kept_input k using unnest($1::uuid[], $2::uuid[]) as x(tenant_id, run_id)
             where k.tenant_id = x.tenant_id and k.run_id = x.run_id",
            &unkept.tenant,
            &unkept.run
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn kept(pool: &PgPool, tenant: TenantId, run: RunId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError> {
    let rows = sqlx::query!(
        "select at, input from kept_input where tenant_id = $1 and run_id = $2 order by n",
        tenant.0,
        run.0
    )
    .fetch_all(pool)
    .await
    .map_err(unread)?;
    Ok(rows.into_iter().map(|row| (from_db(row.at), row.input)).collect())
}

async fn wait(tx: &mut PgConnection, waits: &Waits, dropped: &Ids) -> Result<(), sqlx::Error> {
    if !dropped.is_empty() {
        sqlx::query!(
            "delete from wait w using unnest($1::uuid[], $2::uuid[], $3::uuid[]) as x(tenant_id, run_id, ask_id)
             where w.tenant_id = x.tenant_id and w.run_id = x.run_id and w.ask_id = x.ask_id",
            &dropped.tenant,
            &dropped.run,
            &dropped.ask
        )
        .execute(&mut *tx)
        .await?;
    }
    if !waits.ids.is_empty() {
        sqlx::query!(
            "insert into wait (tenant_id, run_id, ask_id, environment_id, name, correlation)
             select tenant_id, run_id, ask_id, environment_id, name, correlation
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])
               as x(tenant_id, run_id, ask_id, environment_id, name, correlation)
             on conflict do nothing",
            &waits.ids.tenant,
            &waits.ids.run,
            &waits.ids.ask,
            &waits.environment,
            &waits.name,
            &waits.correlation
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn open(tx: &mut PgConnection, tasks: &Tasks) -> Result<(), sqlx::Error> {
    if tasks.ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into task (tenant_id, run_id, task_id, environment_id, flow_id, path, kind, title, context, choices, form,
           assignees, due, state, opened_at)
         select tenant_id, run_id, task_id, environment_id, flow_id, path, kind, title, context, choices, form,
           array(select jsonb_array_elements_text(assignees::jsonb)), due, 'open', opened_at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[])
           as x(tenant_id, run_id, task_id, environment_id, flow_id, path, kind, title, context, choices, form, assignees, due,
                opened_at)
         on conflict (tenant_id, run_id, task_id) do update set state = 'open', path = excluded.path, kind = excluded.kind,
           title = excluded.title, context = excluded.context, choices = excluded.choices, form = excluded.form,
           assignees = excluded.assignees, due = excluded.due, escalated_at = null, choice = null, answer = null,
           answered_by = null, opened_at = excluded.opened_at, ended_at = null",
        &tasks.ids.tenant,
        &tasks.ids.run,
        &tasks.ids.ask,
        &tasks.environment,
        &tasks.flow,
        &tasks.path,
        &tasks.kind,
        &tasks.title,
        &tasks.context,
        &tasks.choices,
        &tasks.form,
        &tasks.assignees,
        &tasks.due as &[Option<OffsetDateTime>],
        &tasks.ids.at
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn close(tx: &mut PgConnection, closed: &Ids, over: &Ids) -> Result<(), sqlx::Error> {
    if !closed.is_empty() {
        sqlx::query!(
            "update task t set state = 'closed', ended_at = x.at
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) as x(tenant_id, run_id, task_id, at)
             where t.tenant_id = x.tenant_id and t.run_id = x.run_id and t.task_id = x.task_id and t.state = 'open'",
            &closed.tenant,
            &closed.run,
            &closed.ask,
            &closed.at
        )
        .execute(&mut *tx)
        .await?;
    }
    if !over.is_empty() {
        sqlx::query!(
            "with gone as (
               delete from wait w using unnest($1::uuid[], $2::uuid[]) as x(tenant_id, run_id)
               where w.tenant_id = x.tenant_id and w.run_id = x.run_id), unkept as (
               delete from kept_input k using unnest($1::uuid[], $2::uuid[]) as x(tenant_id, run_id)
               where k.tenant_id = x.tenant_id and k.run_id = x.run_id)
             update task t set state = 'closed', ended_at = x.at
             from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as x(tenant_id, run_id, at)
             where t.tenant_id = x.tenant_id and t.run_id = x.run_id and t.state = 'open'",
            &over.tenant,
            &over.run,
            &over.at
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
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
         order by run_id limit $5",
        tenant.0,
        environment.0,
        name,
        correlation,
        i64::try_from(MOST_WAITING).unwrap_or(i64::MAX)
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
    let kept = sqlx::query!(
        "delete from kept_input k where not exists (select from run_live l where l.tenant_id = k.tenant_id and l.run_id = k.run_id)"
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
    let work = work_rows::sweep(pool).await? + place_rows::sweep(pool).await?;
    Ok(waits.rows_affected() + kept.rows_affected() + tasks.rows_affected() + work)
}
