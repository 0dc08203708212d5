//! Where runs are computed: on threads of their own, or in tasks of the runtime that calls, one after the other, for tests that must know
//! the order in which everything happens.

use std::io;

use tokio::runtime::Handle;

/// Where runs are computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Driving {
    /// On threads of their own: runs that compute for long hold up no request, no effect and no renewal of the lease.
    #[default]
    Threads,
    /// In tasks of the runtime that calls, whose time may be a test's own.
    InPlace,
}

impl Driving {
    /// Lets a loop run to its end.
    pub(crate) fn spawn(self, name: String, looping: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        match self {
            Self::InPlace => drop(tokio::spawn(looping)),
            Self::Threads => {
                let handle = Handle::current();
                std::thread::Builder::new().name(name).spawn(move || handle.block_on(looping))?;
            }
        }
        Ok(())
    }

    /// Computes what may take long, apart from the threads that answer requests; nothing when the server stops first.
    pub(crate) async fn compute<T: Send + 'static>(self, what: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        match self {
            Self::InPlace => Some(what()),
            Self::Threads => tokio::task::spawn_blocking(what).await.ok(),
        }
    }
}
