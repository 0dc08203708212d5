//! The log hash: a blake3 chain over canonical inputs, events and commands.
//!
//! Each input makes one block: the hash before it, the input, what became true and what is to be done, and the budget left.
//! Places are frame numbers and node keys, so neither run ids nor rendered paths are in it; errors stand by code, not by words.

use crate::{
    Command, Event, Input,
    command::{RunEffect, texts},
    event::{Awaited, EventId, EventKind, EventNode},
    state::FrameId,
};
use holon_model::{Timestamp, canon::Canon};

/// The first hash of the chain covers this and the definition.
const CHAIN: &str = "holon.log/1";

/// Collects what a decision says while the block that covers it grows.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub hash: [u8; 32],
    pub events: Vec<Event>,
    pub commands: Vec<Command>,
    pub seq: u64,
    pub at: Timestamp,
    canon: Canon,
    /// The frame that the last place named; places in the same one do not name it again.
    place: FrameId,
}

/// No frame: the next place names its own.
const NOWHERE: FrameId = FrameId::MAX;

impl Log {
    pub(crate) fn new(definition: [u8; 32]) -> Self {
        let mut canon = Canon::new();
        canon.text(CHAIN).bytes(&definition);
        let hash = canon.hash();
        Self { hash, events: Vec::new(), commands: Vec::new(), seq: 0, at: Timestamp(0), canon, place: NOWHERE }
    }

    pub(crate) fn begin(&mut self, at: Timestamp, input: &Input) {
        self.at = at;
        self.place = NOWHERE;
        self.canon.clear();
        self.canon.bytes(&self.hash).u64(self.seq).u64(at.0.cast_unsigned());
        let canon = &mut self.canon;
        match input {
            Input::Start { input, run } => {
                canon.tag(b'S').value(&input.to_value()).u64(run.seed).u64(run.started_at.0.cast_unsigned());
                canon.text(run.trigger.as_deref().unwrap_or_default()).u64(run.fuel).u64(run.bytes);
                canon.u64(run.semantics.into()).value(&run.vars);
                if run.depth() > 0 {
                    canon.tag(b'D').u64(run.depth().into());
                }
                if let Some(mail) = &run.mail {
                    mail.content(canon);
                }
            }
            // The id holds the run's id; which effect it was, the events that follow say.
            Input::EffectCompleted { id: _, attempt, outcome } => {
                canon.tag(b'C').u64((*attempt).into());
                outcome.content(canon);
            }
            Input::TimerFired { id } => {
                canon.tag(b'T').u64(id.0);
            }
            Input::Cancel { .. } => {
                canon.tag(b'X');
            }
            Input::Signal { name, correlation, sender, payload } => {
                canon.tag(b'N').text(name).text(correlation).text(sender).value(&payload.to_value());
            }
            Input::TaskAnswered { id: _, choice, form, by } => {
                canon.tag(b'A').text(choice).value(&form.to_value()).text(by);
            }
            Input::ChildEnded { id: _, outcome } => {
                canon.tag(b'P');
                outcome.content(canon);
            }
            Input::TriedAgain { by } => {
                canon.tag(b'R').text(by);
            }
            // Ids hold runs' ids.
            Input::BatchChosen { .. } => {
                canon.tag(b'B');
            }
            Input::Joined { member: _, item } => {
                canon.tag(b'J').value(&item.to_value());
            }
            Input::Left { .. } => {
                canon.tag(b'L');
            }
        }
    }

    pub(crate) fn end(&mut self, fuel: u64, bytes: u64) {
        self.canon.tag(b'.').u64(fuel).u64(bytes);
        self.hash = self.canon.hash();
        self.seq += 1;
    }

    pub(crate) fn canon(&mut self) -> &mut Canon {
        &mut self.canon
    }

    pub(crate) fn frame(&mut self, parent: FrameId, scope: &str, body: &str, index: Option<u32>) {
        self.canon.tag(b'O').u64(parent.into()).text(scope).text(body).u64(index.map_or(u64::MAX, u64::from));
    }

    /// A tag and a node: its frame, where it is another one than before, and its key.
    fn place(&mut self, tag: u8, frame: FrameId, key: &str) {
        if frame != self.place {
            self.place = frame;
            self.canon.tag(b'@').u64(frame.into());
        }
        self.canon.tag(tag).short(key);
    }

    fn id(&self) -> EventId {
        EventId { seq: self.seq, index: crate::arena::len(&self.events) }
    }

    pub(crate) fn run_event(&mut self, kind: EventKind) {
        match &kind {
            EventKind::RunCompleted { output } => self.canon.tag(b'G').value(output),
            EventKind::RunFailed { error } => self.canon.tag(b'H').text(&error.code),
            EventKind::RunCancelled { .. } => self.canon.tag(b'J'),
            EventKind::RunContinued { input } => self.canon.tag(b'I').value(input),
            EventKind::CancelRequested { .. } => self.canon.tag(b'K'),
            _ => self.canon.tag(b'L'),
        };
        let event = Event { id: self.id(), at: self.at, node: None, kind };
        self.events.push(event);
    }

    /// `passed`: the node emitted its input, which was covered where it was emitted first.
    pub(crate) fn node_event(&mut self, frame: FrameId, node: EventNode, kind: EventKind, passed: bool) {
        let tag = match &kind {
            EventKind::NodeStarted => b'a',
            EventKind::NodeWaiting { .. } => b'w',
            EventKind::NodeAwaits { .. } => b'v',
            EventKind::SagaStep { .. } => b'g',
            EventKind::NodeSucceeded { .. } => b's',
            EventKind::NodeFailed { .. } => b'f',
            EventKind::NodeSkipped => b'k',
            EventKind::NodeCancelled => b'c',
            _ => b'r',
        };
        self.place(tag, frame, &node.key);
        let canon = &mut self.canon;
        match &kind {
            EventKind::NodeWaiting { until, error } => {
                canon.u64(until.0.cast_unsigned()).text(error.as_ref().map_or("", |error| &error.code));
            }
            EventKind::NodeAwaits { what } => {
                // Ids hold the run's id.
                match what {
                    Awaited::Signal { name, correlation, .. } => canon.tag(b's').text(name).text(correlation),
                    Awaited::Task { .. } => canon.tag(b't'),
                    Awaited::Person { .. } => canon.tag(b'p'),
                    Awaited::Child { .. } => canon.tag(b'c'),
                    Awaited::Batch { .. } => canon.tag(b'b'),
                    Awaited::Turn => canon.tag(b'n'),
                };
            }
            EventKind::SagaStep { step, state } => {
                canon.short(step).short(state.name());
            }
            EventKind::NodeSucceeded { port, output } => {
                canon.short(port);
                if passed {
                    canon.tag(b'=');
                } else {
                    canon.value(output);
                }
            }
            EventKind::NodeFailed { error } => {
                canon.text(&error.code);
            }
            _ => {}
        }
        let event = Event { id: self.id(), at: self.at, node: Some(node), kind };
        self.events.push(event);
    }

    pub(crate) fn run_effect(&mut self, frame: FrameId, key: &str, effect: RunEffect) {
        self.place(b'E', frame, key);
        effect.content(&mut self.canon);
        self.commands.push(Command::RunEffect(Box::new(effect)));
    }

    pub(crate) fn cancel_effect(&mut self, frame: FrameId, key: &str, id: crate::EffectId) {
        self.place(b'e', frame, key);
        self.commands.push(Command::CancelEffect { id });
    }

    /// A command of what the node asks for. Its id, which holds the run's, is not covered: the place is.
    pub(crate) fn ask(&mut self, frame: FrameId, key: &str, command: Command) {
        match &command {
            Command::AwaitSignal { name, correlation, .. } => {
                self.place(b'W', frame, key);
                self.canon.text(name).text(correlation);
            }
            Command::DropWait { .. } => self.place(b'y', frame, key),
            Command::OpenTask(task) => {
                self.place(b'A', frame, key);
                task.content(&mut self.canon);
            }
            Command::CancelTask { .. } => self.place(b'x', frame, key),
            Command::EscalateTask { to, .. } => {
                self.place(b'U', frame, key);
                texts(&mut self.canon, to);
            }
            Command::StartChild(child) => {
                self.place(b'P', frame, key);
                child.content(&mut self.canon);
            }
            Command::CancelChild { .. } => self.place(b'p', frame, key),
            _ => {}
        }
        self.commands.push(command);
    }

    pub(crate) fn command(&mut self, command: Command) {
        match &command {
            Command::SetTimer { id, due } => {
                self.canon.tag(b'T').u64(id.0).u64(due.0.cast_unsigned());
            }
            Command::CancelTimer { id } => {
                self.canon.tag(b't').u64(id.0);
            }
            Command::Respond(response) => response.content(&mut self.canon),
            Command::Finish(outcome) => {
                self.canon.tag(b'F');
                outcome.content(&mut self.canon);
            }
            // The others are written by their own functions, which know the place.
            _ => {}
        }
        self.commands.push(command);
    }
}
