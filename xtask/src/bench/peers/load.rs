//! HTTP clients that post one request after the other on connections they keep: the same for every peer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
}

/// What many clients saw together.
pub struct Load {
    /// Requests answered a second.
    pub rate: f64,
    /// Milliseconds of the median request.
    pub p50: f64,
    /// Milliseconds of the slow ones.
    pub p99: f64,
}

impl Client {
    /// Connects to a port of this machine; every request will be the same.
    pub fn connect(port: u16, path: &str, body: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).with_context(|| format!("nothing listens on {port}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-type: application/json\r\n");
        let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes();
        Ok(Self { stream: BufReader::new(stream), request })
    }

    /// Posts, and gives the milliseconds until the whole answer was there.
    pub fn post(&mut self) -> Result<f64> {
        let begun = Instant::now();
        self.stream.get_mut().write_all(&self.request)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = None;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                None => break,
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = Some(value.parse()?),
                Some(_) => {}
            }
        }
        let mut body = Vec::new();
        match length {
            Some(length) => {
                let length: u64 = length;
                self.stream.by_ref().take(length).read_to_end(&mut body)?;
            }
            None => self.chunks(&mut body)?,
        }
        if !status.starts_with('2') {
            bail!("answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(begun.elapsed().as_secs_f64() * 1_000.0)
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<()> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let length = u64::from_str_radix(line.trim_end(), 16).context("neither a length nor chunks")?;
            self.stream.by_ref().take(length).read_to_end(body)?;
            // The end of the chunk's line.
            self.stream.read_line(&mut line)?;
            if length == 0 {
                return Ok(());
            }
        }
    }
}

/// What `clients` of them see for as long as `lasting`.
pub fn many(clients: usize, lasting: Duration, connect: impl Fn() -> Result<Client>) -> Result<Load> {
    let connections: Result<Vec<Client>> = (0..clients).map(|_| connect()).collect();
    let begun = Instant::now();
    let threads: Vec<_> = connections?
        .into_iter()
        .map(|mut client| {
            std::thread::spawn(move || {
                let mut taken = Vec::new();
                while begun.elapsed() < lasting {
                    taken.push(client.post()?);
                }
                anyhow::Ok(taken)
            })
        })
        .collect();
    let mut taken = Vec::new();
    for thread in threads {
        taken.extend(thread.join().map_err(|_| anyhow::anyhow!("a client ended unexpectedly"))??);
    }
    let rate = taken.len() as f64 / begun.elapsed().as_secs_f64();
    taken.sort_by(f64::total_cmp);
    let at = |share: usize| taken.get(taken.len() * share / 100).copied().unwrap_or(f64::NAN);
    Ok(Load { rate, p50: at(50), p99: at(99) })
}
