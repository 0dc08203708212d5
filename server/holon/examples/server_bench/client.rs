//! A client of the server: HTTP/1.1 over a connection that it keeps, without a library in between.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::ground::ORIGIN;

/// A connection that is kept: what a client of the server is, without a library in between.
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// Status, the cookie that was set, body.
pub type Answer = (u16, Option<String>, String);

impl Client {
    #[expect(clippy::disallowed_methods, reason = "dials this process' own listener; nothing leaves the machine")]
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket can be set up");
        Self { stream: BufReader::new(stream) }
    }

    pub async fn post(&mut self, path: &str, cookie: &str, body: &str) -> Answer {
        self.send("POST", path, cookie, body).await
    }

    pub async fn send(&mut self, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost:8080\r\norigin: {ORIGIN}\r\ncookie: {cookie}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).await.expect("the server takes the request");
        let (mut status, mut length, mut cookie) = (0, 0, None);
        let mut line = String::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line).await.expect("the server answers");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).expect("a status");
            } else if let Some((name, value)) = text.split_once(": ") {
                match name {
                    "content-length" => length = value.parse().expect("a length"),
                    "set-cookie" => cookie = value.split(';').next().map(str::to_owned),
                    _ => {}
                }
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.expect("the server answers in full");
        (status, cookie, String::from_utf8(body).expect("the answer is text"))
    }

    /// Milliseconds from a delivery to the end of its run.
    pub async fn one_run(&mut self, path: &str) -> f64 {
        let begun = Instant::now();
        let (status, _, body) = self.post(path, "", r#"{"n":7}"#).await;
        assert_eq!(status, 200, "{body}");
        milliseconds(begun)
    }
}

/// Since then.
pub fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1_000.0
}
