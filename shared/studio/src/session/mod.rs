//! One editor among several of a flow: what the server has, what is on its way there, what is not sent yet; undo is one's own.
//!
//! The caller owns the connection and the time: it sends what [`Session::to_send`] gives, hands in what arrives, and says when the
//! connection was lost. The server orders edits ([`accept`]) and puts each on what came before it with the rules of
//! [`crate::rebase`]; every client puts its own on each change in the same way, one change after the other, and so comes to what the
//! server says.

mod accept;

pub use accept::{Answer, accept};

use crate::{
    Command, CommandError, apply, apply_all,
    history::{Step, Steps},
    rebase::{Drift, Dropped, Reason, Told},
};
use holon_flow::Definition;
use std::{collections::BTreeMap, sync::Arc};

/// One open editor, such as a tab: minted where it is opened, never used again.
pub type Client = Arc<str>;

/// What an editor sends: commands on a revision. However often it arrives, it counts once by `(client, seq)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Who sends it.
    pub client: Client,
    /// Its number with that client, from 1.
    pub seq: u64,
    /// The revision that the first command was made on.
    pub base_revision: i64,
    /// Each made on what the one before left.
    pub commands: Vec<Command>,
    /// Whether it takes something back: then it gives way to what others changed since.
    pub takes_back: bool,
}

/// What the server made of an edit: the document's next revision, for everybody. Without commands if nothing of it could be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The revision it made; one more than the one before.
    pub revision: i64,
    /// Whose edit.
    pub client: Client,
    /// Which.
    pub seq: u64,
    /// What was done.
    pub commands: Vec<Command>,
}

/// What a session needs before it can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The changes after this revision, in order.
    Changes {
        /// The last one that is there.
        after: i64,
    },
    /// The whole document ([`Session::reset`]): a change does not fit.
    Document,
}

/// Something of one's own that the server does not have.
#[derive(Debug, Clone)]
struct Own {
    number: u64,
    command: Command,
    /// Whether it takes something back.
    back: bool,
    /// The number of the command that it takes back, or does again; 0: none.
    of: u64,
}

/// An edit on its way.
#[derive(Debug, Clone)]
struct Flight {
    /// As it is sent, each time.
    edit: Edit,
    sent: bool,
    /// Its commands on what is confirmed by now.
    own: Vec<Own>,
    /// What came of it so far.
    told: Told,
}

/// One editor of a flow.
#[derive(Debug, Clone)]
pub struct Session {
    client: Client,
    seq: u64,
    number: u64,
    confirmed: Definition,
    revision: i64,
    in_flight: Option<Flight>,
    pending: Vec<Own>,
    document: Definition,
    steps: Steps,
    told: Told,
}

impl Session {
    /// An editor of the document at this revision.
    pub fn new(client: Client, confirmed: Definition, revision: i64) -> Self {
        Self {
            client,
            seq: 0,
            number: 0,
            document: confirmed.clone(),
            confirmed,
            revision,
            in_flight: None,
            pending: Vec::new(),
            steps: Steps::default(),
            told: Told::default(),
        }
    }

    /// What is edited: what is confirmed, with one's own on it.
    pub fn document(&self) -> &Definition {
        &self.document
    }

    /// What the server has.
    pub fn confirmed(&self) -> &Definition {
        &self.confirmed
    }

    /// The revision of what is confirmed.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Whether the server has everything.
    pub fn is_saved(&self) -> bool {
        self.in_flight.is_none() && self.pending.is_empty()
    }

    /// What the server does not have yet, in order, on what is confirmed.
    pub fn own(&self) -> impl Iterator<Item = &Command> {
        let sent = self.in_flight.iter().flat_map(|flight| &flight.own);
        sent.chain(&self.pending).map(|own| &own.command)
    }

    /// Does something. Going on with the last change (typing on) makes one step of both, until [`Session::seal`].
    ///
    /// # Errors
    /// Why it cannot be done; nothing changed then.
    pub fn perform(&mut self, command: Command) -> Result<(), CommandError> {
        let inverse = apply(&mut self.document, &command)?;
        let last = self.steps.undo.last().filter(|_| self.steps.goes_on(&command));
        let last = last.and_then(|step| step.back.front()).map(|(number, _)| *number);
        match self.pending.last_mut().filter(|own| last == Some(own.number)) {
            Some(own) => own.command = command.clone(),
            None => self.push(command.clone(), false, 0),
        }
        let number = self.pending.last().map_or(0, |own| own.number);
        self.steps.did(number, command, inverse);
        Ok(())
    }

    fn push(&mut self, command: Command, back: bool, of: u64) {
        self.number += 1;
        self.pending.push(Own { number: self.number, command, back, of });
    }

    /// Ends a step: what follows is a step of its own.
    pub fn seal(&mut self) {
        self.steps.seal();
    }

    /// Takes one's last step back; gives its name, `None` when there is none.
    pub fn undo(&mut self) -> Option<String> {
        self.walk(true)
    }

    /// Does the last step that was taken back again.
    pub fn redo(&mut self) -> Option<String> {
        self.walk(false)
    }

    /// What undo would take back, such as `move of 3 nodes`.
    pub fn undo_label(&self) -> Option<&str> {
        self.steps.undo.last().map(|step| step.label.as_str())
    }

    /// What redo would do again.
    pub fn redo_label(&self) -> Option<&str> {
        self.steps.redo.last().map(|step| step.label.as_str())
    }

    fn walk(&mut self, back: bool) -> Option<String> {
        let Step { label, command, back: commands, mut lost } = self.steps.pop(back)?;
        self.told.dropped.append(&mut lost);
        // What was not sent yet need never be.
        let unsent = commands.len() <= self.pending.len()
            && commands.iter().zip(self.pending.iter().rev()).all(|((number, _), own)| *number == own.number);
        let mut other = std::collections::VecDeque::new();
        for (number, command) in commands {
            match apply(&mut self.document, &command) {
                Ok(inverse) => {
                    let of = self.pending.pop_if(|_| unsent).map(|own| own.of);
                    if of.is_none() {
                        self.push(command, back, number);
                    }
                    other.push_front((of.unwrap_or(self.number), inverse));
                }
                Err(error) => self.told.dropped.push(Dropped { command, reason: error.into(), back: None }),
            }
        }
        self.steps.push(Step { label: label.clone(), command, back: other, lost }, back);
        Some(label)
    }

    /// What is to be sent now: one edit at a time, and the same one again after [`Session::lost`].
    pub fn to_send(&mut self) -> Option<Edit> {
        if self.in_flight.is_none() {
            let takes_back = self.pending.first()?.back;
            let count = self.pending.iter().take_while(|own| own.back == takes_back).count();
            let own: Vec<Own> = self.pending.drain(..count).collect();
            self.seq += 1;
            let edit = Edit {
                client: self.client.clone(),
                seq: self.seq,
                base_revision: self.revision,
                commands: own.iter().map(|own| own.command.clone()).collect(),
                takes_back,
            };
            self.in_flight = Some(Flight { edit, sent: false, own, told: Told::default() });
        }
        let flight = self.in_flight.as_mut().filter(|flight| !flight.sent)?;
        flight.sent = true;
        Some(flight.edit.clone())
    }

    /// The connection was lost, or an answer did not come: what is on its way is sent again, as it was.
    pub fn lost(&mut self) {
        if let Some(flight) = &mut self.in_flight {
            flight.sent = false;
        }
    }

    /// Takes in a change, another's or one's own. One that is there already is nothing new.
    ///
    /// # Errors
    /// What is missing before it can be taken in; nothing changed then.
    pub fn received(&mut self, change: &Change) -> Result<(), Missing> {
        if change.revision <= self.revision {
            return Ok(());
        }
        if change.revision > self.revision + 1 {
            return Err(Missing::Changes { after: self.revision });
        }
        let own = change.client == self.client;
        match self.in_flight.take_if(|flight| own && flight.edit.seq == change.seq) {
            Some(flight) => self.accepted(change, flight)?,
            None => self.remote(change)?,
        }
        self.revision = change.revision;
        Ok(())
    }

    /// Another's change came before everything of mine that is not confirmed.
    fn remote(&mut self, change: &Change) -> Result<(), Missing> {
        let mut drift = Drift::new(&self.confirmed);
        for command in &change.commands {
            drift.theirs(command).map_err(|_| Missing::Document)?;
        }
        self.confirmed = drift.document().clone();
        self.replay(drift);
        Ok(())
    }

    /// What was on its way arrived.
    fn accepted(&mut self, change: &Change, mut flight: Flight) -> Result<(), Missing> {
        let before = self.confirmed.clone();
        if apply_all(&mut self.confirmed, &change.commands).is_err() {
            self.in_flight = Some(flight);
            return Err(Missing::Document);
        }
        // Only a server of another build comes to something else.
        if !flight.own.iter().map(|own| &own.command).eq(&change.commands) {
            let there = |command: &Command| change.commands.contains(command);
            for own in flight.own.iter().filter(|own| !there(&own.command)) {
                flight.told.dropped.push(refused(&own.command, "the server made something else of it"));
            }
            let was = with(before, &flight.own);
            self.replay(Drift::between(&was, &self.confirmed));
        } else if self.pending.is_empty() {
            // The order of edges means nothing, but it is the server's.
            self.document = self.confirmed.clone();
        }
        self.tell(flight.told);
        Ok(())
    }

    /// The server does not take the edit that is on its way, for good. What was made on it is put on what is left.
    pub fn refused(&mut self, seq: u64, why: &str) {
        let Some(flight) = self.in_flight.take_if(|flight| flight.edit.seq == seq) else { return };
        let mut drift = Drift::new(&self.confirmed);
        let mut inverses = BTreeMap::new();
        for own in &flight.own {
            drift.pass(&own.command);
            inverses.insert(own.number, None);
            self.told.dropped.push(refused(&own.command, why));
        }
        // What others had left nothing of is not among them any more.
        self.told.dropped.extend(flight.told.dropped);
        self.replay_with(drift, inverses);
    }

    /// The document as the server has it, after more changes than it gives; `taken` is the last edit of this client that is in it.
    /// What has the same key is taken for the same, and values are put together as ever.
    pub fn reset(&mut self, document: Definition, revision: i64, taken: u64) {
        let mut was = self.confirmed.clone();
        if let Some(flight) = self.in_flight.take_if(|flight| flight.edit.seq <= taken) {
            was = with(was, &flight.own);
            self.tell(flight.told);
        }
        let drift = Drift::between(&was, &document);
        (self.confirmed, self.revision) = (document, revision);
        self.replay(drift);
        if let Some(flight) = &mut self.in_flight {
            flight.edit.base_revision = revision;
            flight.edit.commands = flight.own.iter().map(|own| own.command.clone()).collect();
            flight.sent = false;
        }
    }

    fn replay(&mut self, drift: Drift) {
        self.replay_with(drift, BTreeMap::new());
    }

    /// Puts everything of one's own on the present document, and what takes it back.
    fn replay_with(&mut self, mut drift: Drift, mut inverses: BTreeMap<u64, Option<Command>>) {
        let mut changed = false;
        let mut again = |own: &mut Own, drift: &mut Drift, told: &mut Told| {
            let placed = match inverses.get(&own.of) {
                // What takes back something that was done anew is what takes that back now.
                Some(Some(there)) => drift.pair(&own.command, there).ok().map(|inverse| (there.clone(), inverse)),
                Some(None) => {
                    drift.pass(&own.command);
                    let (command, reason) = (own.command.clone(), Reason::Already);
                    told.dropped.push(Dropped { command, reason, back: None });
                    None
                }
                None => drift.place(&own.command, own.back, told),
            };
            let (new, inverse) = placed.unzip();
            inverses.insert(own.number, inverse);
            changed |= new.as_ref() != Some(&own.command);
            new.map(|new| own.command = new).is_some()
        };
        if let Some(flight) = &mut self.in_flight {
            flight.own.retain_mut(|own| again(own, &mut drift, &mut flight.told));
        }
        let mut told = Told::default();
        self.pending.retain_mut(|own| again(own, &mut drift, &mut told));
        self.tell(told);
        if changed {
            self.steps.seal();
        }
        self.steps.follow(&drift, &inverses);
        self.document = drift.document().clone();
    }

    fn tell(&mut self, mut told: Told) {
        self.told.dropped.append(&mut told.dropped);
        self.told.replaced.append(&mut told.replaced);
    }

    /// What a person is to be told since it was asked for last: what is not done, and what took the place of another's.
    pub fn told(&mut self) -> Told {
        std::mem::take(&mut self.told)
    }
}

fn with(mut document: Definition, own: &[Own]) -> Definition {
    for own in own {
        // It could be applied to the document that one's own was put on.
        let _ = apply(&mut document, &own.command);
    }
    document
}

fn refused(command: &Command, why: &str) -> Dropped {
    Dropped { command: command.clone(), reason: Reason::Refused(why.to_owned()), back: None }
}
