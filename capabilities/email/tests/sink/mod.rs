//! A mail server for tests, on a real socket of this machine: keeps what it took, and refuses or hangs up where it is told to.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A message that was taken.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    /// What was decoded of `AUTH PLAIN`'s argument, not decoded.
    pub login: Option<String>,
    pub data: String,
}

/// A mail server.
#[derive(Clone)]
pub struct Sink {
    pub port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
    said: Arc<Mutex<Vec<String>>>,
    script: Arc<Script>,
}

/// How it behaves.
#[derive(Debug, Default)]
pub struct Script {
    /// What it offers after EHLO.
    pub offers: Vec<&'static str>,
    /// Answers to commands that begin like this, instead of its own; an empty one hangs up.
    pub answers: Vec<(&'static str, &'static str)>,
}

impl Sink {
    pub async fn start() -> Self {
        Self::with(Script { offers: vec!["AUTH PLAIN LOGIN", "SIZE 10000000"], answers: vec![] }).await
    }

    pub async fn with(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sink = Self { port, taken: Arc::default(), said: Arc::default(), script: Arc::new(script) };
        let own = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.converse(stream).await });
            }
        });
        sink
    }

    /// What it took, in order.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// The lines that it was told.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    async fn converse(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let mut mail = Taken::default();
        say(&mut stream, "220 sink at your service").await?;
        loop {
            let line = line(&mut stream).await?;
            self.said.lock().unwrap().push(line.clone());
            let told =
                self.script.answers.iter().find(|(command, _)| line.starts_with(command)).map(|(_, answer)| *answer);
            match (told, line.split([' ', ':']).next().unwrap_or_default()) {
                (Some(""), _) => return None,
                (Some(answer), _) => say(&mut stream, answer).await?,
                (None, "EHLO") => {
                    for offer in &self.script.offers {
                        say(&mut stream, &format!("250-{offer}")).await?;
                    }
                    say(&mut stream, "250 8BITMIME").await?;
                }
                (None, "AUTH") => {
                    mail.login = line.strip_prefix("AUTH PLAIN ").map(str::to_owned);
                    say(&mut stream, "235 welcome").await?;
                }
                (None, "MAIL") => {
                    mail.from = between(&line);
                    say(&mut stream, "250 Ok").await?;
                }
                (None, "RCPT") => {
                    mail.to.push(between(&line));
                    say(&mut stream, "250 Ok").await?;
                }
                (None, "DATA") => {
                    say(&mut stream, "354 go on").await?;
                    loop {
                        match self::line(&mut stream).await?.as_str() {
                            "." => break,
                            text => {
                                mail.data += text.strip_prefix('.').unwrap_or(text);
                                mail.data += "\r\n";
                            }
                        }
                    }
                    self.taken.lock().unwrap().push(std::mem::take(&mut mail));
                    match self.script.answers.iter().find(|(command, _)| *command == ".") {
                        Some((_, "")) => return None,
                        Some((_, answer)) => say(&mut stream, answer).await?,
                        None => say(&mut stream, "250 2.0.0 Ok: queued as 4711").await?,
                    }
                }
                (None, "QUIT") => return say(&mut stream, "221 bye").await,
                (None, _) => say(&mut stream, "502 what?").await?,
            }
        }
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    let read = stream.read_until(b'\n', &mut line).await.ok()?;
    (read > 0).then(|| String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await.ok()
}

fn between(line: &str) -> String {
    let start = line.find('<').map_or(0, |at| at + 1);
    line[start..].split('>').next().unwrap_or_default().to_owned()
}
