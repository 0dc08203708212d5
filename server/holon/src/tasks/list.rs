//! Tasks of the environment, and those of one run.

use holon_authz::{Authorised, actions::ReadTasks};
use holon_model::wire::Page;
use holon_model::wire::tasks::TaskSummary;
use holon_model::{Context, RunId};
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::{Error, store};
use crate::http::cursor;
use crate::{runs, state::AppState};

/// Which page.
#[derive(Debug, Clone, Default)]
pub struct ListTasks {
    /// In this state.
    pub state: Option<String>,
    /// Of this run.
    pub run: Option<RunId>,
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
    let filter = store::Filter { state: ask.state, run: ask.run, before: ask.cursor };
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
