//! Runs that were accepted and wait for their place: they have their first inputs, which are kept in the store, and nothing else. When
//! it is their turn those are taken in, in one commit with the end of the waiting. Like all that wait they leave memory (`asleep`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use holon_engine::{Input, Machine, Parent, RunInfo, decode_input, encode_input};
use holon_model::{RunId, Timestamp};
use tokio::sync::oneshot;

use crate::api::DeliverError;
use crate::asleep::Rest;
use crate::definitions::LoadedFlow;
use crate::driver::{Driver, Parked};
use crate::live::{Beginning, Broken, Flight, Live, Queued, Reply, Taken};
use crate::order::Leaves;
use crate::runtime::Shared;
use crate::store::{Ask, Asked, Line, LiveRow, LiveStatus, LiveWrite, RunWrite, StoreError, Ticket};
use crate::unbegun;

/// What a run waits with.
pub(crate) struct InLine {
    pub ticket: Ticket,
    /// Its first inputs; all of them are durable once it is.
    pub kept: VecDeque<Queued>,
    /// Whether it has a place.
    pub given: bool,
}

impl InLine {
    pub fn new(ticket: Ticket) -> Self {
        Self { ticket, kept: VecDeque::new(), given: false }
    }
}

/// What was fixed when a run started.
fn info_of(input: &Input) -> Option<&RunInfo> {
    match input {
        Input::Start { run, .. } => Some(run),
        _ => None,
    }
}

impl Live {
    /// The run that called it.
    pub fn parent(&self) -> Option<Parent> {
        let waiting = self.in_line.as_ref().and_then(|line| info_of(&line.kept.front()?.input));
        self.machine.info().or(waiting)?.lineage.as_ref()?.parent
    }

    /// What a run that has not begun does: it is accepted, begins when it is its turn, and takes nothing in until then.
    pub(crate) fn stand_or_begin(&mut self, now: Timestamp) -> Result<Option<RunWrite>, Broken> {
        if self.flight.is_some() {
            return Ok(None);
        }
        if self.beginning.is_some() {
            return Ok(Some(self.stand_in_line()));
        }
        if self.in_line.as_ref().is_some_and(|line| line.given) {
            return self.take_turn(now).map(Some);
        }
        let message = "the run waits for its place and has not begun".to_owned();
        self.refuse_waiting(&DeliverError::Refused { code: "not_started", message });
        Ok(None)
    }

    /// The write that accepts it.
    fn stand_in_line(&mut self) -> RunWrite {
        let inputs = std::mem::take(&mut self.waiting);
        let mut write = RunWrite::of(self.tenant, self.run, self.facts.clone());
        if let Some(line) = &mut self.in_line {
            let at = self.facts.started_at;
            write.asks.push(Asked { at, ask: Ask::Queue(Box::new(line.ticket.clone())) });
            for (n, queued) in (0..).zip(&inputs) {
                let ask = Ask::Keep { n, input: encode_input(&queued.input) };
                write.asks.push(Asked { at: queued.at, ask });
            }
            line.kept = inputs;
        }
        write.start = self.beginning.as_ref().map(Beginning::start);
        write.live = LiveWrite::Insert(LiveStatus::Queued);
        self.flight = Some(Flight::still(LiveStatus::Queued, self.log_hash));
        write
    }

    /// Takes in what it was started with.
    fn take_turn(&mut self, now: Timestamp) -> Result<RunWrite, Broken> {
        let Some(line) = self.in_line.take() else { return Err(Broken("it has a place and stands nowhere".into())) };
        let copies = line.ticket.prefix.copied > 0;
        self.prefix = Some(line.ticket.prefix);
        let first = self.next_seq();
        let mut taken = Taken::default();
        for mut queued in line.kept {
            // It begins now; what is copied has the stamps that it had.
            if !copies {
                queued.at = now;
            }
            self.take_in(queued, &mut taken)?;
        }
        taken.asks.push(Asked { at: now, ask: Ask::Unkeep });
        Ok(self.write(first, taken, now))
    }
}

impl Driver {
    /// A run has a place.
    pub(crate) fn turn(&mut self, run: RunId) {
        if let Some(line) = self.runs.get_mut(&run).and_then(|live| live.in_line.as_mut()) {
            line.given = true;
            self.touch(run);
        }
    }

    /// Ends a run that has not begun: it leaves the line.
    pub(crate) fn withdraw(&mut self, run: RunId, reason: &str, told: Option<Reply>) {
        let Some(mut live) = self.runs.remove(&run) else { return };
        // It is not over before that is durable.
        live.refuse_waiting(&DeliverError::Unavailable);
        let parent = live.parent();
        let (tenant, facts, log_hash) = (live.tenant, live.facts.clone(), live.log_hash);
        let watchers = std::mem::take(&mut live.watchers);
        let told = told.unwrap_or_else(|| oneshot::channel().0);
        let parked = Parked { tenant, run, facts, log_hash, parent, sleeps: false };
        // What was kept says who called it, and is looked for until that one is told.
        let state = live.in_line.as_ref().map(unbegun::written).unwrap_or_default();
        let leaves = Leaves { asks: vec![Ask::Leave], line: live.line.take(), state };
        self.decree(parked, ("cancelled", reason), told, watchers, leaves);
    }

    /// A place may have become free in a line, or somebody stands in it anew.
    pub(crate) fn look_at(&self, line: Option<Line>) {
        if let Some(line) = line {
            self.shared.look_at(line);
        }
    }
}

impl Shared {
    /// Takes up a run that waits for its place.
    pub(crate) async fn take_up_queued(
        &self,
        row: &LiveRow,
        flow: &LoadedFlow,
    ) -> Result<Result<Box<Live>, String>, StoreError> {
        let Some(ticket) = self.store.ticket(row.tenant, row.run).await? else {
            return Ok(Err("place_missing: the run waits for a place that nobody knows of".into()));
        };
        let kept = self.store.kept(row.tenant, row.run).await?;
        Ok(self.raise_queued(row, flow, ticket, &kept))
    }

    /// A run that waits for its place, in memory; else why it is parked.
    pub(crate) fn raise_queued(
        &self,
        row: &LiveRow,
        flow: &LoadedFlow,
        ticket: Ticket,
        kept: &[(Timestamp, Vec<u8>)],
    ) -> Result<Box<Live>, String> {
        let read = kept.iter().map(|(at, bytes)| decode_input(bytes).map(|input| Queued::of(*at, input)));
        let Ok(kept) = read.collect::<Result<VecDeque<Queued>, _>>() else {
            return Err("journal_damaged: what the run was started with does not read".into());
        };
        let Some(info) = kept.front().and_then(|queued| info_of(&queued.input)) else {
            return Err("journal_damaged: what the run was started with is gone".into());
        };
        if info.semantics > self.semantics {
            return Err("newer_semantics: the run was started by a newer build; it goes on with that one".into());
        }
        let machine = Machine::new(flow.compiled.clone());
        Ok(Box::new(Live {
            tenant: row.tenant,
            run: row.run,
            facts: Arc::new(row.facts.clone()),
            log_hash: machine.log_hash(),
            machine,
            line: Some(ticket.line.clone()),
            in_line: Some(InLine { ticket, kept, given: false }),
            inherits: None,
            prefix: None,
            waiting: VecDeque::new(),
            orders: VecDeque::new(),
            held: None,
            beginning: None,
            flight: None,
            stored: Some(LiveStatus::Queued),
            snapshot_at: 0,
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeMap::new(),
            bringing: BTreeMap::new(),
            left: Vec::new(),
            asked: flow.compiled.needs().signals || flow.compiled.needs().tasks || flow.compiled.needs().workers,
            watchers: Vec::new(),
            touched: false,
            rest: Rest::new(self.memory.shortest(), row.wakes),
            place: self.living.resume(row.tenant),
        }))
    }

    /// What was fixed when a run started that has not begun yet.
    pub(crate) async fn kept_info(&self, row: (holon_model::TenantId, RunId)) -> Result<Option<RunInfo>, StoreError> {
        let kept = self.store.kept(row.0, row.1).await?;
        let first = kept.first().and_then(|(_, bytes)| decode_input(bytes).ok());
        Ok(first.as_ref().and_then(info_of).cloned())
    }
}
