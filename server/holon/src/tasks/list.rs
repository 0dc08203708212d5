//! Tasks of the environment, and those of one run.

use holon_authz::{Authorised, actions::ReadTasks};
use holon_model::wire::Page;
use holon_model::wire::identity::Person;
use holon_model::wire::tasks::{TaskCounts, TaskSummary};
use holon_model::{Context, RunId};
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::{Error, store, store::Whom};
use crate::http::cursor;
use crate::{runs, state::AppState};

/// Which page.
#[derive(Debug, Clone, Default)]
pub struct ListTasks {
    /// In this state.
    pub state: Option<String>,
    /// Of this run.
    pub run: Option<RunId>,
    /// For whom.
    pub whom: Whom,
    /// Where to go on.
    pub cursor: Option<(RunId, Uuid)>,
    /// At most this many, 1 to 200.
    pub limit: u16,
}

/// A page of tasks, of the newest run first.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadTasks>,
    ask: ListTasks,
) -> Result<Page<TaskSummary>, Error> {
    let limit = ask.limit.clamp(1, 200);
    let filter = store::Filter { state: ask.state, run: ask.run, whom: ask.whom, before: ask.cursor };
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    if let Some(run) = ask.run {
        runs::store::find(&mut tx, run).await?.ok_or(Error::NoRun(run))?;
    }
    let mut data = store::list(&mut tx, &filter, i64::from(limit) + 1).await?;
    tx.commit().await?;
    let more = data.len() > usize::from(limit);
    data.truncate(limit.into());
    let next_cursor = data
        .last()
        .filter(|_| more)
        .and_then(|last| Some(cursor::encode(&(last.run, Uuid::try_parse(&last.id).ok()?))));
    Ok(Page { data, next_cursor })
}

/// How flows may name a person who is asked.
pub fn names(person: &Person) -> Vec<String> {
    vec![person.email.clone(), person.name.clone(), person.id.to_string()]
}

/// How many tasks are open, and how many of them are for this person.
pub async fn counts(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadTasks>,
    person: &Person,
) -> Result<TaskCounts, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let counts = store::counts(&mut tx, &names(person)).await?;
    tx.commit().await?;
    Ok(counts)
}
