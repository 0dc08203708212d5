//! How the server sends mail: the message is made here, the connection's password goes to its own server only, and the stream is
//! the one road's.

mod message;

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use holon_flow::{
    capability::NodeError,
    definition::{duration, names::shown},
};
use holon_model::{Value, wire::connections::ConnectionKind};
use holon_platform::{
    egress::{Egress, EgressError, Limits, Login, MailRequest, Policy},
    execute::{EffectContext, EffectRequest, Executor, ResolvedConnection},
};

pub use message::{Attached, Mail, is_recipients, is_sender};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_TIMEOUT: Duration = Duration::from_secs(300);
/// Addresses that one message goes to, and files that it holds.
const MOST_RECIPIENTS: usize = 100;
const MOST_FILES: usize = 10;
/// Bytes of all files before they are encoded.
const MOST_FILE_BYTES: usize = 5 << 20;

/// The executor of `email.send`.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmailSend;

/// What the server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message's id, in angle brackets.
    pub message_id: String,
    /// The addresses that it was taken for.
    pub accepted: Vec<String>,
    /// What the server said.
    pub answer: String,
}

#[async_trait]
impl Executor for EmailSend {
    async fn execute(&self, cx: &EffectContext, request: EffectRequest) -> Result<Value, NodeError> {
        let cancelled = cx.cancel.clone();
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(NodeError::new("cancelled", "the message was cancelled")),
            outcome = send(cx, &request) => outcome,
        }
    }
}

async fn send(cx: &EffectContext, effect: &EffectRequest) -> Result<Value, NodeError> {
    let config = &effect.config;
    let text = |field: &str| config.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let name = text("connection").ok_or_else(|| bad("it names no connection"))?;
    let mail = Mail {
        key: &effect.key,
        from: text("from"),
        to: addresses(config, "to")?,
        cc: addresses(config, "cc")?,
        bcc: addresses(config, "bcc")?,
        reply_to: text("reply_to"),
        subject: text("subject").unwrap_or_default(),
        text: text("text"),
        html: text("html"),
        attachments: attachments(config.get("attachments"))?,
    };
    let own = match config.get("timeout").filter(|value| !value.is_null()) {
        Some(value) => Duration::from_millis(duration::parse(value).map_err(|message| bad(&message))?.0),
        None => DEFAULT_TIMEOUT,
    };
    // Ours ends a little before that of the policy: only here it is known whether the message can have been taken.
    let policy = effect.timeout.map_or(MAX_TIMEOUT, |policy| policy.mul_f32(0.9));
    let within = own.min(policy).clamp(Duration::from_millis(1), MAX_TIMEOUT);
    let connection = cx.connections.resolve(cx.tenant, cx.environment, name).await?;
    let sent = deliver(&cx.egress, name, &connection, &mail, within).await?;
    Ok(Value::map([
        ("message_id", Value::from(sent.message_id)),
        ("accepted", Value::list(sent.accepted.into_iter().map(Value::from))),
        ("answer", Value::from(sent.answer)),
    ]))
}

/// Makes a message and hands it to the connection's server.
///
/// # Errors
/// When the message cannot be made, the connection is no mail server, or the server does not take it. Retryable only when the
/// server has certainly not taken it.
pub async fn deliver(
    egress: &Egress,
    name: &str,
    connection: &ResolvedConnection,
    mail: &Mail<'_>,
    within: Duration,
) -> Result<Sent, NodeError> {
    let unusable = |why: &str| NodeError::new("unusable_connection", format!("the connection `{name}` {why}"));
    let server = connection.server.as_ref().filter(|_| connection.kind == ConnectionKind::Smtp);
    let server = server.ok_or_else(|| unusable("is not a mail server"))?;
    let port = server.port.ok_or_else(|| unusable("has no port"))?;
    let made = message::make(mail, server.sender.as_deref())?;
    let login = server.user.clone().map(|user| Login { user, password: connection.secret.clone() });
    let accepted = made.to.clone();
    let request = MailRequest {
        host: server.host.clone(),
        port,
        tls: server.tls,
        login,
        from: made.from,
        to: made.to,
        message: made.bytes.into(),
        limits: Limits { connect: Limits::default().connect.min(within), total: within, ..Limits::default() },
        policy: Policy { hosts: connection.hosts.clone(), ..Policy::default() },
    };
    let taken = egress.send_mail(request).await.map_err(|error| unsent(&error))?;
    Ok(Sent { message_id: made.id, accepted, answer: taken.answer })
}

fn unsent(error: &EgressError) -> NodeError {
    let mut failed = NodeError::new(error.code, error.message.clone());
    failed.retryable = error.retryable;
    failed
}

fn bad(message: &str) -> NodeError {
    NodeError::new("bad_request", message)
}

/// The texts of a field that is one text or a list of texts.
fn addresses(config: &Value, field: &str) -> Result<Vec<String>, NodeError> {
    let odd = |value: &Value| bad(&format!("`{field}` is a {}; it is addresses as text", value.type_name()));
    let texts = match config.get(field) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| odd(item)))
            .collect::<Result<_, _>>()?,
        Some(value) => vec![value.as_str().ok_or_else(|| odd(value))?.to_owned()],
    };
    Ok(texts.into_iter().filter(|text| !text.trim().is_empty()).collect())
}

fn attachments(value: Option<&Value>) -> Result<Vec<Attached>, NodeError> {
    let items = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::List(items)) if items.len() <= MOST_FILES => items,
        Some(Value::List(_)) => return Err(bad(&format!("a message has at most {MOST_FILES} files"))),
        Some(other) => return Err(bad(&format!("`attachments` is a {}; it is a list of files", other.type_name()))),
    };
    let mut left = MOST_FILE_BYTES;
    let mut files = Vec::with_capacity(items.len());
    for item in items.iter() {
        let text = |field: &str| item.get(field).and_then(Value::as_str);
        let name = text("name").ok_or_else(|| bad("a file has no `name`"))?;
        let bytes = match (text("text"), text("base64")) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(text)) => {
                STANDARD.decode(text.trim()).map_err(|_| bad(&format!("the file `{}` is not base64", shown(name))))?
            }
            _ => return Err(bad(&format!("the file `{}` needs either `text` or `base64`", shown(name)))),
        };
        left = left
            .checked_sub(bytes.len())
            .ok_or_else(|| bad(&format!("the files are larger than {MOST_FILE_BYTES} bytes together")))?;
        let kind = text("content_type").unwrap_or(if text("text").is_some() {
            "text/plain"
        } else {
            "application/octet-stream"
        });
        files.push(Attached { name: name.to_owned(), content_type: kind.to_owned(), bytes });
    }
    Ok(files)
}
