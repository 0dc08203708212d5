//! Does one thing to many runs: each by itself, under the caller's own permission, and what fails stops none of the others.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use holon_authz::actions::{CancelRuns, PauseRuns, StartRuns, TerminateRuns};
use holon_model::wire::runs::{BulkAction, BulkProblem, BulkResult};
use holon_model::{Intent, IntentPayload, Problem, RunId};

use super::{cancel, pause, retry, terminate};
use crate::http::{Caller, problem};
use crate::state::AppState;

/// Runs under way at once: enough that their writes go together, and few enough that one caller does not hold all connections.
const AT_ONCE: usize = 8;

/// What is done to each.
#[derive(Debug, Clone)]
pub struct Bulk {
    /// What.
    pub action: BulkAction,
    /// To which; one that is named twice is done once.
    pub runs: Vec<RunId>,
    /// What stands as the reason where one is kept.
    pub reason: String,
}

/// Does it; answers in the order in which the runs were named. `key` makes the retries of one request one each.
pub async fn bulk(state: &AppState, caller: &Caller, bulk: Bulk, key: Option<String>) -> Vec<BulkResult> {
    let Bulk { action, runs, reason } = bulk;
    let mut once = runs.clone();
    once.sort_unstable();
    once.dedup();
    let one = |run: RunId| {
        let (reason, key) = (reason.clone(), key.clone());
        async move { (run, done(state, caller, action, run, reason, key).await) }
    };
    let done: BTreeMap<RunId, Result<Option<RunId>, Problem>> =
        futures::stream::iter(once).map(one).buffer_unordered(AT_ONCE).collect().await;
    runs.into_iter()
        .map(|run| match done.get(&run) {
            Some(Ok(new)) => BulkResult { run, ok: true, new: *new, problem: None },
            Some(Err(problem)) => BulkResult { run, ok: false, new: None, problem: Some(told(problem)) },
            None => BulkResult { run, ok: false, new: None, problem: None },
        })
        .collect()
}

fn told(problem: &Problem) -> BulkProblem {
    let (code, title) = (problem.code.as_str().to_owned(), problem.title.clone());
    BulkProblem { code, title, detail: problem.detail.clone() }
}

async fn done(
    state: &AppState,
    caller: &Caller,
    action: BulkAction,
    run: RunId,
    reason: String,
    key: Option<String>,
) -> Result<Option<RunId>, Problem> {
    fn intent<P: IntentPayload>(state: &AppState, caller: &Caller, payload: P) -> Intent<P> {
        caller.intent(&*state.clock, payload)
    }
    match action {
        BulkAction::Retry => {
            let proof = caller.allowed::<StartRuns>().map_err(Problem::from)?.proof();
            let intent = intent(state, caller, retry::Retry(run)).with_key(key);
            retry::retry(state, proof, intent).await.map(|started| Some(started.id)).map_err(problem)
        }
        BulkAction::Cancel => {
            let proof = caller.allowed::<CancelRuns>().map_err(Problem::from)?.proof();
            let intent = intent(state, caller, cancel::Cancel { run, reason });
            cancel::cancel(state, proof, intent).await.map(|()| None).map_err(problem)
        }
        BulkAction::Terminate => {
            let proof = caller.allowed::<TerminateRuns>().map_err(Problem::from)?.proof();
            let intent = intent(state, caller, terminate::Terminate { run, reason });
            terminate::terminate(state, proof, intent).await.map(|()| None).map_err(problem)
        }
        BulkAction::Pause => {
            let proof = caller.allowed::<PauseRuns>().map_err(Problem::from)?.proof();
            let by = caller.person.name.clone();
            pause::pause(state, proof, intent(state, caller, pause::Pause { run, by, reason }))
                .await
                .map(|()| None)
                .map_err(problem)
        }
        BulkAction::Resume => {
            let proof = caller.allowed::<PauseRuns>().map_err(Problem::from)?.proof();
            pause::resume(state, proof, intent(state, caller, pause::Resume(run))).await.map(|()| None).map_err(problem)
        }
    }
}
