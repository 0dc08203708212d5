//! Writes what runs ask of the world (signals they wait for, tasks for people) where others find it, in the order in which it
//! became true, after the journal row it follows from. The journal is the truth: a row that is late is late, never wrong.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::store::{Asked, Store, StoreError};

/// How long after a failure the store is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Writes one after the other until nobody is left who asks.
pub(crate) async fn write(store: Arc<dyn Store>, mut asked: mpsc::UnboundedReceiver<Asked>) {
    while let Some(next) = asked.recv().await {
        loop {
            match store.ask(&next).await {
                Ok(()) => break,
                Err(error @ (StoreError::Rejected(_) | StoreError::Inconsistent(_))) => {
                    tracing::error!(run = %next.run, %error, "what a run asks could not be written");
                    break;
                }
                Err(error) => {
                    tracing::warn!(run = %next.run, %error, "what a run asks is not written yet; trying again");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
    }
}
