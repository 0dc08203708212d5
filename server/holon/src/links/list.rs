//! The links to a task, without their addresses.

use holon_authz::{Authorised, actions::ReadTasks};
use holon_model::wire::Page;
use holon_model::wire::links::Link;
use holon_model::{Context, RunId};
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::{Error, store};
use crate::{state::AppState, tasks};

/// All of them, newest first.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadTasks>,
    run: RunId,
    task: &str,
) -> Result<Page<Link>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let found = tasks::find(&mut tx, run, task).await?;
    let id = Uuid::try_parse(&found.id).map_err(|_| tasks::Error::NotFound(run, found.id.clone()))?;
    let data = store::list(&mut tx, (run, id, &found.path), state.clock.now()).await?;
    tx.commit().await?;
    Ok(Page { data, next_cursor: None })
}
