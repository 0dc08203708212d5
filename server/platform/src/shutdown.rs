//! One signal for the whole process: stop taking work, finish what is in hand.

use tokio_util::sync::CancellationToken;

/// Tells everyone that the server drains. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A signal that has not been given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal; giving it again changes nothing.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// True once the signal was given.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits for the signal.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }

    /// The token itself, for libraries that take one.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.0.clone()
    }

    /// Gives the signal when the process is asked to end (SIGTERM or SIGINT); asked a second time, it ends at once.
    ///
    /// # Errors
    /// When the system refuses a signal handler.
    pub fn on_signals(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let me = self.clone();
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                }
            };
            let signal = next().await;
            tracing::info!(signal, "draining: no new work, finishing what is in hand");
            me.begin();
            // Somebody who asks twice does not want to wait; everything durable is in the database.
            let signal = next().await;
            tracing::warn!(signal, "asked again: ending at once");
            std::process::exit(1);
        });
        Ok(())
    }
}
