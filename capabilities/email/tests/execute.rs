//! The executor against a mail server on loopback: what it sends, what it makes of answers, when it may be tried again.
#![cfg(feature = "execute")]

mod sink;

use std::sync::Arc;

use async_trait::async_trait;
use holon_cap_email::EmailSend;
use holon_flow::capability::NodeError;
use holon_model::wire::connections::{ConnectionKind, ConnectionServer, ServerTls};
use holon_model::{EnvironmentId, RunId, TenantId, Value, json};
use holon_platform::{
    crypto::Secret,
    egress::Egress,
    execute::{
        ConnectionError, ConnectionSource, EffectContext, EffectRequest, Executor, NoRecords, ResolvedConnection,
    },
};
use sink::{Script, Sink};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

struct Connections(u16);

#[async_trait]
impl ConnectionSource for Connections {
    async fn resolve(&self, _: TenantId, _: EnvironmentId, name: &str) -> Result<ResolvedConnection, ConnectionError> {
        let server = |tls, user: Option<&str>| ConnectionServer {
            host: "127.0.0.1".to_owned(),
            port: Some(self.0),
            tls,
            user: user.map(str::to_owned),
            database: None,
            sender: Some("Shop <shop@example.com>".to_owned()),
        };
        let (kind, server) = match name {
            "mail" => (ConnectionKind::Smtp, Some(server(ServerTls::None, Some("ada")))),
            "open" => (ConnectionKind::Smtp, Some(server(ServerTls::None, None))),
            "secure" => (ConnectionKind::Smtp, Some(server(ServerTls::Starttls, Some("ada")))),
            "token" => (ConnectionKind::HttpBearer, None),
            _ => return Err(ConnectionError::Unknown { name: name.to_owned() }),
        };
        let hosts = vec!["127.0.0.1".to_owned()];
        Ok(ResolvedConnection { kind, secret: Secret::new("s3cret"), header: None, hosts, server })
    }
}

async fn send_by(egress: Egress, port: u16, config: &str) -> Result<Value, NodeError> {
    let cx = EffectContext {
        tenant: TenantId::from(Uuid::nil()),
        environment: EnvironmentId::from(Uuid::nil()),
        egress: Arc::new(egress),
        connections: Arc::new(Connections(port)),
        records: Arc::new(NoRecords),
        cancel: CancellationToken::new(),
    };
    let request = EffectRequest {
        run: RunId::from(Uuid::nil()),
        path: "tell".to_owned(),
        kind: "email.send@1".to_owned(),
        config: json::parse(config.as_bytes()).unwrap(),
        input: Value::Null,
        key: "0123abcd".to_owned(),
        attempt: 1,
        timeout: None,
    };
    EmailSend.execute(&cx, request).await
}

async fn send(sink: &Sink, config: &str) -> Result<Value, NodeError> {
    send_by(Egress::new(true), sink.port, config).await
}

const PLAIN: &str = r#"{"connection":"mail","to":"Ada <ada@example.com>, bob@example.com","bcc":["eve@example.com"],
    "subject":"Hi","text":".\nQUIT\n."}"#;

#[tokio::test]
async fn a_message_is_handed_over_whole_with_its_sign_in_and_the_id_of_its_key() {
    let sink = Sink::start().await;
    let output = send(&sink, PLAIN).await.unwrap();
    let taken = sink.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].from, "shop@example.com");
    assert_eq!(taken[0].to, ["ada@example.com", "bob@example.com", "eve@example.com"]);
    assert_eq!(taken[0].login.as_deref(), Some("AGFkYQBzM2NyZXQ="));
    assert!(taken[0].data.contains("\r\n\r\n.\r\nQUIT\r\n."), "{}", taken[0].data);
    assert!(taken[0].data.contains("Message-ID: <0123abcd@example.com>"), "{}", taken[0].data);
    assert!(!taken[0].data.contains("eve@"), "{}", taken[0].data);
    assert_eq!(output.get("message_id").and_then(Value::as_str), Some("<0123abcd@example.com>"));
    assert_eq!(output.get("answer").and_then(Value::as_str), Some("2.0.0 Ok: queued as 4711"));
    assert_eq!(output.get("accepted").and_then(Value::as_list).map(<[Value]>::len), Some(3));
    send(&sink, PLAIN).await.unwrap();
    assert!(sink.taken()[1].data.contains("Message-ID: <0123abcd@example.com>"), "the same key, the same id");
}

#[tokio::test]
async fn nobody_signs_in_where_nobody_is_named() {
    let sink = Sink::with(Script::default()).await;
    send(&sink, r#"{"connection":"open","to":"a@example.com","subject":"x"}"#).await.unwrap();
    assert!(sink.said().iter().all(|line| !line.starts_with("AUTH")));
}

#[tokio::test]
async fn what_can_be_tried_again_is_what_the_server_has_certainly_not_taken() {
    for (command, answer, code, again) in [
        ("RCPT TO:<bob", "550 5.1.1 no such user", "mail_refused", false),
        ("RCPT TO:<bob", "450 4.2.0 try later", "mail_deferred", true),
        ("MAIL", "421 too busy", "mail_deferred", true),
        ("EHLO", "", "connection_lost", true),
        ("DATA", "", "connection_lost", true),
        ("AUTH", "535 5.7.8 wrong s3cret", "sign_in_refused", false),
        ("AUTH", "454 later", "mail_deferred", true),
        (".", "552 too large", "mail_refused", false),
        (".", "451 not now", "mail_deferred", true),
        (".", "", "outcome_unknown", false),
        ("MAIL", "what is this", "bad_response", true),
    ] {
        let sink = Sink::with(Script { offers: vec!["AUTH PLAIN"], answers: vec![(command, answer)] }).await;
        let failed = send(&sink, PLAIN).await.unwrap_err();
        assert_eq!((failed.code.as_str(), failed.retryable), (code, again), "{command} {answer}: {failed:?}");
        assert!(!format!("{failed:?}").contains("s3cret"), "{failed:?}");
    }
}

#[tokio::test]
async fn a_server_without_encryption_gets_nothing_where_it_is_asked_for() {
    let sink = Sink::start().await;
    let config = r#"{"connection":"secure","to":"a@example.com"}"#;
    let failed = send(&sink, config).await.unwrap_err();
    assert_eq!((failed.code.as_str(), failed.retryable), ("tls_not_offered", false));
    assert_eq!(sink.said(), ["EHLO [127.0.0.1]"], "neither a name nor a password nor a message");
    // One that offers it and then does not speak it gets no more either.
    let script =
        Script { offers: vec!["STARTTLS", "AUTH PLAIN"], answers: vec![("STARTTLS", "220 go\r\n250 too early")] };
    let early = Sink::with(script).await;
    assert_eq!(send(&early, config).await.unwrap_err().code, "tls_failed");
    assert!(early.said().iter().all(|line| !line.starts_with("AUTH")), "{:?}", early.said());
}

#[tokio::test]
async fn mail_takes_the_road_that_everything_takes() {
    let sink = Sink::start().await;
    let failed = send_by(Egress::new(false), sink.port, PLAIN).await.unwrap_err();
    assert_eq!(failed.code, "forbidden_address");
    assert!(sink.said().is_empty());
    assert_eq!(send(&sink, &PLAIN.replace("\"mail\"", "\"token\"")).await.unwrap_err().code, "unusable_connection");
    assert_eq!(send(&sink, &PLAIN.replace("\"mail\"", "\"none\"")).await.unwrap_err().code, "unknown_connection");
    // Another protocol's port is not spoken to.
    assert_eq!(send_by(Egress::new(true), 6379, PLAIN).await.unwrap_err().code, "forbidden_port");
}

#[tokio::test]
async fn a_value_cannot_add_a_header_a_recipient_or_a_command() {
    let sink = Sink::start().await;
    for config in [
        r#"{"connection":"mail","to":"a@example.com","subject":"x\r\nBcc: b@example.com"}"#,
        r#"{"connection":"mail","to":"a@example.com\r\nRCPT TO:<b@example.com>","subject":"x"}"#,
        r#"{"connection":"mail","to":["a@example.com>\r\nDATA"],"subject":"x"}"#,
        r#"{"connection":"mail","to":"a@example.com","from":"a@example.com\nX: y","subject":"x"}"#,
        r#"{"connection":"mail","to":"a@example.com","attachments":[{"name":"a\r\nX: y","text":"b"}]}"#,
        r#"{"connection":"mail","to":"a@example.com","attachments":[{"name":"a","base64":"%"}]}"#,
        r#"{"connection":"mail","to":7}"#,
    ] {
        let failed = send(&sink, config).await.unwrap_err();
        assert!(matches!(failed.code.as_str(), "bad_request" | "bad_address"), "{config}: {failed:?}");
    }
    assert!(sink.said().is_empty(), "{:?}", sink.said());
}

#[tokio::test]
async fn a_server_that_says_nothing_runs_into_the_time_limit() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = r#"{"connection":"mail","to":"a@example.com","timeout":"50ms"}"#;
    let failed = send_by(Egress::new(true), port, config).await.unwrap_err();
    assert_eq!((failed.code.as_str(), failed.retryable), ("timeout", true));
}
