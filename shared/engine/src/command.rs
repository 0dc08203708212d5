//! Commands: what the host must do once the inputs are durable. The same id always carries the same bytes.

use crate::{EffectId, Outcome, TimerId};
use holon_flow::{capability::EffectClass, definition::KindRef};
use holon_model::{Millis, RunId, Timestamp, Value, canon::Canon};
use serde::{Deserialize, Serialize};

/// One thing for the host to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Do an effect and answer with [`crate::Input::EffectCompleted`].
    RunEffect(Box<RunEffect>),
    /// The answer is not wanted any more.
    CancelEffect {
        /// Which effect.
        id: EffectId,
    },
    /// Answer with [`crate::Input::TimerFired`] when `due` has come.
    SetTimer {
        /// Which timer.
        id: TimerId,
        /// When.
        due: Timestamp,
    },
    /// The timer is not wanted any more.
    CancelTimer {
        /// Which timer.
        id: TimerId,
    },
    /// Answer the caller who waits for this run; at most one in a run.
    Respond(Response),
    /// The run is over; the last command. With [`Outcome::Continued`] another run goes on for it: the host starts that one.
    Finish(Outcome),
    /// The run waits for a signal: one of this name and correlation is for it, and comes as [`crate::Input::Signal`].
    AwaitSignal {
        /// Which wait.
        id: EffectId,
        /// Structural path of the node that waits.
        path: String,
        /// The signal's name.
        name: String,
        /// Which of several it is about; empty where that does not matter.
        correlation: String,
    },
    /// The wait is over, however it ended.
    DropWait {
        /// Which wait.
        id: EffectId,
    },
    /// Ask people, and answer with [`crate::Input::TaskAnswered`].
    OpenTask(Box<Task>),
    /// The answer is not wanted any more. A task that was answered is not cancelled.
    CancelTask {
        /// Which task.
        id: EffectId,
    },
    /// The task is due and was not answered: ask these people too.
    EscalateTask {
        /// Which task.
        id: EffectId,
        /// Whom.
        to: Vec<String>,
    },
    /// Start a run of another flow, once for this id, and tell with [`crate::Input::ChildEnded`] how it ended.
    StartChild(Box<StartChild>),
    /// Cancel the run that was started for this id. How it ended is still told.
    CancelChild {
        /// Which call.
        id: EffectId,
    },
}

/// An effect to do.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEffect {
    /// Its id.
    pub id: EffectId,
    /// Structural path, such as `each[3]/call`.
    pub path: String,
    /// The node's kind.
    pub kind: KindRef,
    /// Evaluated config, frozen for all attempts.
    pub config: Value,
    /// The value on the in-port.
    pub input: Value,
    /// The idempotency key: hexadecimal of `id`.
    pub key: String,
    /// What doing it again means for the outside.
    pub class: EffectClass,
    /// From 1. Outside the compared bytes.
    pub attempt: u32,
    /// Whether it is handed out to a worker instead of being executed by the host. Follows from the kind.
    pub handed_out: bool,
    /// The node's timeout over all attempts; the machine keeps it with a timer of its own.
    pub timeout: Option<Millis>,
    /// For how long its answer is good, where the node says so. It changes nothing of what is asked for, and is outside the compared
    /// bytes.
    pub cache: Option<Cached>,
}

/// Which effects have one answer, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cached {
    /// So long after it was given.
    pub ttl: Millis,
    /// What these effects share.
    pub answer: [u8; 32],
}

/// The answer to a synchronous caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status, 100 to 599.
    pub status: u16,
    /// Headers by name, text or list of texts.
    pub headers: Value,
    /// The body.
    pub body: Value,
}

/// Something that people are asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: EffectId,
    /// Structural path of the node that asks.
    pub path: String,
    /// What an answer means.
    pub kind: TaskKind,
    /// What is asked, in one line.
    pub title: String,
    /// What one must know to answer.
    pub context: Value,
    /// What can be answered; at least one.
    pub choices: Vec<Choice>,
    /// JSON Schema of what is to be filled in; null: nothing.
    pub form: Value,
    /// Who is asked: people or roles, as the flow names them.
    pub assignees: Vec<String>,
    /// When it should be answered; nothing happens then unless the flow says so.
    pub due: Option<Timestamp>,
}

/// What an answer to a task means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskKind {
    /// The flow goes the way that was chosen.
    Approval,
    /// A compensation of a saga keeps failing: what to do about it.
    Compensation,
}

/// One thing that can be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What programs call it.
    pub key: String,
    /// What people read.
    pub label: String,
}

/// A run of another flow to start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartChild {
    /// The call's id, another one for each attempt.
    pub id: EffectId,
    /// Structural path of the node that calls.
    pub path: String,
    /// The flow's id; of an item for a batch the path of its body.
    pub flow: String,
    /// Which version of it; a batch has that of the run.
    pub version: ChildVersion,
    /// The trigger's value.
    pub input: Value,
    /// How many calls lead to the new run, this one included: its [`crate::Lineage::depth`].
    pub depth: u32,
    /// Fuel and bytes that the new run may use: what is left here. Nothing in runs of an older meaning and of batches, which have
    /// what this one was started with.
    pub budget: Option<(u64, u64)>,
    /// Of an item that goes into a batch, into which one, once that is in the journal. Outside the compared bytes.
    #[serde(skip)]
    pub batch: Option<RunId>,
}

/// Which version of a flow is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChildVersion {
    /// The one that is in force in the run's environment when the call is made.
    Latest,
    /// The one with this number.
    Number(u32),
    /// The one with this definition hash.
    Hash([u8; 32]),
}

impl Command {
    /// The bytes that are compared between two commands of one id: all of it but the attempt.
    pub fn canonical(&self) -> Vec<u8> {
        let mut canon = Canon::new();
        match self {
            Self::RunEffect(effect) => {
                canon.tag(b'E').bytes(&effect.id.0).text(&effect.path);
                effect.content(&mut canon);
            }
            Self::CancelEffect { id } => {
                canon.tag(b'e').bytes(&id.0);
            }
            Self::SetTimer { id, due } => {
                canon.tag(b'T').u64(id.0).u64(due.0.cast_unsigned());
            }
            Self::CancelTimer { id } => {
                canon.tag(b't').u64(id.0);
            }
            Self::Respond(response) => response.content(&mut canon),
            Self::Finish(outcome) => {
                canon.tag(b'F');
                outcome.content(&mut canon);
            }
            Self::AwaitSignal { id, path, name, correlation } => {
                canon.tag(b'W').bytes(&id.0).text(path).text(name).text(correlation);
            }
            Self::DropWait { id } => {
                canon.tag(b'w').bytes(&id.0);
            }
            Self::OpenTask(task) => {
                canon.tag(b'A').bytes(&task.id.0).text(&task.path);
                task.content(&mut canon);
            }
            Self::CancelTask { id } => {
                canon.tag(b'a').bytes(&id.0);
            }
            Self::EscalateTask { id, to } => {
                canon.tag(b'U').bytes(&id.0);
                texts(&mut canon, to);
            }
            Self::StartChild(child) => {
                canon.tag(b'P').bytes(&child.id.0).text(&child.path);
                child.content(&mut canon);
            }
            Self::CancelChild { id } => {
                canon.tag(b'p').bytes(&id.0);
            }
        }
        canon.as_bytes().to_vec()
    }
}

impl RunEffect {
    /// What the log hash covers besides the place: neither ids (they hold the run's id) nor the attempt.
    pub(crate) fn content(&self, canon: &mut Canon) {
        canon.text(&self.kind.name).u64(self.kind.version.into()).value(&self.config).value(&self.input);
        canon.tag(class_tag(self.class)).u64(self.timeout.map_or(u64::MAX, |timeout| timeout.0));
    }
}

impl Response {
    pub(crate) fn content(&self, canon: &mut Canon) {
        canon.tag(b'R').u64(self.status.into()).value(&self.headers).value(&self.body);
    }
}

impl Task {
    pub(crate) fn content(&self, canon: &mut Canon) {
        canon.tag(match self.kind {
            TaskKind::Approval => b'a',
            TaskKind::Compensation => b'c',
        });
        // What the machine asks of itself is in its own words, which may be mended.
        if self.kind == TaskKind::Compensation {
            return;
        }
        canon.text(&self.title).value(&self.context).u64(self.choices.len() as u64);
        for Choice { key, label } in &self.choices {
            canon.text(key).text(label);
        }
        canon.value(&self.form);
        texts(canon, &self.assignees);
        canon.u64(self.due.map_or(u64::MAX, |due| due.0.cast_unsigned()));
    }
}

impl StartChild {
    pub(crate) fn content(&self, canon: &mut Canon) {
        canon.text(&self.flow);
        match self.version {
            ChildVersion::Latest => canon.tag(b'l'),
            ChildVersion::Number(number) => canon.tag(b'n').u64(number.into()),
            ChildVersion::Hash(hash) => canon.tag(b'h').bytes(&hash),
        };
        canon.value(&self.input).u64(self.depth.into());
        if let Some((fuel, bytes)) = self.budget {
            canon.tag(b'b').u64(fuel).u64(bytes);
        }
    }
}

pub(crate) fn texts(canon: &mut Canon, texts: &[String]) {
    canon.u64(texts.len() as u64);
    for text in texts {
        canon.text(text);
    }
}

impl Outcome {
    /// Codes instead of messages: words may be mended without changing what a run was.
    pub(crate) fn content(&self, canon: &mut Canon) {
        match self {
            Self::Ok(payload) => canon.tag(b'+').value(&payload.to_value()),
            Self::Kept { value, since } => canon.tag(b'=').value(&value.to_value()).u64(since.0.cast_unsigned()),
            Self::Failed { error } => canon.tag(b'-').text(&error.code).tag(error.retryable.into()),
            Self::Cancelled { .. } => canon.tag(b'0'),
            Self::Continued { input } => canon.tag(b'>').value(&input.to_value()),
        };
    }
}

fn class_tag(class: EffectClass) -> u8 {
    match class {
        EffectClass::Pure => 0,
        EffectClass::Idempotent => 1,
        EffectClass::AtMostOnce => 2,
        EffectClass::Transactional => 3,
        EffectClass::Outbox => 4,
    }
}
