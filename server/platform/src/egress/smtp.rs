//! One message to one mail server (RFC 5321), on a stream that the one road out dialled. Every answer is bounded, and it is known
//! at each moment whether the server can have taken the message: until the last dot is sent it cannot, after that it may.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use holon_model::wire::connections::ServerTls;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use super::dial::{Dialler, Stream};
use super::policy::Target;
use super::{EgressError, Limits, Policy};
use crate::crypto::Secret;

/// Where mail servers listen.
const PORTS: &[u16] = &[25, 465, 587, 2525];
/// Bytes of one line of an answer, and its lines: more than any server says.
const MOST_LINE: u64 = 4 << 10;
const MOST_LINES: usize = 128;
/// Characters of an answer that are repeated.
const SHOWN: usize = 300;
/// How we greet: an address literal, since a process has no name of its own that could be looked up.
const HELLO: &str = "[127.0.0.1]";
/// How long taking leave may take; nothing depends on it.
const LEAVE: Duration = Duration::from_secs(1);

/// Who signs in to a mail server. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A message for a mail server.
#[derive(Clone, Debug)]
pub struct MailRequest {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is encrypted.
    pub tls: ServerTls,
    /// Who signs in, if somebody does.
    pub login: Option<Login>,
    /// The address that failures are reported to: ASCII, without angle brackets.
    pub from: String,
    /// The addresses it goes to.
    pub to: Vec<String>,
    /// The whole message, headers included.
    pub message: Bytes,
    /// How long: `connect` and `total` count.
    pub limits: Limits,
    /// Where to.
    pub policy: Policy,
}

/// The server took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAccepted {
    /// What it said of it, often with the name of its queue.
    pub answer: String,
}

pub(super) async fn send(dialler: &Dialler, request: &MailRequest) -> Result<MailAccepted, EgressError> {
    for address in request.to.iter().chain([&request.from]) {
        if address.len() > 320 || !address.is_ascii() || address.contains(|c: char| c.is_control() || " <>".contains(c))
        {
            return Err(EgressError::refused("bad_header", "an address has characters that mail servers do not take"));
        }
    }
    if request.to.is_empty() {
        return Err(EgressError::refused("bad_header", "the message goes to nobody"));
    }
    let target = Target::server(&request.host, request.port, request.tls == ServerTls::Tls)?;
    target.check_with(&request.policy, PORTS)?;
    let maybe_taken = AtomicBool::new(false);
    let total = request.limits.total;
    let told = tokio::time::timeout(total, converse(dialler, &target, request, &maybe_taken)).await;
    let told = told.unwrap_or_else(|_| {
        let within = total.as_secs_f32();
        Err(EgressError::failed("timeout", format!("{} did not take the message within {within} s", request.host)))
    });
    told.map_err(|error| match (maybe_taken.load(Ordering::Relaxed), error.code) {
        (true, "timeout" | "connection_lost" | "bad_response") => EgressError::refused(
            "outcome_unknown",
            format!("nobody knows whether {} took the message: {}", request.host, error.message),
        ),
        _ => error,
    })
}

async fn converse(
    dialler: &Dialler,
    target: &Target,
    request: &MailRequest,
    maybe_taken: &AtomicBool,
) -> Result<MailAccepted, EgressError> {
    let stream = dialler.connect(target, request.limits.connect).await?;
    let mut server = Server::new(stream, &request.host);
    server.reply().await?.expect(&request.host, 220)?;
    let mut offers = server.hello().await?;
    if request.tls == ServerTls::Starttls {
        if !offers.has("STARTTLS") {
            let why = format!("{} does not offer STARTTLS, and nothing is sent to it in clear", request.host);
            return Err(EgressError::refused("tls_not_offered", why));
        }
        server.ask("STARTTLS").await?.expect(&request.host, 220)?;
        server = Server::new(dialler.encrypt(target, server.bare()?).await?, &request.host);
        offers = server.hello().await?;
    }
    if let Some(login) = &request.login {
        sign_in(&mut server, &offers, login).await?;
    }
    let size = request.message.len();
    let size = if offers.has("SIZE") { format!(" SIZE={size}") } else { String::new() };
    server.ask(&format!("MAIL FROM:<{}>{size}", request.from)).await?.expect(&request.host, 250)?;
    for address in &request.to {
        let reply = server.ask(&format!("RCPT TO:<{address}>")).await?;
        if !matches!(reply.code, 250..=252) {
            return Err(reply.refusal(&format!("{} does not take mail for <{address}>", request.host)));
        }
    }
    server.ask("DATA").await?.expect(&request.host, 354)?;
    server.write(&stuffed(&request.message)).await?;
    maybe_taken.store(true, Ordering::Relaxed);
    server.write(b".\r\n").await?;
    let reply = server.reply().await?;
    reply.expect(&request.host, 250)?;
    let _ = tokio::time::timeout(LEAVE, server.ask("QUIT")).await;
    Ok(MailAccepted { answer: reply.text })
}

async fn sign_in(server: &mut Server, offers: &Offers, login: &Login) -> Result<(), EgressError> {
    let (user, password) = (login.user.as_bytes(), login.password.expose());
    if user.contains(&0) || password.contains(&0) {
        return Err(EgressError::refused("sign_in_refused", "a name or password with a zero byte cannot be sent"));
    }
    let reply = if offers.signs_in_by("PLAIN") {
        let both = [b"\0", user, b"\0", password].concat();
        server.ask(&format!("AUTH PLAIN {}", STANDARD.encode(both))).await?
    } else if offers.signs_in_by("LOGIN") {
        let mut reply = server.ask("AUTH LOGIN").await?;
        for part in [user, password] {
            if reply.code == 334 {
                reply = server.ask(&STANDARD.encode(part)).await?;
            }
        }
        reply
    } else {
        let why = format!("{} offers no sign-in by name and password (AUTH PLAIN or LOGIN)", server.host);
        return Err(EgressError::refused("sign_in_refused", why));
    };
    match reply.code {
        235 => Ok(()),
        400..=499 => Err(reply.refusal(&format!("{} cannot sign anybody in at the moment", server.host))),
        // What it says of a sign-in may repeat what was sent.
        code => {
            let why = format!("{} refused the sign-in of `{}` ({code})", server.host, login.user);
            Err(EgressError::refused("sign_in_refused", why))
        }
    }
}

/// The message with lines that end as lines of mail do and without a line that would end it, and with its last line ended.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 64 + 2);
    let mut at_start = true;
    let mut bytes = message.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {
                if byte == b'\r' && bytes.peek() == Some(&b'\n') {
                    bytes.next();
                }
                out.extend_from_slice(b"\r\n");
                at_start = true;
                continue;
            }
            b'.' if at_start => out.extend_from_slice(b".."),
            other => out.push(other),
        }
        at_start = false;
    }
    if !at_start {
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// What a server says it can do.
struct Offers(Vec<String>);

impl Offers {
    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|line| line.split(' ').next() == Some(word))
    }

    fn signs_in_by(&self, mechanism: &str) -> bool {
        // Some old servers write `AUTH=`.
        let words = |line: &String| line.strip_prefix("AUTH").map(|rest| rest.trim_start_matches('=').to_owned());
        self.0.iter().filter_map(words).any(|rest| rest.split(' ').any(|word| word == mechanism))
    }
}

/// An answer: its code, and its text without codes.
struct Reply {
    code: u16,
    text: String,
    lines: Vec<String>,
}

impl Reply {
    fn expect(&self, host: &str, code: u16) -> Result<(), EgressError> {
        if self.code == code { Ok(()) } else { Err(self.refusal(&format!("{host} refused"))) }
    }

    fn refusal(&self, what: &str) -> EgressError {
        let message = format!("{what}: {} {}", self.code, self.text);
        match self.code {
            400..=499 => EgressError::failed("mail_deferred", message),
            500..=599 => EgressError::refused("mail_refused", message),
            _ => EgressError::failed("bad_response", message),
        }
    }
}

/// The server at the other end.
struct Server {
    stream: BufReader<Box<dyn Stream>>,
    host: String,
}

impl Server {
    fn new(stream: Box<dyn Stream>, host: &str) -> Self {
        Self { stream: BufReader::new(stream), host: host.to_owned() }
    }

    /// The stream itself. What the server said too early would be taken for what it says under encryption: then it is not used.
    fn bare(self) -> Result<Box<dyn Stream>, EgressError> {
        if self.stream.buffer().is_empty() {
            return Ok(self.stream.into_inner());
        }
        Err(EgressError::refused("tls_failed", format!("{} said something between STARTTLS and TLS", self.host)))
    }

    async fn hello(&mut self) -> Result<Offers, EgressError> {
        let reply = self.ask(&format!("EHLO {HELLO}")).await?;
        reply.expect(&self.host, 250)?;
        Ok(Offers(reply.lines.iter().map(|line| line.to_ascii_uppercase()).collect()))
    }

    async fn ask(&mut self, line: &str) -> Result<Reply, EgressError> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), EgressError> {
        let lost = |e: std::io::Error| EgressError::failed("connection_lost", format!("{}: {e}", self.host));
        let stream = self.stream.get_mut();
        stream.write_all(bytes).await.map_err(lost)?;
        stream.flush().await.map_err(lost)
    }

    async fn reply(&mut self) -> Result<Reply, EgressError> {
        let odd =
            |host: &str| EgressError::failed("bad_response", format!("{host} does not answer like a mail server"));
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            let read = (&mut self.stream).take(MOST_LINE).read_until(b'\n', &mut line).await;
            read.map_err(|e| EgressError::failed("connection_lost", format!("{}: {e}", self.host)))?;
            if line.is_empty() {
                return Err(EgressError::failed("connection_lost", format!("{} hung up", self.host)));
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let code = line.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|code| (200..600).contains(code));
            let Some(code) = code.filter(|_| lines.len() < MOST_LINES) else { return Err(odd(&self.host)) };
            let more = line.as_bytes().get(3) == Some(&b'-');
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if !more {
                let text: String = lines.join(" ").chars().filter(|c| !c.is_control()).take(SHOWN).collect();
                return Ok(Reply { code, text, lines });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_message_can_end_it_or_begin_a_command() {
        for (message, sent) in [
            ("a\r\n.\r\nb", "a\r\n..\r\nb\r\n"),
            ("a\n.\nQUIT\n", "a\r\n..\r\nQUIT\r\n"),
            ("a\r.\rb", "a\r\n..\r\nb\r\n"),
            (".", "..\r\n"),
            ("", ""),
            ("a.b\r\n", "a.b\r\n"),
        ] {
            assert_eq!(String::from_utf8(stuffed(message.as_bytes())).unwrap(), sent, "{message:?}");
        }
    }

    #[test]
    fn ways_to_sign_in_are_read_as_old_and_new_servers_write_them() {
        let offers = Offers(vec!["AUTH LOGIN PLAIN".into(), "SIZE 100".into()]);
        assert!(offers.signs_in_by("PLAIN") && offers.has("SIZE") && !offers.has("STARTTLS"));
        let old = Offers(vec!["AUTH=LOGIN".into()]);
        assert!(old.signs_in_by("LOGIN") && !old.signs_in_by("PLAIN"));
    }
}
