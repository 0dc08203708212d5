//! The protocol of a query: reading in a transaction that is read only, writing in one that also notes the step's key.

use std::time::Duration;

use fallible_iterator::FallibleIterator as _;
use holon_model::{Value, json};
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::Marks;
use super::error::{Failure, Refusal};
use super::session::{Session, cells};
use super::values;

/// What is asked.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub sql: &'a str,
    pub parameters: &'a [Value],
    /// Rows at most.
    pub most: usize,
    /// Of a write the key under which it is done once.
    pub key: Option<&'a str>,
}

/// What is said to those who have no table for keys.
const NO_LEDGER: &str = "a node that writes keeps the keys of what was done in your database, so that nothing is done twice; make the table: \
    create table holon_effect (key text primary key, at timestamptz not null default now(), result text)";
const UNDEFINED_TABLE: &str = "42P01";
/// A server that does not know what our own would: an undefined function, a feature that is not served, no right to it.
const UNLIKE_OURS: [&str; 4] = ["42883", "0A000", "42501", "42704"];

/// What rows there are.
struct Answer {
    rows: Vec<Value>,
    more: bool,
}

impl Answer {
    fn value(self) -> Value {
        let count = i64::try_from(self.rows.len()).unwrap_or(i64::MAX);
        Value::map([("rows", Value::from(self.rows)), ("count", Value::Int(count)), ("more", Value::Bool(self.more))])
    }
}

/// What this server is told from others by.
pub(super) async fn marks(session: &mut Session) -> Result<Marks, Failure> {
    let statement = "select extract(epoch from pg_postmaster_start_time())::text, \
        has_function_privilege('pg_control_system()', 'execute')::text";
    let first = match session.simple(statement).await {
        Ok(rows) => rows,
        Err(Failure::Refused(refusal)) if UNLIKE_OURS.contains(&refusal.sqlstate.as_str()) => {
            return Ok(Marks::default());
        }
        Err(other) => return Err(other),
    };
    let mut cells = first.into_iter().next().unwrap_or_default().into_iter();
    let started = cells.next().flatten();
    let mut marks = Marks { started, system: None };
    if cells.next().flatten().as_deref() == Some("true") {
        let rows = session.simple("select system_identifier::text from pg_control_system()").await?;
        marks.system = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
    }
    Ok(marks)
}

/// Asks, and gives `{rows, count, more}`.
pub(super) async fn ask(session: &mut Session, ask: &Ask<'_>, within: Duration) -> Result<Value, Failure> {
    let how = if ask.key.is_some() { "read write" } else { "read only" };
    let begin = format!(
        "begin transaction {how}; set local statement_timeout = {}; set local idle_in_transaction_session_timeout = 60000; \
         set local datestyle = 'ISO'; set local intervalstyle = 'iso_8601'; set local timezone = 'UTC'; \
         set local bytea_output = 'hex'; set local extra_float_digits = 1",
        within.as_millis()
    );
    session.simple(&begin).await?;
    let Some(key) = ask.key else {
        // A snapshot is taken: from here on nothing makes this transaction one that writes.
        session.simple("select 1").await?;
        let answer = run(session, ask.sql, ask.parameters, ask.most).await?;
        session.simple("rollback").await?;
        return Ok(answer.value());
    };
    let key = [Value::from(key)];
    let noted =
        run(session, "insert into holon_effect (key) values ($1) on conflict (key) do nothing returning key", &key, 1)
            .await;
    let noted = noted.map_err(ledger)?;
    if noted.rows.is_empty() {
        let known = run(session, "select result from holon_effect where key = $1", &key, 1).await.map_err(ledger)?;
        session.simple("rollback").await?;
        let result = known.rows.first().and_then(|row| row.get("result")?.as_str());
        let read = result.and_then(|text| json::parse_foreign(text.as_bytes()).ok());
        return read.ok_or_else(|| {
            Failure::Ours("bad_ledger", "the table holon_effect has the key of this step without a result".into())
        });
    }
    let answer = run(session, ask.sql, ask.parameters, ask.most).await?.value();
    let [key] = key;
    let note = [key, Value::from(answer.to_json())];
    run(session, "update holon_effect set result = $2 where key = $1", &note, 1).await.map_err(ledger)?;
    session.simple("commit").await?;
    Ok(answer)
}

/// What goes wrong with the table for keys is not in the statement of the node.
fn ledger(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(refusal) if refusal.sqlstate == UNDEFINED_TABLE => {
            Failure::Ours("no_ledger", NO_LEDGER.into())
        }
        Failure::Refused(refusal) => {
            let message = format!("the table holon_effect: {}", refusal.message);
            Failure::Refused(Box::new(Refusal { position: None, message, ..*refusal }))
        }
        other => other,
    }
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::Unreadable(error.to_string())
}

/// Runs one statement with its parameters bound; up to so many rows.
async fn run(session: &mut Session, sql: &str, parameters: &[Value], most: usize) -> Result<Answer, Failure> {
    let (wanted, columns) = prepare(session, sql).await?;
    if wanted.len() != parameters.len() {
        let message = format!("the statement has {} parameters, and {} were given", wanted.len(), parameters.len());
        return Err(Failure::Ours("bad_parameters", message));
    }
    let mut texts = Vec::with_capacity(parameters.len());
    for (number, (value, kind)) in parameters.iter().zip(wanted).enumerate() {
        let text = values::write(value, kind);
        texts.push(text.map_err(|why| Failure::Ours("bad_parameters", format!("the value of ${} {why}", number + 1)))?);
    }
    execute(session, texts, &columns, most).await
}

type Column = (String, u32);

/// Of a statement the types of its parameters, and its columns.
async fn prepare(session: &mut Session, sql: &str) -> Result<(Vec<u32>, Vec<Column>), Failure> {
    frontend::parse("", sql, [], session.out()).map_err(unreadable)?;
    frontend::describe(b'S', "", session.out()).map_err(unreadable)?;
    frontend::sync(session.out());
    session.send().await?;
    let (mut parameters, mut columns) = (Vec::new(), Vec::new());
    loop {
        match session.next().await? {
            Message::ParameterDescription(body) => parameters = body.parameters().collect().map_err(unreadable)?,
            Message::RowDescription(body) => {
                let mut fields = body.fields();
                while let Some(field) = fields.next().map_err(unreadable)? {
                    columns.push((field.name().to_owned(), field.type_oid()));
                }
            }
            Message::ErrorResponse(body) => return refused(session, &Refusal::read(&body)).await,
            Message::ReadyForQuery(_) => return Ok((parameters, columns)),
            _ => {}
        }
    }
}

async fn execute(
    session: &mut Session,
    texts: Vec<Option<String>>,
    columns: &[Column],
    most: usize,
) -> Result<Answer, Failure> {
    let put = |text: Option<String>, out: &mut bytes::BytesMut| {
        Ok(text.map_or(IsNull::Yes, |text| {
            out.extend_from_slice(text.as_bytes());
            IsNull::No
        }))
    };
    // Everything is text, both ways.
    frontend::bind("", "", [], texts, put, [], session.out())
        .map_err(|_| Failure::Ours("bad_parameters", "the parameters are too large".into()))?;
    // One more than is wanted, to know whether there are more.
    let limit = i32::try_from(most + 1).unwrap_or(i32::MAX);
    frontend::execute("", limit, session.out()).map_err(unreadable)?;
    frontend::sync(session.out());
    session.send().await?;
    let mut answer = Answer { rows: Vec::new(), more: false };
    loop {
        match session.next().await? {
            Message::DataRow(body) if answer.rows.len() < most => answer.rows.push(values::row(columns, cells(&body)?)),
            Message::DataRow(_) => answer.more = true,
            Message::ErrorResponse(body) => return refused(session, &Refusal::read(&body)).await,
            // The server waits for data that a node does not have, or sends what is no row.
            Message::CopyInResponse(_) | Message::CopyOutResponse(_) => {
                return Err(Failure::Ours("unsupported", "a node cannot copy: select or insert rows instead".into()));
            }
            Message::ReadyForQuery(body) if body.status() == b'T' => return Ok(answer),
            Message::ReadyForQuery(_) => {
                return Err(Failure::Ours(
                    "unsupported",
                    "a node cannot end its transaction: the statement did that".into(),
                ));
            }
            _ => {}
        }
    }
}

async fn refused<T>(session: &mut Session, refusal: &Refusal) -> Result<T, Failure> {
    session.settle().await?;
    Err(Failure::Refused(Box::new(refusal.clone())))
}
