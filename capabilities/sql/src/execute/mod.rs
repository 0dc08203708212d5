//! How the server executes `sql.query`: over the one egress path, read only unless the node writes, and a write once by its key.

mod error;
mod query;
mod session;
mod values;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use holon_flow::capability::NodeError;
use holon_flow::definition::duration;
use holon_model::Value;
use holon_model::wire::connections::{ConnectionKind, ConnectionServer};
use holon_platform::execute::{EffectContext, EffectRequest, Executor, ResolvedConnection};

use error::Failure;
use query::Ask;
use session::Session;

const USUAL_TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(10);
const USUAL_ROWS: i64 = 1_000;
const MOST_ROWS: i64 = 10_000;
const LONGEST_SQL: usize = 100_000;
const MOST_PARAMETERS: usize = 1_000;

/// What a Postgres server is told from others by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// The cluster's own number, where it tells it: its copies have it too.
    pub system: Option<String>,
    /// When it was started, to the microsecond.
    pub started: Option<String>,
}

impl Marks {
    /// Whether both are of one server, or of one and its copy.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let equal = |one: &Option<String>, two: &Option<String>| one.is_some() && one == two;
        equal(&self.system, &other.system) || equal(&self.started, &other.started)
    }
}

/// The database that the platform keeps everything in: no query goes there.
#[async_trait]
pub trait OwnDatabase: Send + Sync {
    /// Where it listens, if it listens on a network.
    fn place(&self) -> Option<(String, u16)>;

    /// What it is told from others by.
    ///
    /// # Errors
    /// When it cannot say now: then nothing is asked of any database.
    async fn marks(&self) -> Result<Marks, NodeError>;
}

/// The executor of `sql.query`.
#[derive(Clone)]
pub struct SqlQuery {
    own: Arc<dyn OwnDatabase>,
}

impl SqlQuery {
    /// It asks any database but this one.
    pub fn new(own: Arc<dyn OwnDatabase>) -> Self {
        Self { own }
    }
}

#[async_trait]
impl Executor for SqlQuery {
    async fn execute(&self, cx: &EffectContext, request: EffectRequest) -> Result<Value, NodeError> {
        let ask = Ask::of(&request)?;
        let within = duration_of(&request)?;
        let name = request.config.get("connection").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| bad("no connection is chosen: it says which database"))?;
        let connection = cx.connections.resolve(cx.tenant, cx.environment, name).await?;
        let server = server_of(name, &connection)?;
        let asked = async {
            let own = self.own.marks().await?;
            if self.own.place().is_some_and(|(host, port)| host == server.host && Some(port) == server.port) {
                return Err(own_database());
            }
            let session = Session::open(&cx.egress, server, &connection.secret, CONNECT.min(within)).await;
            let mut session = session.map_err(|failure| failure.told(""))?;
            if query::marks(&mut session).await.map_err(|failure| failure.told(""))?.same(&own) {
                return Err(own_database());
            }
            let answer = query::ask(&mut session, &ask, within).await;
            session.close().await;
            answer.map_err(|failure| failure.told(ask.sql))
        };
        let cancelled = cx.cancel.clone();
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(NodeError::new("cancelled", "the query was cancelled")),
            asked = tokio::time::timeout(within, asked) => asked.unwrap_or_else(|_| {
                let message = format!("no answer within {} s", within.as_secs_f32());
                let mut late = NodeError::new("timeout", message);
                late.retryable = true;
                Err(late)
            }),
        }
    }

    fn may_answer_again(&self, request: &EffectRequest) -> bool {
        request.config.get("mode").and_then(Value::as_str).unwrap_or("read") == "read"
    }
}

fn own_database() -> NodeError {
    Failure::Ours(
        "forbidden_database",
        "this is the server that Holon keeps its own data in; no query goes there".into(),
    )
    .told("")
}

/// The server of a connection that is a Postgres.
fn server_of<'a>(name: &str, connection: &'a ResolvedConnection) -> Result<&'a ConnectionServer, NodeError> {
    let postgres = connection.kind == ConnectionKind::Postgres;
    connection.server.as_ref().filter(|_| postgres).ok_or_else(|| {
        NodeError::new(
            "unusable_connection",
            format!("the connection `{name}` cannot be used here: it is no Postgres database"),
        )
    })
}

fn duration_of(request: &EffectRequest) -> Result<Duration, NodeError> {
    let given = request.config.get("timeout").filter(|given| !given.is_null());
    let asked = match given {
        None => USUAL_TIMEOUT,
        Some(given) => {
            let read = duration::parse(given).map_err(|why| bad(&format!("`timeout`: {why}")))?;
            Duration::from_millis(read.0)
        }
    };
    let within = asked.clamp(Duration::from_millis(100), LONGEST_TIMEOUT);
    Ok(request.timeout.map_or(within, |whole| within.min(whole)))
}

fn bad(why: &str) -> NodeError {
    NodeError::new("bad_config", why)
}

impl<'a> Ask<'a> {
    /// What a node asks for.
    fn of(request: &'a EffectRequest) -> Result<Self, NodeError> {
        let config = &request.config;
        let text = |field: &str| config.get(field).and_then(Value::as_str);
        let sql = text("sql").map(str::trim).filter(|sql| !sql.is_empty());
        let sql = sql.ok_or_else(|| bad("there is no statement"))?;
        if sql.len() > LONGEST_SQL || sql.contains('\0') {
            return Err(bad("the statement has more than 100,000 bytes, or the character U+0000"));
        }
        let parameters = match config.get("parameters") {
            None | Some(Value::Null) => &[],
            Some(Value::List(list)) if list.len() <= MOST_PARAMETERS => &list[..],
            Some(_) => return Err(bad("the parameters are a list of at most 1000 values, such as `[input.id]`")),
        };
        let rows = config.get("rows").and_then(Value::as_int).unwrap_or(USUAL_ROWS).clamp(1, MOST_ROWS);
        let key = match text("mode").unwrap_or("read") {
            "read" => None,
            "write" => Some(request.key.as_str()),
            other => return Err(bad(&format!("`{other}` is not a way to ask: `read` or `write`"))),
        };
        Ok(Self { sql, parameters, most: usize::try_from(rows).unwrap_or(1), key })
    }
}
