//! The journal of a run, read page by page and replayed by this browser's engine while it comes.
//!
//! One replay serves all of a run's page: its log hash is held against the record, and the debugger walks along it. A live run's
//! goes on where it had got to.

use holon_model::wire::runs::JournalRow;
use holon_model::{RunId, Value};
use holon_studio::worker::{Ask, Begun, Difference, Fed, Step};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::engine::ask;
use crate::ports::{Ports, use_ports};

/// How far the replay is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nobody asked for it.
    Idle,
    /// It goes on.
    Working,
    /// Somebody stopped it.
    Stopped,
    /// All of the journal was replayed, as much of it as there was.
    Done,
    /// It could not be read, or the engine gave up.
    Failed(String),
}

/// A run that is replayed.
#[derive(Clone, Copy)]
pub struct Replay {
    run: RunId,
    definition: StoredValue<Value>,
    ports: StoredValue<Ports>,
    /// How far it is.
    pub reading: RwSignal<Reading>,
    /// The inputs that were replayed.
    pub steps: RwSignal<Vec<Step>>,
    /// Where the engine and the record part.
    pub difference: RwSignal<Option<Difference>>,
    /// The engine's number of it.
    number: StoredValue<Option<u32>>,
    /// Where the page that was read last begins.
    cursor: StoredValue<Option<String>>,
    /// The log hash that the record ends with so far.
    last_hash: StoredValue<String>,
    /// More may have come while it was read.
    again: StoredValue<bool>,
    running: StoredValue<bool>,
}

impl Replay {
    /// Of a run of this definition. Nothing is read before somebody asks.
    pub fn new(run: RunId, definition: Value) -> Self {
        Self {
            run,
            definition: StoredValue::new(definition),
            ports: StoredValue::new(use_ports()),
            reading: RwSignal::new(Reading::Idle),
            steps: RwSignal::new(Vec::new()),
            difference: RwSignal::new(None),
            number: StoredValue::new(None),
            cursor: StoredValue::new(None),
            last_hash: StoredValue::new(String::new()),
            again: StoredValue::new(false),
            running: StoredValue::new(false),
        }
    }

    /// Reads on from where it had got to.
    pub fn read(self) {
        let busy = self.running.try_update_value(|running| std::mem::replace(running, true));
        match busy {
            None => return,
            Some(true) => _ = self.again.try_set_value(true),
            Some(false) => spawn_local(async move {
                let end = self.go_on().await;
                self.running.try_set_value(false);
                if let Some(end) = end {
                    self.reading.try_set(end);
                }
            }),
        }
        self.reading.try_set(Reading::Working);
    }

    /// Begins anew, also when the engine was lost.
    pub fn start_over(self) {
        self.number.try_set_value(None);
        self.read();
    }

    /// Stops after the page that is being replayed.
    pub fn stop(self) {
        if self.reading.get_untracked() == Reading::Working {
            self.reading.set(Reading::Stopped);
        }
    }

    /// The engine's number of it, once it has begun.
    pub fn number(self) -> Option<u32> {
        self.number.try_get_value().flatten()
    }

    /// How many inputs were replayed.
    pub fn len(self) -> usize {
        self.steps.with(Vec::len)
    }

    /// The log hash that the record ends with, as far as it was read.
    pub fn last_hash(self) -> String {
        self.last_hash.get_value()
    }

    /// Reads and replays to the end; nothing when the page has gone or somebody stopped it.
    async fn go_on(self) -> Option<Reading> {
        let failed = |why: String| {
            // The engine may have been ended: the next time begins with another.
            self.number.try_set_value(None);
            Some(Reading::Failed(why))
        };
        let number = match self.number() {
            Some(number) => number,
            None => match ask::<Begun>(Ask::Replay { definition: self.definition.try_get_value()? }).await {
                Ok(begun) => {
                    self.forget(begun.number)?;
                    begun.number
                }
                Err(error) => return failed(error.to_string()),
            },
        };
        loop {
            let cursor = self.cursor.try_get_value()?;
            let page = self.ports.try_with_value(|ports| ports.runs.journal(self.run, cursor))?.await;
            let page = match page {
                Ok(page) => page,
                Err(problem) => return Some(Reading::Failed(problem.detail)),
            };
            let have = i64::try_from(self.steps.try_with_untracked(Vec::len)?).unwrap_or(i64::MAX);
            // What people read of an input the engine says when it is looked at.
            let bare = |row: JournalRow| JournalRow { shown: Value::Null, ..row };
            let rows: Vec<JournalRow> = page.data.into_iter().filter(|row| row.seq >= have).map(bare).collect();
            if let Some(last) = rows.last().map(|row| row.log_hash.clone()) {
                match ask::<Fed>(Ask::Feed { replay: number, rows }).await {
                    Ok(fed) => {
                        self.last_hash.try_set_value(last);
                        if self.difference.try_with_untracked(|known| *known != fed.difference)? {
                            self.difference.try_set(fed.difference);
                        }
                        self.steps.try_update(|steps| steps.extend(fed.steps))?;
                        if fed.over {
                            return Some(Reading::Done);
                        }
                    }
                    Err(error) => return failed(error.to_string()),
                }
            }
            if self.reading.try_get_untracked()? == Reading::Stopped {
                return None;
            }
            match page.next_cursor {
                Some(next) => _ = self.cursor.try_set_value(Some(next)),
                None if self.again.try_get_value()? => _ = self.again.try_set_value(false),
                None => return Some(Reading::Done),
            }
        }
    }

    /// Forgets what another engine replayed; nothing when the page has gone.
    fn forget(self, number: u32) -> Option<()> {
        self.steps.try_update(Vec::clear)?;
        self.difference.try_set(None);
        self.cursor.try_set_value(None);
        self.number.try_set_value(Some(number));
        Some(())
    }
}
