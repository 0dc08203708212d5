//! Where runs are computed: on threads of their own, or in tasks of the runtime that calls, one after the other, for tests that must know
//! the order in which everything happens.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// Where runs are computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Driving {
    /// On threads of their own: runs that compute for long hold up no request and no renewal of the lease.
    #[default]
    Apart,
    /// In tasks of the runtime that calls, whose time may be a test's own.
    InPlace,
}

impl Driving {
    /// Makes the place where so many loops run. What is spawned by what runs there runs there too: a step goes from its loop to its
    /// effect, to the committer and back mostly without waking another thread, which costs more than the step itself.
    pub(crate) fn open(self, loops: usize) -> io::Result<Place> {
        Ok(match self {
            Self::InPlace => Place { handle: Handle::current(), own: None },
            Self::Apart => {
                // One more than the loops: while they all compute, effects, writes and the renewal of the lease go on.
                let own = Builder::new_multi_thread()
                    .worker_threads(loops + 1)
                    .thread_name("holon-runs")
                    .enable_all()
                    .build()?;
                Place { handle: own.handle().clone(), own: Some(own) }
            }
        })
    }

    /// Computes what may take long, apart from the threads that answer requests; nothing when the server stops first.
    pub(crate) async fn compute<T: Send + 'static>(self, what: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        match self {
            Self::InPlace => Some(what()),
            Self::Apart => tokio::task::spawn_blocking(what).await.ok(),
        }
    }
}

/// Where loops, writes and effects run; they end when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    handle: Handle,
    own: Option<Runtime>,
}

impl Place {
    /// Lets a task run there.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.handle.spawn(task)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(own) = self.own.take() {
            // Whoever drops it may be a task, which must not wait.
            own.shutdown_background();
        }
    }
}
