//! The loop that keeps polls looking: in every replica, none of them the one that must be there.

use std::collections::HashMap;

use holon_model::{Millis, TenantId};
use tokio::task::JoinSet;

use super::{look, store};
use crate::pace::Pace;
use crate::state::AppState;

/// Between two rounds.
const REST: Millis = Millis(1_000);
/// While there may be more to look at.
const BREATH: Millis = Millis(20);
/// Looks of this replica under way at once.
const AT_ONCE: usize = 32;
/// And of one tenant: endpoints that do not answer must not keep the others' from being looked at.
const AT_ONCE_OF_ONE: usize = 8;
/// For how long a poll belongs to whoever looks: longer than a look takes. Later, a crash has left it.
const CLAIMED_FOR: Millis = Millis(180_000);

/// One replica's looks.
#[derive(Debug, Default)]
pub struct Looker {
    in_hand: JoinSet<TenantId>,
    of: HashMap<TenantId, usize>,
}

impl Looker {
    /// Begins the looks that are due, as many as may be under way, and says how long there is nothing to do.
    ///
    /// # Errors
    /// When the database refuses; what is due is looked at later.
    pub async fn tick(&mut self, state: &AppState) -> Result<Millis, sqlx::Error> {
        while let Some(ended) = self.in_hand.try_join_next() {
            self.over(ended);
        }
        let free = AT_ONCE.saturating_sub(self.in_hand.len());
        if free == 0 {
            return Ok(BREATH);
        }
        let now = state.clock.now();
        let busy: Vec<TenantId> =
            self.of.iter().filter(|(_, count)| **count >= AT_ONCE_OF_ONE).map(|(tenant, _)| *tenant).collect();
        let claim = store::Claim { now, until: now.plus(CLAIMED_FOR), busy, most: free.min(AT_ONCE_OF_ONE) };
        let rows = store::claim(&state.pools.engine, &claim).await?;
        let rest = if rows.is_empty() { REST } else { BREATH };
        for row in rows {
            *self.of.entry(row.tenant).or_default() += 1;
            let state = state.clone();
            self.in_hand.spawn(async move {
                if let Err(error) = look::look(&state, &row).await {
                    tracing::warn!(poll = %row.id, %error, "what came of a look could not be written down; it is made again");
                }
                row.tenant
            });
        }
        Ok(rest)
    }

    /// Looks at all that is due, to the end.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn round(&mut self, state: &AppState) -> Result<(), sqlx::Error> {
        loop {
            self.tick(state).await?;
            if self.in_hand.is_empty() {
                return Ok(());
            }
            while let Some(ended) = self.in_hand.join_next().await {
                self.over(ended);
            }
        }
    }

    fn over(&mut self, ended: Result<TenantId, tokio::task::JoinError>) {
        match ended {
            Ok(tenant) => {
                if let Some(count) = self.of.get_mut(&tenant) {
                    *count -= 1;
                    if *count == 0 {
                        self.of.remove(&tenant);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "a look panicked");
                // Whose it was is not known any more; the bound is counted anew from what is left.
                if self.in_hand.is_empty() {
                    self.of.clear();
                }
            }
        }
    }
}

/// Keeps looking until the server drains.
pub async fn keep_looking(state: AppState) {
    let mut looker = Looker::default();
    let mut pace = Pace::new(&state.shutdown, REST, "polls cannot be looked at; trying again each second");
    while pace.rest(looker.tick(&state).await).await {}
}
