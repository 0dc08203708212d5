//! Signals to a run that has gone on in another one: they reach the one that goes on for it now.
//!
//! Whoever sends a signal knows the run that was started, and nothing of how its history is cut into runs; and a signal that was
//! acknowledged while the run was about to end must not end with it. A second one of the same sender is refused as such there
//! too: what counted goes on with the run, see `holon_engine::Mail`.

use std::time::Duration;

use holon_engine::{Input, Mail};
use holon_model::{RunId, TenantId};
use tokio::time::Instant;

use crate::api::{DeliverError, Delivered};
use crate::children::next;
use crate::inbox::Happening;
use crate::recover::first_info;
use crate::runtime::Shared;

/// How many runs further it is passed on. Each costs reads of the store, and a chain of runs may be without end.
const FURTHEST: usize = 32;
/// How long after a failure it is tried again: the next run is being started, or the store is away.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// That a chain of runs is longer.
pub(crate) const CONTINUED: &str = "run_continued";

impl Shared {
    /// Tells a run what happened, or the run that goes on for it where that is a signal.
    pub(crate) async fn tell_or_pass_on(
        &self,
        tenant: TenantId,
        run: RunId,
        input: Input,
    ) -> Result<Delivered, DeliverError> {
        let signal = matches!(input, Input::Signal { .. }).then(|| input.clone());
        match (self.tell_one(tenant, run, input).await, signal) {
            (Err(DeliverError::Over), Some(signal)) => self.pass_on(tenant, run, signal).await,
            (answer, _) => answer,
        }
    }

    async fn tell_one(&self, tenant: TenantId, run: RunId, input: Input) -> Result<Delivered, DeliverError> {
        match self.tell(tenant, run, Happening::Input(input)).await {
            Err(DeliverError::NotFound) => Err(self.missing(tenant, run).await),
            answer => answer,
        }
    }

    /// Tells a signal that came to a run that is over to the one that goes on for it, if one does.
    pub(crate) async fn pass_on(
        &self,
        tenant: TenantId,
        over: RunId,
        signal: Input,
    ) -> Result<Delivered, DeliverError> {
        let patience = Instant::now() + self.start_within;
        let mut run = over;
        for _ in 0..FURTHEST {
            run = loop {
                match next(self, tenant, run).await {
                    Ok(Some(next)) => break next,
                    Ok(None) => return Err(DeliverError::Over),
                    Err(_) if self.is_over() || Instant::now() >= patience => return Err(DeliverError::Unavailable),
                    Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
                }
            };
            // One that an older build started does not know what counted before, and would take it a second time.
            match first_info(self, tenant, run).await {
                Ok(Some(info)) if info.semantics >= Mail::SINCE => {}
                Ok(_) => return Err(DeliverError::Over),
                Err(_) => return Err(DeliverError::Unavailable),
            }
            match self.tell_one(tenant, run, signal.clone()).await {
                Err(DeliverError::Over) => {}
                answer => return answer,
            }
        }
        let message =
            format!("more than {FURTHEST} runs have gone on for this one since: send it to {run}, or to one after it");
        Err(DeliverError::Refused { code: CONTINUED, message })
    }
}
