//! One task of one run.

use holon_authz::{Authorised, actions::ReadTasks};
use holon_model::wire::tasks::Task;
use holon_model::{Context, RunId};
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::{Error, store};
use crate::{runs, state::AppState};

/// The task, whatever became of it. A run that asked something and is not the caller's is as unknown as none.
pub async fn read(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadTasks>,
    run: RunId,
    task: &str,
) -> Result<Task, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let found = find(&mut tx, run, task).await?;
    tx.commit().await?;
    Ok(found)
}

/// The same within a transaction.
pub async fn find(tx: &mut TenantTx<'_>, run: RunId, task: &str) -> Result<Task, Error> {
    runs::store::find(tx, run).await?.ok_or(Error::NoRun(run))?;
    let unknown = || Error::NotFound(run, task.to_owned());
    let id = Uuid::try_parse(task).map_err(|_| unknown())?;
    store::find(tx, run, id).await?.ok_or_else(unknown)
}
