//! The pool that does effects: bounded, taking turns between tenants so that one with ten thousand effects delays
//! another's single one by no more than one turn.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use holon_flow::capability::NodeError;
use holon_flow::definition::duration;
use holon_flow::redact::Redaction;
use holon_model::{EnvironmentId, Millis, TenantId, Timestamp, Value};
use holon_platform::egress::Egress;
use holon_platform::execute::{ConnectionSource, EffectContext, EffectRequest, Executors};
use holon_platform::kill_points::{self, Point};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::kept::MaybeKept;
use crate::lease::Standing;
use crate::metrics::Counters;
use crate::records::{Proposal, StepRecords};
use crate::ring::Ring;
use crate::store::AnswerKey;
use crate::tracer::Tracer;
use crate::watched::Watched;

/// What executors are given besides the request.
#[derive(Clone)]
pub struct Host {
    /// The one road out.
    pub egress: Arc<Egress>,
    /// The tenants' connections.
    pub connections: Arc<dyn ConnectionSource>,
}

/// An effect to do and whom to tell.
pub(crate) struct EffectJob {
    pub tenant: TenantId,
    pub environment: EnvironmentId,
    /// What it reads and proposes to change in Holon's own database.
    pub records: Arc<StepRecords>,
    pub request: EffectRequest,
    /// Given when the answer is not wanted any more; then nobody is told.
    pub cancel: CancellationToken,
    /// What of its answer is not to be kept.
    pub redaction: Redaction,
    pub done: Box<dyn FnOnce(Result<Value, NodeError>, Proposal) + Send>,
    /// Where an earlier answer may stand for this one.
    pub kept: Option<Box<MaybeKept>>,
}

/// What came of an effect.
enum Answered {
    /// Nothing was done: this was given before, at this time.
    Before(Box<MaybeKept>, Value, Timestamp),
    /// It was done; where it may stand for later ones, what keeps it as which answer.
    Now(Result<Value, NodeError>, Option<(Box<MaybeKept>, AnswerKey)>),
}

#[derive(Default)]
struct Turns {
    waiting: Ring<(Instant, EffectJob)>,
    running: usize,
    /// Nothing more is begun.
    held: bool,
    running_of: HashMap<TenantId, usize>,
}

impl Turns {
    fn push(&mut self, job: EffectJob) {
        self.waiting.push(job.tenant, (Instant::now(), job));
    }

    /// Since when the oldest one waits, of one tenant or of all.
    fn oldest(&self, tenant: Option<TenantId>) -> Option<Instant> {
        let fronts = self.waiting.fronts().filter(|(of, _)| tenant.is_none_or(|tenant| tenant == *of));
        fronts.map(|(_, (since, _))| *since).min()
    }

    /// The next job, of the tenant whose turn it is and who is below the bound.
    fn next(&mut self, most: usize, most_of_one: usize) -> Option<EffectJob> {
        if self.held || self.running >= most {
            return None;
        }
        let Self { waiting, running_of, .. } = self;
        let below = |tenant| running_of.get(&tenant).is_none_or(|running| *running < most_of_one);
        let (tenant, (_, job)) = waiting.next(below)?;
        self.running += 1;
        *self.running_of.entry(tenant).or_default() += 1;
        Some(job)
    }

    fn finished(&mut self, tenant: TenantId) {
        self.running -= 1;
        if let Some(running) = self.running_of.get_mut(&tenant) {
            *running -= 1;
            if *running == 0 {
                self.running_of.remove(&tenant);
            }
        }
    }
}

/// Bounds of the pool.
#[derive(Debug, Clone, Copy)]
pub struct EffectLimits {
    /// Effects at once.
    pub most: usize,
    /// Effects of one tenant at once.
    pub most_of_one: usize,
    /// The longest that one attempt may take.
    pub longest: Duration,
}

impl Default for EffectLimits {
    fn default() -> Self {
        Self { most: 512, most_of_one: 256, longest: Duration::from_secs(300) }
    }
}

#[derive(Clone)]
pub(crate) struct EffectPool {
    shared: Arc<Shared>,
}

struct Shared {
    turns: Mutex<Turns>,
    limits: EffectLimits,
    executors: Executors,
    host: Host,
    standing: Watched<Standing>,
    counters: Arc<Counters>,
    /// Given at the end: what waits is dropped, what runs is cancelled.
    stop: CancellationToken,
}

impl EffectPool {
    pub fn new(
        limits: EffectLimits,
        executors: Executors,
        host: Host,
        standing: Watched<Standing>,
        counters: Arc<Counters>,
        stop: CancellationToken,
    ) -> Self {
        let turns = Mutex::default();
        Self { shared: Arc::new(Shared { turns, limits, executors, host, standing, counters, stop }) }
    }

    /// Hands an effect in.
    pub fn submit(&self, job: EffectJob) {
        self.lock().push(job);
        self.pump();
    }

    /// Begins no more effects.
    pub fn hold(&self) {
        self.lock().held = true;
    }

    /// Effects that run now.
    pub fn running(&self) -> usize {
        self.lock().running
    }

    /// How long the oldest effect has waited for its turn, of one tenant or of all.
    pub fn waited(&self, tenant: Option<TenantId>) -> Duration {
        self.lock().oldest(tenant).map(|since| since.elapsed()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pump(&self) {
        while !self.shared.stop.is_cancelled() {
            let limits = self.shared.limits;
            let Some(job) = self.lock().next(limits.most, limits.most_of_one) else { return };
            let pool = self.clone();
            tokio::spawn(async move {
                let tenant = job.tenant;
                pool.shared.perform(job).await;
                pool.lock().finished(tenant);
                pool.pump();
            });
        }
    }
}

impl Shared {
    async fn perform(&self, job: EffectJob) {
        let EffectJob { tenant, environment, records, request, cancel, redaction, done, kept } = job;
        let of = (tenant, environment);
        let executor = self.executors.get(&request.kind).cloned();
        let answering = async {
            // A replica whose lease may have run out does nothing to the outside until it knows better.
            if !Standing::held(&self.standing).await {
                return None;
            }
            let mut keeps = None;
            if let (Some(kept), Some(executor)) = (kept, &executor)
                && executor.may_answer_again(&request)
                && let Some(key) = kept.key(of, &request, &redaction, &*self.host.connections).await
            {
                if let Some((value, since)) = kept.found(&key).await {
                    return Some(Answered::Before(kept, value, since));
                }
                keeps = Some((kept, key));
            }
            let result = self.execute(of, request, records.clone(), cancel.clone()).await;
            // From here on nothing knows what is not to be kept: neither the run nor what is kept for the next one.
            let result = without(&redaction, result);
            Some(Answered::Now(result, keeps))
        };
        let answered = tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            () = self.stop.cancelled() => return,
            answered = answering => answered,
        };
        let answered = answered.filter(|_| !cancel.is_cancelled() && !self.stop.is_cancelled());
        match answered {
            None => {}
            Some(Answered::Before(kept, value, since)) => kept.tell(value, since),
            Some(Answered::Now(result, keeps)) => {
                let worth = |value: &&Value| executor.is_some_and(|executor| executor.is_worth_keeping(value));
                let value = keeps.is_some().then(|| result.as_ref().ok().filter(worth).cloned()).flatten();
                kill_points::reach(Point::EffectAnswered);
                done(result, records.take());
                // Whoever asked has the answer already; until it is kept this effect has its turn.
                if let (Some((kept, key)), Some(value)) = (keeps, value) {
                    kept.keep(&key, &value).await;
                }
            }
        }
    }

    async fn execute(
        &self,
        (tenant, environment): (TenantId, EnvironmentId),
        request: EffectRequest,
        records: Arc<StepRecords>,
        cancel: CancellationToken,
    ) -> Result<Value, NodeError> {
        let Some(executor) = self.executors.get(&request.kind) else {
            return Err(NodeError::new("no_executor", format!("this server cannot execute {}", request.kind)));
        };
        let longest = request.timeout.unwrap_or(self.limits.longest).min(self.limits.longest);
        let kind = request.kind.clone();
        let cx = EffectContext {
            tenant,
            environment,
            egress: Arc::new(self.host.egress.for_tenant(tenant)),
            connections: self.host.connections.clone(),
            records,
            cancel: cancel.clone(),
        };
        self.counters.effect();
        let told = self.counters.tracer().map(|tracer| (tracer, Tracer::begun(&request)));
        let began = Instant::now();
        // What is said while it is done is said of its run.
        let span = tracing::info_span!("effect", run_id = %request.run, tenant = %tenant, node = request.path, kind);
        let executing = AssertUnwindSafe(executor.execute(&cx, request)).catch_unwind().instrument(span.clone());
        let executed = tokio::select! {
            biased;
            // Nobody is told; the error only ends this function.
            () = cancel.cancelled() => return Err(NodeError::new("cancelled", "the effect is not wanted any more")),
            () = self.stop.cancelled() => return Err(NodeError::new("cancelled", "the server is stopping")),
            executed = tokio::time::timeout(longest, executing) => executed,
        };
        let outcome = match &executed {
            Ok(Ok(Ok(_))) => "ok",
            Ok(Ok(Err(error))) if error.retryable => "failed_for_now",
            Ok(Ok(Err(_))) => "failed",
            Ok(Err(_)) => "panicked",
            Err(_) => "timeout",
        };
        self.counters.effect_done(&kind, outcome, began.elapsed());
        if let Some((tracer, begun)) = told {
            tracer.done(begun, outcome, began.elapsed());
        }
        match executed {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => {
                span.in_scope(|| tracing::error!("an executor panicked"));
                Err(NodeError::new(
                    "executor_panicked",
                    format!("{kind} ended unexpectedly; the server's log says more"),
                ))
            }
            Err(_) => {
                let within = duration::format(Millis(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)));
                let mut error = NodeError::new("timeout", format!("{kind} did not end within {within}"));
                error.retryable = true;
                Err(error)
            }
        }
    }
}

/// An answer without what is not to be kept of it; a failure says in its detail what was answered.
fn without(redaction: &Redaction, result: Result<Value, NodeError>) -> Result<Value, NodeError> {
    match result {
        Ok(value) => Ok(redaction.apply(value)),
        Err(error) => {
            let detail = redaction.apply(error.detail);
            Err(NodeError { detail, ..error })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::RunId;
    use uuid::Uuid;

    fn job(tenant: u128, path: &str) -> EffectJob {
        EffectJob {
            tenant: TenantId(Uuid::from_u128(tenant)),
            environment: EnvironmentId(Uuid::nil()),
            records: Arc::new(StepRecords::none()),
            request: EffectRequest {
                run: RunId(Uuid::nil()),
                path: path.into(),
                kind: "test@1".into(),
                config: Value::Null,
                input: Value::Null,
                key: String::new(),
                attempt: 1,
                timeout: None,
            },
            cancel: CancellationToken::new(),
            redaction: Redaction::default(),
            done: Box::new(|_, _| {}),
            kept: None,
        }
    }

    fn order(turns: &mut Turns, most_of_one: usize) -> Vec<String> {
        std::iter::from_fn(|| turns.next(100, most_of_one)).map(|job| job.request.path).collect()
    }

    #[test]
    fn a_tenant_at_its_bound_waits_and_the_others_do_not() {
        let mut turns = Turns::default();
        ["a1", "a2", "a3"].into_iter().for_each(|path| turns.push(job(1, path)));
        ["b1", "b2"].into_iter().for_each(|path| turns.push(job(2, path)));
        assert_eq!(order(&mut turns, 1), ["a1", "b1"]);
        turns.finished(TenantId(Uuid::from_u128(1)));
        assert_eq!(order(&mut turns, 1), ["a2"]);
    }
}
