//! Makes a link to a task that is open. Its address is in the answer and nowhere else.

use holon_authz::{Authorised, actions::AnswerTasks};
use holon_model::wire::links::{Link, MadeLink, MakeLink};
use holon_model::wire::tasks::Task;
use holon_model::{Intent, IntentPayload, LinkId, RunId, Value};
use holon_platform::clock::mint;
use holon_platform::crypto::hash_token;
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::store::{self, NewLink, Purpose, Wanted};
use super::{Error, MOST_ASSIGNEE, page, token, valid_for};
use crate::{audit, state::AppState, tasks};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Create {
    /// The run.
    pub run: RunId,
    /// Which of its tasks, as the address names it.
    pub task: String,
    /// The link.
    pub link: MakeLink,
}

impl IntentPayload for Create {
    const TYPE: &'static str = "task.link";
}

/// Makes the link: who may answer a task may let somebody else answer it.
pub async fn create(state: &AppState, _: Authorised<AnswerTasks>, intent: Intent<Create>) -> Result<MadeLink, Error> {
    let Create { run, ref task, ref link } = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let found = tasks::find(&mut tx, run, task).await?;
    if found.state != "open" {
        return Err(tasks::Error::Over(found.state).into());
    }
    if found.kind != "approval" {
        return Err(Error::NotApproval);
    }
    let valid = valid_for(&link.valid_for).map_err(|why| Error::field("/valid_for", why))?;
    let assignee = link.assignee.clone().filter(|assignee| !assignee.trim().is_empty());
    if assignee.as_ref().is_some_and(|assignee| assignee.len() > MOST_ASSIGNEE) {
        return Err(Error::field("/assignee", format!("must have at most {MOST_ASSIGNEE} bytes")));
    }
    let choices = link.choices.as_ref().map(|wanted| among(&found, wanted)).transpose()?;
    let task = Uuid::try_parse(&found.id).map_err(|_| tasks::Error::NotFound(run, found.id.clone()))?;
    let purpose = Purpose::Task { task: Wanted::Id(task), assignee: assignee.clone(), choices: choices.clone() };
    let (id, now) = (mint::<LinkId>(&*state.clock), state.clock.now());
    let address = token::of(&state.keyring, intent.context.tenant, id);
    let made_by = intent.context.actor.label();
    let new = NewLink {
        id,
        run,
        hash: hash_token(&address),
        purpose: &purpose,
        made_by: &made_by,
        now,
        expires_at: now.plus(valid),
    };
    let expires_at = store::put(&mut tx, &new).await?;
    let detail = Value::map([
        ("link", Value::from(id.to_string())),
        ("task", Value::from(found.id.as_str())),
        ("assignee", assignee.as_deref().map_or(Value::Null, Value::from)),
    ]);
    audit::record(&mut tx, &*state.clock, &intent, &run.to_string(), &detail).await?;
    tx.commit().await?;
    let link =
        Link { id, assignee, choices, made_by, created_at: now, expires_at, state: "open".into(), used_at: None };
    Ok(MadeLink { link, url: format!("{}{}{address}", state.config.public_base(), page::PREFIX) })
}

/// The choices that are wanted, all of them the task's.
fn among(task: &Task, wanted: &[String]) -> Result<Vec<String>, Error> {
    let known: Vec<&str> = tasks::choices(&task.choices).map(|(key, _)| key).collect();
    if wanted.is_empty() {
        return Err(Error::field("/choices", "must name at least one; leave it out for all of them"));
    }
    match wanted.iter().position(|key| !known.contains(&key.as_str())) {
        Some(at) => {
            let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
            let detail = format!("must be the key of one of the task's choices: {}", known.join(", "));
            Err(Error::field(&format!("/choices/{at}"), detail))
        }
        None => Ok(wanted.to_vec()),
    }
}
