//! Streams of other protocols than HTTP, for executors that speak them: opened by the one road, with its checks.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::dial::{Dialler, Stream};
use super::policy::Target;
use super::{EgressError, Policy};

/// Where a stream leads.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Encrypted from the first byte.
    pub tls: bool,
    /// The ports that are the protocol's own; those of other protocols are refused.
    pub ports: &'static [u16],
    /// Where to.
    pub policy: Policy,
    /// Time for resolving and connecting, TLS included.
    pub within: Duration,
}

/// A stream that was opened. Dropped, it is closed.
pub struct Opened {
    stream: Box<dyn Stream>,
    dialler: Arc<Dialler>,
    target: Target,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("to", &self.target.authority()).finish_non_exhaustive()
    }
}

impl Opened {
    pub(super) async fn open(dialler: &Arc<Dialler>, dial: &Dial) -> Result<Self, EgressError> {
        let target = Target::server(&dial.host, dial.port, dial.tls)?;
        target.check_with(&dial.policy, dial.ports)?;
        let stream = dialler.connect(&target, dial.within).await?;
        Ok(Self { stream, dialler: dialler.clone(), target })
    }

    /// Encrypts what was not; the server proves the name that was dialled. Nothing that came before it may be left unread.
    ///
    /// # Errors
    /// `tls_failed`.
    pub async fn start_tls(self) -> Result<Self, EgressError> {
        let stream = self.dialler.encrypt(&self.target, self.stream).await?;
        Ok(Self { stream, dialler: self.dialler, target: self.target })
    }
}

impl AsyncRead for Opened {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Opened {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
