//! What can go wrong with a database, and how a node says it. A password is in none of it: it is sent, and never told.

use fallible_iterator::FallibleIterator as _;
use holon_flow::capability::NodeError;
use holon_model::{Map, Value};
use holon_platform::egress::EgressError;
use postgres_protocol::message::backend::ErrorResponseBody;

/// Characters of each thing that a database says.
const MOST_TEXT: usize = 1_000;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The database said no.
    #[error("{}", .0.message)]
    Refused(Box<Refusal>),
    /// The way there.
    #[error("{0}")]
    Egress(EgressError),
    /// The connection ended in the middle.
    #[error("the connection to the database was lost: {0}")]
    Lost(String),
    /// It speaks, but not as it must.
    #[error("the database's answer cannot be read: {0}")]
    Unreadable(String),
    /// More than may be taken in.
    #[error("the result has more than {0} bytes; ask for fewer rows or columns")]
    TooLarge(usize),
    /// Something of ours, with what programs read.
    #[error("{1}")]
    Ours(&'static str, String),
}

/// What a database says when it refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub sqlstate: String,
    pub message: String,
    /// Where in the statement, in characters from 1.
    pub position: Option<usize>,
    /// `detail`, `hint`, `schema`, `table`, `column`, `constraint`, by name.
    pub more: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn read(body: &ErrorResponseBody) -> Self {
        let mut refusal = Self::default();
        let mut fields = body.fields();
        while let Ok(Some(field)) = fields.next() {
            let text: String = String::from_utf8_lossy(field.value_bytes()).chars().take(MOST_TEXT).collect();
            match field.type_() {
                b'C' => refusal.sqlstate = text,
                b'M' => refusal.message = text,
                b'P' => refusal.position = text.parse().ok(),
                b'D' => refusal.more.push(("detail", text)),
                b'H' => refusal.more.push(("hint", text)),
                b's' => refusal.more.push(("schema", text)),
                b't' => refusal.more.push(("table", text)),
                b'c' => refusal.more.push(("column", text)),
                b'n' => refusal.more.push(("constraint", text)),
                _ => {}
            }
        }
        refusal
    }

    /// Whether the same could succeed later: serialisation and deadlocks, resources, connections, a server that starts or stops, locks.
    fn retryable(&self) -> bool {
        ["40", "53", "08"].iter().any(|class| self.sqlstate.starts_with(class))
            || ["57P01", "57P02", "57P03", "55P03"].contains(&self.sqlstate.as_str())
    }
}

/// Line and column, from 1, of a place in a text.
fn place(sql: &str, position: usize) -> (i64, i64) {
    let (mut line, mut column) = (1, 1);
    for c in sql.chars().take(position.saturating_sub(1)) {
        (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    (line, column)
}

impl Failure {
    /// As the node tells it; `sql` is the statement that places are in.
    pub(super) fn told(self, sql: &str) -> NodeError {
        match self {
            Self::Refused(refusal) => refused(&refusal, sql),
            Self::Egress(error) => {
                let mut told = NodeError::new(error.code, error.message);
                told.retryable = error.retryable;
                told
            }
            Self::Lost(_) => {
                let mut told = NodeError::new("connection_lost", self.to_string());
                told.retryable = true;
                told
            }
            Self::Unreadable(_) => NodeError::new("bad_response", self.to_string()),
            Self::TooLarge(_) => NodeError::new("result_too_large", self.to_string()),
            Self::Ours(code, message) => NodeError::new(code, message),
        }
    }
}

fn refused(refusal: &Refusal, sql: &str) -> NodeError {
    let mut detail: Map = Map::new();
    detail.insert("sqlstate".into(), refusal.sqlstate.as_str().into());
    let mut message = refusal.message.clone();
    if let Some(position) = refusal.position {
        let (line, column) = place(sql, position);
        message.push_str(&format!(" (line {line}, column {column})"));
        detail.insert("line".into(), Value::Int(line));
        detail.insert("column".into(), Value::Int(column));
    }
    for (name, text) in &refusal.more {
        detail.insert((*name).into(), text.as_str().into());
    }
    let (code, retryable) = match refusal.sqlstate.as_str() {
        "28P01" | "28000" => ("sign_in_refused", false),
        "3D000" => ("unknown_database", false),
        // The statement timeout.
        "57014" => ("timeout", true),
        "25006" => ("read_only", false),
        _ => ("sql_error", refusal.retryable()),
    };
    if code == "read_only" {
        message.push_str("; set the node to write");
    }
    let mut told = NodeError::new(code, message);
    told.retryable = retryable;
    told.detail = detail.into();
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sqlstate: &str, position: Option<usize>) -> NodeError {
        let refusal =
            Refusal { sqlstate: sqlstate.into(), message: "no".into(), position, more: vec![("hint", "try".into())] };
        Failure::Refused(Box::new(refusal)).told("select\n  ü, wrong")
    }

    #[test]
    fn a_refusal_names_its_place_in_lines_and_columns_and_says_whether_to_try_again() {
        let error = told("42703", Some(13));
        assert_eq!((error.code.as_str(), error.message.as_str()), ("sql_error", "no (line 2, column 6)"));
        assert_eq!(error.detail.to_json(), r#"{"column":6,"hint":"try","line":2,"sqlstate":"42703"}"#);
        assert!(!error.retryable);
        for state in ["40001", "40P01", "53300", "57P03", "08006", "55P03"] {
            assert!(told(state, None).retryable, "{state}");
        }
        assert_eq!((told("57014", None).code.as_str(), told("57014", None).retryable), ("timeout", true));
        assert_eq!(told("28P01", None).code, "sign_in_refused");
        assert!(told("25006", None).message.contains("set the node to write"));
    }
}
