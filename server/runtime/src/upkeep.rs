//! What the store needs now and then.

use std::sync::Arc;
use std::time::Duration;

use crate::runtime::Shared;

const MAINTAIN_EVERY: Duration = Duration::from_secs(3_600);

/// Room for the weeks to come, and keys that ran out.
pub(crate) async fn maintain(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(MAINTAIN_EVERY) => {}
        }
        if let Err(error) = shared.store.sweep_asks(shared.clock.now()).await {
            tracing::warn!(%error, "waits and tasks of runs that are over were not swept; trying again in an hour");
        }
        crate::kept::forget(&shared).await;
        if let Err(error) = shared.store.maintain().await {
            tracing::warn!(%error, "maintenance of the store failed; trying again in an hour");
        }
        loop {
            match shared.store.forget_expired(shared.clock.now(), 5_000).await {
                Ok(5_000) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "idempotency keys could not be swept; trying again in an hour");
                    break;
                }
            }
        }
    }
}
