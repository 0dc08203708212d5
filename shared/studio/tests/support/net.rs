//! A server, editors and a network between them that loses, repeats, delays and cuts.

use super::pick::{Pick, pick};
use super::{order, shown};
use holon_flow::Definition;
use holon_studio::{
    Command, Session, apply_all,
    rebase::Dropped,
    session::{Answer, Change, Edit, Missing, accept},
};
use proptest::prelude::*;
use std::collections::{BTreeSet, VecDeque};

/// What went wrong, with what happened before.
pub type Checked = Result<(), String>;

/// What happens next, to one of the editors.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    Do(Pick),
    Undo,
    Redo,
    Seal,
    /// What is to be sent goes on its way.
    Send,
    /// The connection was lost and is there again; the editor does not know what arrived.
    Again,
    /// The server gets the next edit; `stays`: a copy of it comes again later.
    Arrives {
        stays: bool,
    },
    /// An edit is lost on its way.
    Lost,
    /// The editor hears of the next change; `stays`: it hears of it again later.
    Heard {
        stays: bool,
    },
    /// A change is lost on its way to the editor.
    Unheard,
    /// What is on its way to the editor comes in another order.
    Turned,
    /// No connection any more, whatever is on its way is lost; the editor goes on.
    Cut,
    /// The connection is back, and the editor asks for what it missed.
    Back,
}

pub fn event(undo: bool) -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => pick().prop_map(Event::Do),
        2 => Just(if undo { Event::Undo } else { Event::Seal }),
        1 => Just(if undo { Event::Redo } else { Event::Seal }),
        1 => Just(Event::Seal),
        5 => Just(Event::Send),
        1 => Just(Event::Again),
        5 => prop::bool::weighted(0.2).prop_map(|stays| Event::Arrives { stays }),
        1 => Just(Event::Lost),
        5 => prop::bool::weighted(0.2).prop_map(|stays| Event::Heard { stays }),
        1 => Just(Event::Unheard),
        1 => Just(Event::Turned),
        1 => Just(Event::Cut),
        1 => Just(Event::Back),
    ]
}

/// Events of up to three editors, in order.
pub fn story(undo: bool) -> impl Strategy<Value = Vec<(usize, Event)>> {
    prop::collection::vec((0usize..3, event(undo)), 1..90)
}

pub struct Editor {
    pub session: Session,
    pub dropped: Vec<Dropped>,
    pub replaced: Vec<Command>,
    /// What was done, as it was made.
    pub done: Vec<Command>,
    up: VecDeque<Edit>,
    down: VecDeque<Change>,
    connected: bool,
}

pub struct World {
    /// What happened, for people.
    told: Vec<String>,
    /// The document at each revision, from 0.
    pub documents: Vec<Definition>,
    pub log: Vec<Change>,
    pub editors: Vec<Editor>,
}

impl World {
    pub fn new() -> Self {
        let editor = |index: usize| Editor {
            session: Session::new(format!("tab {index}").into(), order(), 0),
            dropped: Vec::new(),
            replaced: Vec::new(),
            done: Vec::new(),
            up: VecDeque::new(),
            down: VecDeque::new(),
            connected: true,
        };
        Self { told: Vec::new(), documents: vec![order()], log: Vec::new(), editors: (0..3).map(editor).collect() }
    }

    pub fn present(&self) -> &Definition {
        self.documents.last().unwrap()
    }

    /// What does not hold, with the story that led to it.
    pub fn holds(&self, holds: bool, what: &str) -> Checked {
        if holds { Ok(()) } else { Err(format!("{what} does not hold\n{}", self.told.join("\n"))) }
    }

    fn note(&mut self, who: usize, what: &str, commands: &[Command]) {
        let commands = commands.iter().map(|command| format!("\n     {}", command.to_value().to_json()));
        self.told.push(format!("  {who} {what}{}", commands.collect::<String>()));
    }

    /// The server gets an edit.
    fn arrives(&mut self, who: usize, edit: &Edit) -> Checked {
        let base = usize::try_from(edit.base_revision).unwrap();
        let answer = accept(&self.documents[base], &self.log[base..], edit);
        match answer {
            Ok(Answer::Before(at)) => {
                self.note(who, "comes again", &[]);
                let change = self.log[base + at].clone();
                self.tell(change);
            }
            Ok(Answer::Next { document, commands, .. }) => {
                let revision = i64::try_from(self.documents.len()).unwrap();
                self.note(who, &format!("makes revision {revision}"), &commands);
                let mut copy = self.present().clone();
                let done = apply_all(&mut copy, &commands);
                self.holds(done.is_ok() && copy == *document, "that a change makes the document of its revision")?;
                let change = Change { revision, client: edit.client.clone(), seq: edit.seq, commands };
                self.documents.push(*document);
                self.log.push(change.clone());
                self.tell(change);
            }
            Err(error) => {
                self.holds(false, &format!("that an edit fits the document that it was made on ({error})"))?
            }
        }
        Ok(())
    }

    fn tell(&mut self, change: Change) {
        for editor in self.editors.iter_mut().filter(|editor| editor.connected) {
            editor.down.push_back(change.clone());
        }
    }

    fn hears(&mut self, who: usize, change: &Change) -> Checked {
        let editor = &mut self.editors[who];
        let next = change.revision == editor.session.revision() + 1;
        let own: Vec<Command> = editor.session.own().cloned().collect();
        let heard = editor.session.received(change);
        if next && *change.client == *format!("tab {who}") {
            self.holds(own.starts_with(&change.commands), "that the server says what the editor shows")?;
        }
        match heard {
            Ok(()) => self.note(who, &format!("is at revision {}", self.editors[who].session.revision()), &[]),
            Err(Missing::Changes { after }) => {
                self.note(who, "asks for what it missed", &[]);
                self.catch_up(who, after)?;
            }
            Err(Missing::Document) => self.holds(false, "that a change of the server fits")?,
        }
        Ok(())
    }

    pub fn happens(&mut self, who: usize, event: Event) -> Checked {
        let editor = &mut self.editors[who];
        match event {
            Event::Do(pick) => {
                if let Some(command) = pick.command(editor.session.document())
                    && editor.session.perform(command.clone()).is_ok()
                {
                    editor.done.push(command.clone());
                    self.note(who, "does", &[command]);
                }
            }
            Event::Undo | Event::Redo => {
                let back = matches!(event, Event::Undo);
                if let Some(label) = if back { editor.session.undo() } else { editor.session.redo() } {
                    self.note(who, &format!("{} {label}", if back { "takes back" } else { "does again" }), &[]);
                }
            }
            Event::Seal => editor.session.seal(),
            Event::Send => {
                if let Some(edit) = editor.session.to_send().filter(|_| editor.connected) {
                    editor.up.push_back(edit.clone());
                    self.note(who, &format!("sends {} made on revision {}", edit.seq, edit.base_revision), &[]);
                }
            }
            Event::Again => editor.session.lost(),
            Event::Arrives { stays } => {
                if let Some(edit) = editor.up.pop_front() {
                    if stays {
                        editor.up.push_back(edit.clone());
                    }
                    self.arrives(who, &edit)?;
                }
            }
            Event::Lost => _ = editor.up.pop_front(),
            Event::Heard { stays } => {
                if let Some(change) = editor.down.pop_front() {
                    if stays {
                        editor.down.push_back(change.clone());
                    }
                    self.hears(who, &change)?;
                }
            }
            Event::Unheard => _ = editor.down.pop_front(),
            Event::Turned => editor.down.make_contiguous().reverse(),
            Event::Cut => {
                // What was sent before may still arrive, later.
                editor.connected = false;
                editor.down.clear();
                editor.session.lost();
                self.note(who, "is cut off", &[]);
            }
            Event::Back => self.back(who)?,
        }
        self.look(who)
    }

    fn back(&mut self, who: usize) -> Checked {
        self.editors[who].connected = true;
        self.editors[who].session.lost();
        self.catch_up(who, self.editors[who].session.revision())
    }

    /// What came after a revision.
    fn catch_up(&mut self, who: usize, after: i64) -> Checked {
        let missed = self.log[usize::try_from(after).unwrap()..].to_vec();
        missed.iter().try_for_each(|change| self.hears(who, change))
    }

    /// What holds after each event.
    fn look(&mut self, who: usize) -> Checked {
        let editor = &mut self.editors[who];
        let told = editor.session.told();
        editor.dropped.extend(told.dropped);
        editor.replaced.extend(told.replaced);
        let session = &self.editors[who].session;
        let confirmed = &self.documents[usize::try_from(session.revision()).unwrap()];
        self.holds(session.confirmed() == confirmed, "that what is confirmed is the server's, to the last byte")?;
        let mut own = session.confirmed().clone();
        let fits = apply_all(&mut own, &session.own().cloned().collect::<Vec<_>>());
        self.holds(fits.is_ok(), "that one's own fits what is confirmed")?;
        let same = own == *session.document() || shown(&own) == shown(session.document());
        self.holds(same, "that the document is what is confirmed, with one's own")
    }

    /// Everybody is connected, everything arrives.
    pub fn settle(&mut self) -> Checked {
        while self.editors.iter().any(|editor| !editor.session.is_saved() || !editor.up.is_empty()) {
            for who in 0..self.editors.len() {
                self.back(who)?;
                self.happens(who, Event::Send)?;
                while !self.editors[who].up.is_empty() {
                    self.happens(who, Event::Arrives { stays: false })?;
                }
            }
        }
        (0..self.editors.len()).try_for_each(|who| self.happens(who, Event::Back))?;
        self.check()
    }

    /// What holds when everything has arrived.
    fn check(&self) -> Checked {
        let mut seen = BTreeSet::new();
        for change in &self.log {
            let new = seen.insert((change.client.clone(), change.seq));
            self.holds(new, &format!("that edit {} of {} counts once", change.seq, change.client))?;
        }
        for (who, editor) in self.editors.iter().enumerate() {
            self.holds(
                editor.session.document() == self.present(),
                &format!("that editor {who} has what the server has"),
            )?;
            let mut edits = self.log.iter().filter(|change| *change.client == *format!("tab {who}"));
            let whole = edits.by_ref().zip(1..).all(|(change, seq)| change.seq == seq);
            self.holds(whole, &format!("that no edit of editor {who} is missing"))?;
        }
        Ok(())
    }
}

/// The smallest things that a command does, counted.
pub fn atoms(command: &Command) -> usize {
    match command {
        Command::Insert { fragment, .. } => fragment.nodes.len() + fragment.edges.len(),
        Command::Remove { keys, .. } => keys.len(),
        Command::Move { places, .. } => places.len(),
        Command::Batch { commands, .. } => commands.iter().map(atoms).sum(),
        _ => 1,
    }
}
