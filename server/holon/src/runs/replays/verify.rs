//! Verifies a run: its journal is replayed, and each log hash held against the one that was recorded.

use holon_authz::{Authorised, actions::ReadRuns};
use holon_model::canon::hex;
use holon_model::wire::replay::{Difference, Parting, Verified};
use holon_model::wire::runs::is_over;
use holon_model::{Context, RunId};
use holon_platform::db::TenantTx;
use holon_replay::Verifier;
use holon_runtime::Definitions as _;

use super::walk::{Walked, walk};
use crate::runs::{Error, store};
use crate::state::AppState;

/// Whether the record holds, and where the first difference is.
pub async fn verify(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadRuns>,
    run: RunId,
) -> Result<Verified, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let found = store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    tx.commit().await?;
    let _seat = state.replays.enter(context.tenant)?;
    let flow = state.definitions.load(context.tenant, found.summary.flow, found.summary.version).await?;
    let verifier = Verifier::new(flow.compiled.clone());
    let Walked { reader: verifier, broken } = walk(state, context, run, verifier, |verifier, row| {
        verifier.take(row);
        verifier.difference().is_none()
    })
    .await?;
    let computed = hex(&verifier.machine().log_hash());
    let status = found.summary.status.as_str();
    // What ended by decree ended between two inputs: nothing of that is in the journal.
    let ended_with = found.log_hash.as_deref().filter(|_| status != "terminated").map(hex);
    let part = |what, recorded: String, computed: &str, why: &str| Difference {
        seq: verifier.taken(),
        what,
        recorded,
        computed: computed.to_owned(),
        why: why.to_owned(),
    };
    let difference = verifier.difference().cloned();
    let difference = difference.or_else(|| broken.map(|why| part(Parting::Unreadable, String::new(), "", &why)));
    let difference = difference.or_else(|| {
        let ended_with = ended_with.filter(|hash| *hash != computed)?;
        Some(part(
            Parting::Missing,
            ended_with,
            &computed,
            "the run ended with another log hash than its last input gives",
        ))
    });
    Ok(Verified {
        agrees: difference.is_none(),
        inputs: difference.as_ref().map_or(verifier.taken(), |difference| difference.seq),
        log_hash: computed,
        over: is_over(status),
        difference,
    })
}
