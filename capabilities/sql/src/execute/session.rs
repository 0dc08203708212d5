//! One connection to a Postgres server, over a stream that the egress path opened: signing in, and messages one by one, within bounds.

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use holon_model::wire::connections::{ConnectionServer, ServerTls};
use holon_platform::crypto::Secret;
use holon_platform::egress::{Dial, Egress, Opened, Policy};
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::backend::{Header, Message};
use postgres_protocol::message::frontend;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::error::{Failure, Refusal};

/// Where Postgres, and poolers before it, usually listen.
const PORTS: &[u16] = &[5432, 5433, 6432, 6543];
const USUAL_PORT: u16 = 5432;
/// Bytes that are taken in for one query.
const MOST_BYTES: usize = 4 << 20;

/// A connection that is signed in. Dropped, it is closed, and the server gives up what it was doing.
pub(super) struct Session {
    stream: Opened,
    read: BytesMut,
    write: BytesMut,
    taken: usize,
}

/// What simple statements gave: the cells of all their rows.
pub(super) type Rows = Vec<Vec<Option<String>>>;

fn lost(error: &std::io::Error) -> Failure {
    Failure::Lost(error.to_string())
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::Unreadable(error.to_string())
}

impl Session {
    /// Connects and signs in.
    pub(super) async fn open(
        egress: &Egress,
        server: &ConnectionServer,
        secret: &Secret,
        within: Duration,
    ) -> Result<Self, Failure> {
        let dial = Dial {
            host: server.host.clone(),
            port: server.port.unwrap_or(USUAL_PORT),
            // The protocol asks for encryption in its own words first.
            tls: false,
            ports: PORTS,
            policy: Policy::default(),
            within,
        };
        let mut stream = egress.open(&dial).await.map_err(Failure::Egress)?;
        if server.tls != ServerTls::None {
            stream = encrypted(stream).await?;
        }
        let mut session = Self { stream, read: BytesMut::new(), write: BytesMut::new(), taken: 0 };
        session.sign_in(server, secret).await?;
        Ok(session)
    }

    async fn sign_in(&mut self, server: &ConnectionServer, secret: &Secret) -> Result<(), Failure> {
        let user = server.user.as_deref().unwrap_or("postgres");
        let database = server.database.as_deref().unwrap_or(user);
        let settings =
            [("user", user), ("database", database), ("client_encoding", "UTF8"), ("application_name", "holon")];
        frontend::startup_message(settings, &mut self.write).map_err(unreadable)?;
        self.send().await?;
        let mut scram = None;
        // Whoever is given a proof must give one.
        let mut proved = true;
        loop {
            match self.next().await? {
                Message::AuthenticationOk if !proved => {
                    let message = "the server did not prove that it knows the password".into();
                    return Err(Failure::Ours("sign_in_refused", message));
                }
                Message::AuthenticationOk | Message::BackendKeyData(_) => {}
                Message::AuthenticationCleartextPassword if server.tls != ServerTls::None => {
                    frontend::password_message(secret.expose(), &mut self.write).map_err(unreadable)?;
                    self.send().await?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let hash = md5_hash(user.as_bytes(), secret.expose(), body.salt());
                    frontend::password_message(hash.as_bytes(), &mut self.write).map_err(unreadable)?;
                    self.send().await?;
                }
                Message::AuthenticationSasl(body) => {
                    let known = body.mechanisms().any(|name| Ok(name == sasl::SCRAM_SHA_256)).map_err(unreadable)?;
                    if !known {
                        return Err(Failure::Ours(
                            "sign_in_refused",
                            "the server knows no way to sign in that Holon knows".into(),
                        ));
                    }
                    let begun = sasl::ScramSha256::new(secret.expose(), sasl::ChannelBinding::unsupported());
                    frontend::sasl_initial_response(sasl::SCRAM_SHA_256, begun.message(), &mut self.write)
                        .map_err(unreadable)?;
                    (scram, proved) = (Some(begun), false);
                    self.send().await?;
                }
                Message::AuthenticationSaslContinue(body) => {
                    let scram = scram.as_mut().ok_or_else(|| unreadable("it goes on with what was not begun"))?;
                    scram.update(body.data()).map_err(unreadable)?;
                    frontend::sasl_response(scram.message(), &mut self.write).map_err(unreadable)?;
                    self.send().await?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    let scram = scram.as_mut().ok_or_else(|| unreadable("it ends what was not begun"))?;
                    scram.finish(body.data()).map_err(unreadable)?;
                    proved = true;
                }
                Message::ReadyForQuery(_) => return Ok(()),
                Message::ErrorResponse(body) => return Err(Failure::Refused(Box::new(Refusal::read(&body)))),
                _ => {
                    let message =
                        "the server asks for a way to sign in that Holon does not serve, or for the password in clear";
                    return Err(Failure::Ours("sign_in_refused", message.into()));
                }
            }
        }
    }

    /// What is to be sent.
    pub(super) fn out(&mut self) -> &mut BytesMut {
        &mut self.write
    }

    /// Sends what was written.
    pub(super) async fn send(&mut self) -> Result<(), Failure> {
        let sent = async {
            self.stream.write_all(&self.write).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| lost(&error))?;
        self.write.clear();
        Ok(())
    }

    /// The next message that says something; what a server tells besides is passed over.
    pub(super) async fn next(&mut self) -> Result<Message, Failure> {
        loop {
            if let Some(header) = Header::parse(&self.read).map_err(unreadable)?
                && usize::try_from(header.len()).map_or(true, |bytes| bytes > MOST_BYTES)
            {
                return Err(Failure::TooLarge(MOST_BYTES));
            }
            match Message::parse(&mut self.read).map_err(unreadable)? {
                Some(Message::NoticeResponse(_) | Message::ParameterStatus(_) | Message::NotificationResponse(_)) => {}
                Some(message) => return Ok(message),
                None => {
                    let count = self.stream.read_buf(&mut self.read).await.map_err(|error| lost(&error))?;
                    if count == 0 {
                        return Err(Failure::Lost("the server closed it".into()));
                    }
                    self.taken += count;
                    if self.taken > MOST_BYTES {
                        return Err(Failure::TooLarge(MOST_BYTES));
                    }
                }
            }
        }
    }

    /// Runs statements of ours, without parameters; gives the rows of all of them.
    pub(super) async fn simple(&mut self, statements: &str) -> Result<Rows, Failure> {
        frontend::query(statements, &mut self.write).map_err(unreadable)?;
        self.send().await?;
        let (mut rows, mut refused) = (Vec::new(), None);
        loop {
            match self.next().await? {
                Message::DataRow(body) => rows.push(cells(&body)?),
                Message::ErrorResponse(body) => refused = Some(Failure::Refused(Box::new(Refusal::read(&body)))),
                Message::ReadyForQuery(_) => return refused.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    /// Reads to where the server is ready again, after it refused.
    pub(super) async fn settle(&mut self) -> Result<(), Failure> {
        while !matches!(self.next().await?, Message::ReadyForQuery(_)) {}
        Ok(())
    }

    /// Says goodbye.
    pub(super) async fn close(mut self) {
        frontend::terminate(&mut self.write);
        // Whoever does not hear it notices that the stream is closed.
        let _ = self.send().await;
    }
}

/// The cells of a row in text.
pub(super) fn cells(body: &postgres_protocol::message::backend::DataRowBody) -> Result<Vec<Option<String>>, Failure> {
    let mut ranges = body.ranges();
    let mut cells = Vec::new();
    while let Some(range) = ranges.next().map_err(unreadable)? {
        let text = range.map(|range| {
            let bytes = body.buffer().get(range).unwrap_or_default();
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| unreadable("a value is no UTF-8"))
        });
        cells.push(text.transpose()?);
    }
    Ok(cells)
}

/// Asks for encryption; the server proves the name that was dialled.
async fn encrypted(mut stream: Opened) -> Result<Opened, Failure> {
    let mut ask = BytesMut::new();
    frontend::ssl_request(&mut ask);
    let asked = async {
        stream.write_all(&ask).await?;
        stream.flush().await?;
        stream.read_u8().await
    };
    match asked.await.map_err(|error| lost(&error))? {
        b'S' => stream.start_tls().await.map_err(Failure::Egress),
        _ => Err(Failure::Ours(
            "tls_not_offered",
            "the server offers no encryption, and the connection asks for it".into(),
        )),
    }
}
