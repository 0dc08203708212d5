//! Whether a run begins: what people have paused, how many runs of a flow go on at a time, how many begin in a time.
//!
//! Pauses stand in the store, and every replica looks at them twice a second. Runs that a flow's concurrency keeps waiting are accepted
//! like others, have nothing but their first inputs, and stand in line in the store; whoever takes one in or ends one looks who is next
//! (`lines`), and everybody looks once a second for what a crash left lying. Rates are counted in this process: a flow's is divided by
//! the number of replicas.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use holon_engine::{Input, Stamped, is_batch};
use holon_flow::definition::intake::{Concurrency, Rate, WhenFull, line_of};
use holon_model::{EnvironmentId, FlowId, Millis, RunId, TenantId, Value};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::api::{DeliverError, RateShown, StartError};
use crate::definitions::LoadedFlow;
use crate::driver::Msg;
use crate::lines::{Crowds, Looks, Room};
use crate::rates::Buckets;
use crate::runtime::{Beginner, RuntimeHandle, Shared};
use crate::store::{IdempotencyRow, Line, PauseMode, PauseScope, Pauses, Prefix, StoreError, Ticket, shard_of};
use crate::wake::Word;

/// Looks at lines that are under way at once.
pub(crate) const USHERS: usize = 4;
/// How often pauses are looked at; every second time also who waits.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What starts of a workspace are counted in.
const MINUTE: Millis = Millis(60_000);
/// Lines that are remembered before those that nobody stands in are forgotten.
const FEW_LINES: usize = 1_024;

/// What this process knows of it.
#[derive(Default)]
pub(crate) struct Door {
    pauses: RwLock<Arc<Pauses>>,
    /// Lines in which a start is being looked at that is refused when there is no place.
    narrow: Mutex<BTreeMap<Line, Weak<tokio::sync::Mutex<()>>>>,
    looks: Looks,
    crowds: Crowds,
    rates: Buckets<(TenantId, FlowId, String)>,
    /// Starts that each workspace may ask for in a minute; none: as many as it likes.
    starts: AtomicU32,
    workspaces: Buckets<TenantId>,
    /// Replicas, this one among them.
    replicas: AtomicU32,
}

impl Door {
    /// So many replicas share what comes.
    pub fn meet(&self, replicas: usize) {
        self.replicas.store(u32::try_from(replicas).unwrap_or(u32::MAX), Relaxed);
    }

    fn pauses(&self) -> Arc<Pauses> {
        self.pauses.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn narrow(&self) -> MutexGuard<'_, BTreeMap<Line, Weak<tokio::sync::Mutex<()>>>> {
        self.narrow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One start at a time.
    async fn one_by_one(&self, line: &Line) -> OwnedMutexGuard<()> {
        let lock = {
            let mut narrow = self.narrow();
            if narrow.len() >= FEW_LINES {
                narrow.retain(|_, lock| lock.strong_count() > 0);
            }
            let known = narrow.entry(line.clone()).or_default();
            known.upgrade().unwrap_or_else(|| {
                let fresh = Arc::<tokio::sync::Mutex<()>>::default();
                *known = Arc::downgrade(&fresh);
                fresh
            })
        };
        lock.lock_owned().await
    }
}

/// What of so many each replica lets through at once: together no more than that, but one of each at least.
fn share(burst: u64, replicas: u64) -> u64 {
    (burst / replicas).max(1)
}

/// The widest of the pauses that hold for a flow: how, of what, and why.
fn paused(
    pauses: &Pauses,
    tenant: TenantId,
    environment: EnvironmentId,
    flow: FlowId,
) -> Option<(PauseMode, &'static str, &str)> {
    let scopes = [
        (PauseScope::Instance, "this Holon"),
        (PauseScope::Workspace(tenant), "the workspace"),
        (PauseScope::Flow(tenant, environment, flow), "the flow"),
    ];
    let mut found = scopes.iter().filter_map(|(scope, what)| {
        let (mode, reason) = pauses.get(scope)?;
        Some((*mode, *what, reason.as_str()))
    });
    found.next()
}

/// How a run begins.
pub(crate) struct Entry {
    /// Where it stands, if the flow has a line.
    pub line: Option<Line>,
    /// What it waits with.
    pub ticket: Option<Ticket>,
    /// The run whose place it has.
    pub inherits: Option<RunId>,
    /// Held until the run is durable.
    pub turn: Option<OwnedMutexGuard<()>>,
}

impl Shared {
    /// Whether anything of this flow may begin now.
    pub fn may_begin(&self, tenant: TenantId, environment: EnvironmentId, flow: FlowId) -> Result<(), StartError> {
        let pauses = self.door.pauses();
        let Some((mode, what, reason)) = paused(&pauses, tenant, environment, flow) else { return Ok(()) };
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let how = match mode {
            PauseMode::Pause => "is paused",
            PauseMode::Drain => "is being drained",
        };
        Err(StartError::Paused(format!("{what} {how}{reason}")))
    }

    /// Whether this build knows the meaning of what a copy begins with. What a newer one began goes on with one that does: a build that
    /// does not would lay it aside as soon as it is taken up.
    pub fn knows(&self, inputs: &[Stamped<Input>]) -> Result<(), StartError> {
        match inputs.first() {
            Some(Stamped { value: Input::Start { run, .. }, .. }) if run.semantics > self.semantics => {
                Err(StartError::Unavailable)
            }
            _ => Ok(()),
        }
    }

    /// Whether so many begin as may.
    pub fn within_rate(
        &self,
        flow: &LoadedFlow,
        tenant: TenantId,
        id: FlowId,
        input: &Value,
    ) -> Result<(), StartError> {
        self.workspace_within_rate(tenant)?;
        let Some(rate) = &flow.definition.limits.rate else { return Ok(()) };
        let Rate { limit, per, burst, key } = rate;
        let key = line_of(key.as_ref(), input).map_err(|error| StartError::BadKey(error.to_string()))?;
        // What comes is shared out between the replicas, and so is what may.
        let replicas = u64::from(self.door.replicas.load(Relaxed).max(1));
        let burst = share(u64::from(burst.unwrap_or(*limit)), replicas);
        let every = per.0.saturating_mul(1_000).saturating_mul(replicas) / u64::from((*limit).max(1));
        let now = self.clock.now();
        self.door.rates.take((tenant, id, key), now, burst, every).map(drop).map_err(|after| {
            StartError::RateLimited(RateShown { of: "flow", limit: u64::from(*limit), per: *per, left: 0, after })
        })
    }

    fn workspace_within_rate(&self, tenant: TenantId) -> Result<(), StartError> {
        let limit = u64::from(self.door.starts.load(Relaxed));
        if limit == 0 {
            return Ok(());
        }
        let replicas = u64::from(self.door.replicas.load(Relaxed).max(1));
        let (burst, every) = (share(limit, replicas), MINUTE.0 * 1_000 * replicas / limit);
        self.door
            .workspaces
            .take(tenant, self.clock.now(), burst, every)
            .map(drop)
            .map_err(|after| StartError::RateLimited(RateShown { of: "workspace", limit, per: MINUTE, left: 0, after }))
    }

    /// How a run begins, by the limits of its flow.
    pub async fn enter(&self, flow: &LoadedFlow, beginner: &Beginner) -> Result<Entry, StartError> {
        let mut entry = Entry { line: None, ticket: None, inherits: None, turn: None };
        let Some(concurrency) = &flow.definition.limits.concurrency else { return Ok(entry) };
        let Some(Stamped { value: Input::Start { input, run: info }, .. }) = beginner.inputs.first() else {
            return Ok(entry);
        };
        // Runs that have their place wait for it.
        if info.trigger.as_deref().is_some_and(is_batch) {
            return Ok(entry);
        }
        let key = match line_of(concurrency.key.as_ref(), &input.to_value()) {
            Ok(key) => key,
            // It has the place of the one before, whatever it goes on with.
            Err(_) if beginner.follows => String::new(),
            Err(error) => return Err(StartError::BadKey(error.to_string())),
        };
        let line = Line { tenant: beginner.tenant, flow: beginner.facts.flow, key };
        entry.line = Some(line.clone());
        if beginner.follows {
            entry.inherits = info.lineage.as_ref().and_then(|lineage| lineage.continued_from);
            return Ok(entry);
        }
        entry.turn = match self.room(concurrency, &line).await {
            Ok(turn) => turn,
            // Of what was accepted before, nothing is refused: whoever asks again is told so.
            Err(_) if self.was_accepted(beginner.tenant, beginner.idempotency.as_ref()).await? => None,
            Err(refused) => return Err(refused),
        };
        let Beginner { copied, again, ref facts, .. } = *beginner;
        let prefix = Prefix { copied, again, fresh: facts.marks.fork_of.is_some() };
        let replaces = concurrency.when_full == WhenFull::Replace;
        entry.ticket = Some(Ticket { line, most: concurrency.limit, replaces, prefix });
        Ok(entry)
    }

    /// Whether one more may stand in the line. Where that is to be exact, starts are looked at one by one until the guard is dropped.
    async fn room(&self, concurrency: &Concurrency, line: &Line) -> Result<Option<OwnedMutexGuard<()>>, StartError> {
        let refuses = concurrency.when_full == WhenFull::Refuse;
        let turn = if refuses { Some(self.door.one_by_one(line).await) } else { None };
        if concurrency.when_full == WhenFull::Replace {
            return Ok(turn);
        }
        let of_key = if concurrency.key.is_some() { " with this key" } else { "" };
        let (limit, queue) = (u64::from(concurrency.limit), u64::from(concurrency.queue));
        let full = || StartError::Full(format!("{queue} runs of the flow{of_key} wait already, as many as may"));
        // Counting a long line costs more than a run does; where they queue it need not be exact.
        let room = if refuses { Room::Unknown } else { self.door.crowds.room(line, limit + queue, Instant::now()) };
        match room {
            Room::There => return Ok(turn),
            Room::Full => return Err(full()),
            Room::Unknown => {}
        }
        let began = Instant::now();
        let crowd = self.store.crowd(line).await.map_err(|_| StartError::Unavailable)?;
        let standing = crowd.going + crowd.waiting;
        if refuses && standing >= limit {
            return Err(StartError::Full(format!("{} of at most {limit} runs of the flow{of_key} go on", crowd.going)));
        }
        // One that was accepted a moment ago waits too, and is about to have a place.
        let is_full = !refuses && standing >= limit + queue;
        if !refuses {
            let now = Instant::now();
            self.door.crowds.counted(line, (standing, is_full), now - began, now);
        }
        if is_full { Err(full()) } else { Ok(turn) }
    }

    /// Whether this key has started a run. Where nobody can say, the start is not refused for good: it may be asked for again.
    pub async fn was_accepted(&self, tenant: TenantId, key: Option<&IdempotencyRow>) -> Result<bool, StartError> {
        let Some(key) = key else { return Ok(false) };
        let known = self.store.idempotency(tenant, &key.scope, &key.key).await;
        let known = known.map_err(|_| StartError::Unavailable)?;
        Ok(known.is_some_and(|row| row.expires_at > self.clock.now()))
    }

    /// Whether runs that wait in this line may begin: a pause keeps them.
    fn lets_in(&self, line: &Line) -> bool {
        let pauses = self.door.pauses();
        pauses.iter().all(|(scope, (mode, _))| {
            let concerned = match scope {
                PauseScope::Instance => true,
                PauseScope::Workspace(tenant) => *tenant == line.tenant,
                PauseScope::Flow(tenant, _, flow) => (*tenant, *flow) == (line.tenant, line.flow),
            };
            !concerned || *mode == PauseMode::Drain
        })
    }

    /// Somebody is to look who is next in a line, and lets them begin.
    pub fn look_at(&self, line: Line) {
        self.door.looks.ask(line);
    }

    /// Lets those begin who are next in these lines of a tenant.
    async fn let_in(self: &Arc<Self>, tenant: TenantId, lines: &[Line]) {
        let open: Vec<Line> = lines.iter().filter(|line| self.lets_in(line)).cloned().collect();
        if open.is_empty() {
            return;
        }
        let admitted = match self.store.admit(tenant, &open).await {
            Ok(admitted) => admitted,
            Err(error) => return tracing::warn!(%error, "nobody knows who is next in a line; looking again"),
        };
        for (run, owner) in admitted.runs {
            match owner {
                Some(owner) if owner != self.replica => self.wake.say(owner, Word::Turns),
                _ => self.give_turn(run),
            }
        }
        for run in admitted.replaced {
            let shared = self.clone();
            tokio::spawn(async move {
                let reason = "a newer run of the flow takes its place".to_owned();
                match shared.see_cancelled(tenant, run, reason).await {
                    Ok(()) | Err(DeliverError::Over | DeliverError::Refused { .. } | DeliverError::NotFound) => {}
                    Err(error) => tracing::warn!(run_id = %run, %error, "a run that is replaced is not cancelled yet"),
                }
            });
        }
    }

    async fn see_cancelled(&self, tenant: TenantId, run: RunId, reason: String) -> Result<(), DeliverError> {
        self.see_told(tenant, run, crate::inbox::Happening::Input(Input::Cancel { reason })).await
    }

    fn give_turn(&self, run: RunId) {
        if self.shards.here(shard_of(run)) {
            // A loop that is gone lets nobody begin.
            let _ = self.driver(run).send(Msg::Turn { run });
        }
    }

    /// Lets those begin that have a place and were not told.
    pub async fn look_for_turns(&self) -> Result<(), StoreError> {
        let shards = self.shards.all_here();
        if shards.is_empty() {
            return Ok(());
        }
        for (_, run) in self.store.admitted(&shards).await? {
            self.give_turn(run);
        }
        Ok(())
    }

    async fn look_for_lines(self: &Arc<Self>) -> Result<(), StoreError> {
        self.door.looks.sweep(self.store.lines().await?);
        self.look_for_turns().await
    }

    async fn look_for_pauses(&self) -> Result<(), StoreError> {
        let pauses = Arc::new(self.store.pauses().await?);
        *self.door.pauses.write().unwrap_or_else(PoisonError::into_inner) = pauses;
        Ok(())
    }
}

/// Looks at the lines that somebody is to look at, one after the other.
pub(crate) async fn usher(shared: Arc<Shared>) {
    let gives_way = |tenant| shared.committer.gives_way(tenant);
    loop {
        let look = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            look = shared.door.looks.next(gives_way) => look,
        };
        let _turn = shared.committer.turn(look.tenant).await;
        shared.let_in(look.tenant, &look.lines).await;
    }
}

/// Looks at pauses and lines, again and again.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let mut known = true;
    for turn in 0_u64.. {
        let looked = async {
            shared.look_for_pauses().await?;
            if turn % 2 == 0 { shared.look_for_lines().await } else { Ok(()) }
        };
        match looked.await {
            Ok(()) => known = true,
            Err(error) => {
                // Once, and not twice a second while the store is away.
                if std::mem::replace(&mut known, false) {
                    tracing::warn!(%error, "nobody knows what is paused and who is next; trying again");
                }
            }
        }
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

impl RuntimeHandle {
    /// Looks at what is paused at once; other replicas do so within half a second.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn look_at_pauses(&self) -> Result<(), StoreError> {
        self.shared.look_for_pauses().await?;
        // Those who were kept waiting need not wait for the next look.
        self.shared.look_for_lines().await
    }

    /// From now on each workspace may ask for so many starts in a minute; none: as many as it likes.
    pub fn bound_starts(&self, per_minute: Option<u32>) {
        self.shared.door.starts.store(per_minute.unwrap_or(0), Relaxed);
    }

    /// Whether anything of this flow may begin now, as far as this process knows.
    ///
    /// # Errors
    /// [`StartError::Paused`] when the flow, its workspace or the instance is paused.
    pub fn may_begin(&self, tenant: TenantId, environment: EnvironmentId, flow: FlowId) -> Result<(), StartError> {
        self.shared.may_begin(tenant, environment, flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_widest_pause_is_the_one_that_is_told_and_other_flows_and_tenants_go_on() {
        let (tenant, environment) = (TenantId(Uuid::from_u128(1)), EnvironmentId(Uuid::from_u128(2)));
        let (flow, other) = (FlowId(Uuid::from_u128(3)), FlowId(Uuid::from_u128(4)));
        let mut pauses = Pauses::new();
        let told = |pauses: &Pauses, flow| paused(pauses, tenant, environment, flow).map(|(_, what, _)| what);
        assert_eq!(told(&pauses, flow), None);
        pauses.insert(PauseScope::Flow(tenant, environment, flow), (PauseMode::Pause, "broken".into()));
        assert_eq!((told(&pauses, flow), told(&pauses, other)), (Some("the flow"), None));
        pauses.insert(PauseScope::Workspace(TenantId(Uuid::from_u128(9))), (PauseMode::Pause, String::new()));
        assert_eq!(told(&pauses, other), None);
        pauses.insert(PauseScope::Workspace(tenant), (PauseMode::Drain, String::new()));
        assert_eq!(told(&pauses, flow), Some("the workspace"));
        pauses.insert(PauseScope::Instance, (PauseMode::Drain, String::new()));
        assert_eq!(told(&pauses, other), Some("this Holon"));
    }
}
