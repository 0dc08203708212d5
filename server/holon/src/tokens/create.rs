//! Makes a token. Only its hash is stored; the answer is the only time it is shown.

use holon_authz::Authorised;
use holon_authz::actions::EditTokens;
use holon_model::intent::IntentPayload;
use holon_model::wire::tokens::{CreateToken, CreatedToken, Token};
use holon_model::{Code, Intent, Millis, PersonId, Problem, TokenId, Value};
use holon_platform::clock::mint;
use holon_platform::crypto::ApiToken;
use holon_platform::db::{TenantTx, TxError};
use holon_runtime::store::is_pool;

use super::store::{self, NewToken};
use crate::audit;
use crate::http::ApiError;
use crate::state::AppState;

const DAY: u64 = 24 * 60 * 60 * 1000;
/// Pools of one token for workers.
const MOST_POOLS: usize = 20;

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Name or days are not accepted.
    #[error("{0} {1}")]
    Field(&'static str, &'static str),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The tenant's transaction.
    #[error(transparent)]
    Tx(#[from] TxError),
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Create {
    /// Whose token it will be.
    pub person: PersonId,
    /// What for and how long.
    pub ask: CreateToken,
}

impl IntentPayload for Create {
    const TYPE: &'static str = "token.create";
}

/// Makes the token.
pub async fn create(
    state: &AppState,
    _: Authorised<EditTokens>,
    intent: Intent<Create>,
) -> Result<CreatedToken, Error> {
    let Create { person, ref ask } = intent.payload;
    let name = ask.name.trim();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Error::Field("/name", "needs 1 to 100 characters"));
    }
    if ask.days.is_some_and(|days| !(1..=366).contains(&days)) {
        return Err(Error::Field("/days", "must be 1 to 366, or absent for a token without an end"));
    }
    let pools = ask.pools.as_deref().unwrap_or_default();
    if pools.len() > MOST_POOLS || pools.iter().any(|pool| !is_pool(pool)) {
        return Err(Error::Field("/pools", "has at most 20 names of 1 to 64 letters, digits, `.`, `_` and `-`"));
    }
    let secret = ApiToken::generate();
    let now = state.clock.now();
    let token = Token {
        id: mint::<TokenId>(&*state.clock),
        name: name.to_owned(),
        prefix: secret.hint(),
        created_at: now,
        last_used_at: None,
        expires_at: ask.days.map(|days| now.plus(Millis(u64::from(days) * DAY))),
        pools: ask.pools.clone(),
    };
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    store::insert(
        &mut tx,
        &NewToken {
            id: token.id,
            person,
            name,
            hash: secret.hash(),
            hint: &token.prefix,
            created_at: now,
            expires_at: token.expires_at,
            pools: token.pools.as_deref(),
        },
    )
    .await?;
    let pools = ask.pools.as_ref().map(|pools| Value::list(pools.iter().map(|pool| Value::from(pool.as_str()))));
    let detail = Value::map([("name", Value::from(name)), ("pools", pools.unwrap_or_default())]);
    audit::record(&mut tx, &*state.clock, &intent, &token.id.to_string(), &detail).await?;
    tx.commit().await?;
    Ok(CreatedToken { token, secret: secret.expose().to_owned() })
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Field(pointer, detail) => {
                Problem::new(Code::ValidationFailed, format!("The token was not made: {} {detail}.", &pointer[1..]))
                    .with_field(pointer, detail)
                    .into()
            }
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
