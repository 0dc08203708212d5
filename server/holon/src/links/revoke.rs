//! Takes a link back: from now on it leads nowhere.

use holon_authz::{Authorised, actions::AnswerTasks};
use holon_model::{Intent, IntentPayload, LinkId, RunId, Value};
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::{Error, store};
use crate::{audit, state::AppState, tasks};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Revoke {
    /// The run.
    pub run: RunId,
    /// Which of its tasks, as the address names it.
    pub task: String,
    /// Which link.
    pub link: LinkId,
}

impl IntentPayload for Revoke {
    const TYPE: &'static str = "task.revoke_link";
}

/// Revokes the link.
pub async fn revoke(state: &AppState, _: Authorised<AnswerTasks>, intent: Intent<Revoke>) -> Result<(), Error> {
    let Revoke { run, ref task, link } = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let found = tasks::find(&mut tx, run, task).await?;
    let id = Uuid::try_parse(&found.id).map_err(|_| tasks::Error::NotFound(run, found.id.clone()))?;
    if !store::revoke(&mut tx, (run, id, &found.path), link, state.clock.now()).await? {
        return Err(Error::NotFound(link));
    }
    let detail = Value::map([("link", Value::from(link.to_string())), ("task", Value::from(found.id.as_str()))]);
    audit::record(&mut tx, &*state.clock, &intent, &run.to_string(), &detail).await?;
    tx.commit().await?;
    Ok(())
}
