//! From a token to what may be done with it. Whatever is not open any more is as unknown as what never was.

use holon_model::context::Actor;
use holon_model::wire::runs::is_over;
use holon_model::wire::tasks::Task;
use holon_model::{Context, LinkId};
use holon_platform::crypto::hash_token;
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::store::{self, Purpose, Row, Wanted};
use super::{Error, token};
use crate::http::ApiError;
use crate::middleware::{Bucket, ClientIp};
use crate::{runs, state::AppState, tasks};

/// Tries of addresses that lead nowhere.
const GUESSES: Bucket = Bucket { name: "link_guesses", burst: 60, refill: 2_000 };

/// A link that somebody holds.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its id.
    pub id: LinkId,
    /// What is known of who holds it.
    pub context: Context,
    /// How it stands.
    pub row: Row,
}

/// A link to a task, to be answered.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The link.
    pub held: Held,
    /// The task; none while it is not asked yet.
    pub task: Option<Task>,
    /// To whom the link was given.
    pub assignee: Option<String>,
    /// The choices that it may give, keys and words.
    pub choices: Vec<(String, String)>,
}

/// The link of this token, in whatever state. Only tries of what is not there count against the caller's address.
///
/// # Errors
/// When it tried too often, or the database does not answer.
pub async fn held(state: &AppState, ip: ClientIp, text: &str) -> Result<Option<Held>, ApiError> {
    let tried = [(GUESSES, ip.bucket())];
    state.throttle.take(state.clock.now(), &tried)?;
    if !token::is_token(text) {
        return Ok(None);
    }
    let Some(found) = store::by_token(&state.pools, &hash_token(text)).await? else { return Ok(None) };
    state.throttle.give_back(&tried);
    let context = Context::of(found.tenant, found.environment, Actor::Link { id: found.id });
    let mut tx = TenantTx::begin(&state.pools, &context).await?;
    let row = store::find(&mut tx, found.id).await?;
    tx.commit().await?;
    Ok(row.map(|row| Held { id: found.id, context, row }))
}

/// The link of this token, if it leads to a task that it may answer, now or in a moment.
///
/// # Errors
/// When the caller tried too often, or the database does not answer.
pub async fn open(state: &AppState, ip: ClientIp, text: &str) -> Result<Option<Opened>, ApiError> {
    let Some(held) = held(state, ip, text).await? else { return Ok(None) };
    let row = held.row.clone();
    let Purpose::Task { task: wanted, assignee, choices } = row.purpose else { return Ok(None) };
    if row.used || row.revoked || row.expires_at <= state.clock.now() {
        return Ok(None);
    }
    let mut tx = TenantTx::begin(&state.pools, &held.context).await?;
    let task = find(&mut tx, &held, &wanted).await?;
    let run = runs::store::find(&mut tx, held.row.run).await?;
    tx.commit().await?;
    let over = run.is_none_or(|run| is_over(&run.summary.status));
    if over || task.as_ref().is_some_and(|task| task.state != "open") {
        return Ok(None);
    }
    let listed = task.as_ref().map(|task| task.choices.clone()).unwrap_or_default();
    let may = |key: &str| choices.as_ref().is_none_or(|allowed| allowed.iter().any(|other| other == key));
    let choices = tasks::choices(&listed).filter(|(key, _)| may(key));
    let choices = choices.map(|(key, label)| (key.to_owned(), label.to_owned())).collect();
    Ok(Some(Opened { held, task, assignee, choices }))
}

async fn find(tx: &mut TenantTx<'_>, held: &Held, wanted: &Wanted) -> Result<Option<Task>, Error> {
    let run = held.row.run;
    let id: Uuid = match wanted {
        Wanted::Id(id) => *id,
        Wanted::Path(path) => match store::task_at(tx, run, path).await? {
            Some(id) => id,
            None => return Ok(None),
        },
    };
    Ok(Some(tasks::find(tx, run, &id.simple().to_string()).await?))
}
