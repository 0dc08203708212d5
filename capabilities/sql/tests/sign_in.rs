//! Signing in: the password is proved and never sent in clear, and the server must prove that it knows it too. The server is a few
//! lines here, since the one of the other tests asks nobody for a password.
#![cfg(feature = "execute")]

use std::sync::Arc;

use async_trait::async_trait;
use holon_cap_sql::{Marks, OwnDatabase, SqlQuery};
use holon_flow::capability::NodeError;
use holon_model::wire::connections::{ConnectionKind, ConnectionServer, ServerTls};
use holon_model::{EnvironmentId, RunId, TenantId, Value};
use holon_platform::crypto::{Secret, hmac_sha256, sha256};
use holon_platform::egress::Egress;
use holon_platform::execute::{
    ConnectionError, ConnectionSource, EffectContext, EffectRequest, Executor, NoRecords, ResolvedConnection,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PASSWORD: &str = "correct horse";

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    /// As it must.
    Honest,
    /// It does not know the password, and says that all is well.
    Forged,
    /// The same, without a word about the proof.
    Silent,
    /// It wants the password in clear.
    Greedy,
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind][..], &length, body].concat()
}

fn authentication(kind: u32, body: &[u8]) -> Vec<u8> {
    message(b'R', &[&kind.to_be_bytes()[..], body].concat())
}

async fn body(stream: &mut TcpStream, kind: bool) -> Vec<u8> {
    if kind {
        stream.read_u8().await.unwrap();
    }
    let length = usize::try_from(stream.read_u32().await.unwrap()).unwrap() - 4;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    body
}

fn refusal(code: &str, text: &str) -> Vec<u8> {
    let error = message(b'E', format!("SERROR\0C{code}\0M{text}\0\0").as_bytes());
    [error, message(b'Z', b"I")].concat()
}

/// RFC 5802 with SHA-256, from the server's side. Gives whether the client proved the password.
async fn serve(mut stream: TcpStream, how: Server) -> Option<bool> {
    body(&mut stream, false).await;
    if how == Server::Greedy {
        stream.write_all(&authentication(3, b"")).await.unwrap();
        return (stream.read_u8().await.ok()? != 0).then_some(false);
    }
    stream.write_all(&authentication(10, b"SCRAM-SHA-256\0\0")).await.unwrap();
    let first = body(&mut stream, true).await;
    let at = first.iter().position(|byte| *byte == 0).unwrap() + 5;
    let bare = String::from_utf8(first[at..].to_vec()).unwrap();
    let bare = bare.strip_prefix("n,,").unwrap();
    let nonce = format!("{}server", bare.split_once("r=").unwrap().1);
    let server_first = format!("r={nonce},s=c2FsdA==,i=4096");
    stream.write_all(&authentication(11, server_first.as_bytes())).await.unwrap();
    let last = String::from_utf8(body(&mut stream, true).await).unwrap();
    let (without_proof, proof) = last.split_once(",p=").unwrap();

    let (mut block, mut salted) = (hmac_sha256(PASSWORD.as_bytes(), &[b"salt", &[0, 0, 0, 1]]), [0; 32]);
    for _ in 0..4096 {
        salted.iter_mut().zip(block).for_each(|(sum, byte)| *sum ^= byte);
        block = hmac_sha256(PASSWORD.as_bytes(), &[&block]);
    }
    let said = format!("{bare},{server_first},{without_proof}");
    let stored = sha256(&hmac_sha256(&salted, &[b"Client Key"]));
    let signature = hmac_sha256(&stored, &[said.as_bytes()]);
    let key: Vec<u8> = decode(proof).iter().zip(signature).map(|(proof, byte)| proof ^ byte).collect();
    let proved = sha256(&key) == stored;
    let mut mine = hmac_sha256(&hmac_sha256(&salted, &[b"Server Key"]), &[said.as_bytes()]);
    if how == Server::Forged {
        mine[0] ^= 1;
    }
    let last = authentication(12, format!("v={}", encode(&mine)).as_bytes());
    let well = authentication(0, b"");
    let answer = if how == Server::Silent { well } else { [last, well].concat() };
    stream.write_all(&[answer, message(b'Z', b"I")].concat()).await.unwrap();
    // What is asked next is refused: first as a server that is no Postgres would, then for good.
    for refused in [refusal("42883", "no such function"), refusal("XX000", "enough")] {
        if stream.read_u8().await.is_err() {
            break;
        }
        body(&mut stream, false).await;
        stream.write_all(&refused).await.unwrap();
    }
    Some(proved)
}

fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |chunk: &[u8], at: usize| {
        let whole = chunk.iter().chain([&0; 3]).take(3).fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        char::from(DIGITS[(whole >> (18 - 6 * at)) & 63])
    };
    let chunk =
        |chunk: &[u8]| (0..4).map(|at| if at <= chunk.len() { digit(chunk, at) } else { '=' }).collect::<String>();
    bytes.chunks(3).map(chunk).collect()
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let digits: Vec<u32> = chunk.iter().filter(|byte| **byte != b'=').map(|byte| value(*byte)).collect();
        let whole = digits.iter().fold(0, |sum, digit| (sum << 6) | digit) << (6 * (4 - digits.len()));
        bytes.extend(whole.to_be_bytes()[1..].iter().take(digits.len() - 1));
    }
    bytes
}

fn value(digit: u8) -> u32 {
    let number = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    number.into()
}

struct Connections(u16, &'static str);

#[async_trait]
impl ConnectionSource for Connections {
    async fn resolve(&self, _: TenantId, _: EnvironmentId, _: &str) -> Result<ResolvedConnection, ConnectionError> {
        let server = ConnectionServer {
            host: "127.0.0.1".into(),
            port: Some(self.0),
            tls: ServerTls::None,
            user: Some("ada".into()),
            database: None,
            sender: None,
        };
        let kind = ConnectionKind::Postgres;
        Ok(ResolvedConnection { kind, secret: Secret::new(self.1), header: None, hosts: vec![], server: Some(server) })
    }
}

struct Own;

#[async_trait]
impl OwnDatabase for Own {
    fn place(&self) -> Option<(String, u16)> {
        None
    }

    async fn marks(&self) -> Result<Marks, NodeError> {
        Ok(Marks { system: Some("1".into()), started: Some("2".into()) })
    }
}

/// What a query comes to, and whether the server saw the password proved.
async fn asked(how: Server, password: &'static str) -> (NodeError, Option<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move { serve(listener.accept().await.unwrap().0, how).await });
    let cx = EffectContext {
        tenant: TenantId::from(Uuid::nil()),
        environment: EnvironmentId::from(Uuid::nil()),
        egress: Arc::new(Egress::new(true)),
        connections: Arc::new(Connections(port, password)),
        records: Arc::new(NoRecords),
        cancel: CancellationToken::new(),
    };
    let request = EffectRequest {
        run: RunId::from(Uuid::nil()),
        path: "ask".into(),
        kind: "sql.query@1".into(),
        config: Value::map([("connection", Value::from("shop")), ("sql", Value::from("select 1"))]),
        input: Value::Null,
        key: "key".into(),
        attempt: 1,
        timeout: None,
    };
    let error = SqlQuery::new(Arc::new(Own)).execute(&cx, request).await.unwrap_err();
    (error, serving.await.unwrap())
}

#[tokio::test]
async fn a_password_is_proved_and_a_server_that_does_not_know_it_is_left() {
    let (error, proved) = asked(Server::Honest, PASSWORD).await;
    assert_eq!((error.code.as_str(), error.message.as_str(), proved), ("sql_error", "enough", Some(true)));
    let (_, proved) = asked(Server::Honest, "wrong").await;
    assert_eq!(proved, Some(false));
    for how in [Server::Forged, Server::Silent, Server::Greedy] {
        let (error, _) = asked(how, PASSWORD).await;
        assert!(["bad_response", "sign_in_refused"].contains(&error.code.as_str()), "{how:?}: {error:?}");
        assert!(!format!("{error:?}").contains(PASSWORD));
    }
    let (_, told) = asked(Server::Greedy, PASSWORD).await;
    assert_eq!(told, None, "nothing is sent to a server that wants the password in clear");
}
