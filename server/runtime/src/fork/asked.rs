//! What a machine has asked of the world so far, by the id that answers carry: which node it was, and with what.

use std::collections::BTreeMap;

use holon_engine::{Command, EffectId, RunEffect, StartChild, Task, TimerId};
use holon_model::Timestamp;

/// One thing that was asked.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Effect(Box<RunEffect>),
    Task(Box<Task>),
    Child(Box<StartChild>),
}

impl Ask {
    /// The node that asks.
    pub fn path(&self) -> &str {
        match self {
            Self::Effect(effect) => &effect.path,
            Self::Task(task) => &task.path,
            Self::Child(child) => &child.path,
        }
    }

    fn id(&self) -> EffectId {
        match self {
            Self::Effect(effect) => effect.id,
            Self::Task(task) => task.id,
            Self::Child(child) => child.id,
        }
    }

    /// What kind of thing it is: a node asks for one of a kind at a time.
    fn tag(&self) -> u8 {
        match self {
            Self::Effect(_) => b'E',
            Self::Task(_) => b'A',
            Self::Child(_) => b'P',
        }
    }

    /// Why the answer to `then` is no answer to this, in words; nothing when it is.
    pub fn differs(&self, then: &Self) -> Option<String> {
        let path = self.path();
        match (then, self) {
            (Self::Effect(then), Self::Effect(now)) => {
                if then.kind != now.kind {
                    return Some(format!(
                        "`{path}` is a `{}` in this version; the answer is one of a `{}`",
                        now.kind, then.kind
                    ));
                }
                let what = match (then.config == now.config, then.input == now.input) {
                    (true, true) => return None,
                    (true, false) => "input",
                    (false, true) => "configuration",
                    (false, false) => "input and another configuration",
                };
                Some(format!(
                    "`{path}` asks with another {what} in this version: the answer is one to another question"
                ))
            }
            (Self::Task(then), Self::Task(now)) => {
                let same = (then.kind, &then.title, &then.context, &then.choices, &then.form)
                    == (now.kind, &now.title, &now.context, &now.choices, &now.form);
                (!same).then(|| format!("`{path}` asks people something else in this version, or with other choices"))
            }
            (Self::Child(then), Self::Child(now)) => {
                let same = (&then.flow, then.version, &then.input) == (&now.flow, now.version, &now.input);
                (!same).then(|| format!("`{path}` calls another flow in this version, or with another input"))
            }
            _ => Some(format!("`{path}` asks for something of another kind in this version")),
        }
    }
}

/// All that was asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    by_id: BTreeMap<EffectId, Ask>,
    /// The newest of each kind that a node asked for.
    by_place: BTreeMap<(u8, String), EffectId>,
    timers: BTreeMap<TimerId, Timestamp>,
}

impl Asked {
    /// Notes what commands ask.
    pub fn note(&mut self, commands: &[Command]) {
        for command in commands {
            let ask = match command {
                Command::RunEffect(effect) => Ask::Effect(effect.clone()),
                Command::OpenTask(task) => Ask::Task(task.clone()),
                Command::StartChild(child) => Ask::Child(child.clone()),
                Command::SetTimer { id, due } => {
                    self.timers.insert(*id, *due);
                    continue;
                }
                _ => continue,
            };
            self.by_place.insert((ask.tag(), ask.path().to_owned()), ask.id());
            self.by_id.insert(ask.id(), ask);
        }
    }

    /// What has this id.
    pub fn get(&self, id: EffectId) -> Option<&Ask> {
        self.by_id.get(&id)
    }

    /// The id of the newest thing of this kind that the same node asked for here.
    pub fn same_place(&self, ask: &Ask) -> Option<EffectId> {
        self.by_place.get(&(ask.tag(), ask.path().to_owned())).copied()
    }

    /// When a timer is due.
    pub fn due(&self, id: TimerId) -> Option<Timestamp> {
        self.timers.get(&id).copied()
    }
}
