//! One editor and the server: what is sent when, what counts once, and whose undo it is.

mod support;

use holon_flow::Definition;
use holon_model::Value;
use holon_studio::{
    Command, Fragment, Point, Session,
    rebase::Reason,
    session::{Answer, Change, Edit, Missing, accept},
};
use support::{order, parse, root, shown};

/// The server: documents by revision and what made them.
struct Server {
    documents: Vec<Definition>,
    log: Vec<Change>,
}

impl Server {
    fn new() -> Self {
        Self { documents: vec![order()], log: Vec::new() }
    }

    fn gets(&mut self, edit: &Edit) -> Change {
        let base = usize::try_from(edit.base_revision).unwrap();
        match accept(&self.documents[base], &self.log[base..], edit).unwrap() {
            Answer::Before(at) => self.log[base + at].clone(),
            Answer::Next { document, commands, .. } => {
                let revision = i64::try_from(self.documents.len()).unwrap();
                let change = Change { revision, client: edit.client.clone(), seq: edit.seq, commands };
                self.documents.push(*document);
                self.log.push(change.clone());
                change
            }
        }
    }
}

fn open(name: &str) -> Session {
    Session::new(name.into(), order(), 0)
}

fn set(pointer: &str, value: i64) -> Command {
    let (at, key) = (root(), "hook".into());
    Command::Configure { at, key, pointer: pointer.into(), value: Some(Value::from(value)) }
}

fn hook(session: &Session) -> String {
    session.document().graph.nodes["hook"].config.to_json()
}

fn insert(key: &str) -> Command {
    let fragment = Fragment::of(key, parse(r#"{"kind":"data.set@1"}"#), Point::new(0, 0));
    Command::Insert { at: root(), fragment }
}

#[test]
fn one_edit_is_on_its_way_at_a_time_and_what_is_done_meanwhile_follows_it() {
    let (mut server, mut ada) = (Server::new(), open("ada"));
    ada.perform(set("/a", 1)).unwrap();
    let first = ada.to_send().unwrap();
    ada.perform(set("/b", 2)).unwrap();
    assert_eq!((ada.to_send(), ada.is_saved(), ada.own().count()), (None, false, 2));
    ada.received(&server.gets(&first)).unwrap();
    let second = ada.to_send().unwrap();
    assert_eq!((second.seq, second.base_revision, &*second.commands), (2, 1, &[set("/b", 2)][..]));
    ada.received(&server.gets(&second)).unwrap();
    assert!(ada.is_saved() && ada.to_send().is_none());
    assert_eq!(ada.document(), &server.documents[2]);
}

#[test]
fn typing_on_is_one_command_until_it_is_sent_and_one_step_even_then() {
    let (mut server, mut ada) = (Server::new(), open("ada"));
    ada.perform(set("/a", 1)).unwrap();
    ada.perform(set("/a", 12)).unwrap();
    let edit = ada.to_send().unwrap();
    assert_eq!(edit.commands, [set("/a", 12)]);
    ada.perform(set("/a", 123)).unwrap();
    ada.received(&server.gets(&edit)).unwrap();
    assert_eq!(ada.undo().as_deref(), Some("settings of hook"));
    assert_eq!((hook(&ada), ada.undo()), (r#"{"method":"POST"}"#.to_owned(), None));
    ada.redo().unwrap();
    assert_eq!(hook(&ada), r#"{"a":123,"method":"POST"}"#);
}

#[test]
fn what_was_not_sent_yet_is_taken_back_without_a_word() {
    let mut ada = open("ada");
    ada.perform(set("/a", 1)).unwrap();
    ada.undo().unwrap();
    assert!(ada.is_saved() && ada.to_send().is_none());
    ada.redo().unwrap();
    assert_eq!(ada.to_send().unwrap().commands, [set("/a", 1)]);
}

#[test]
fn an_edit_whose_answer_was_lost_is_sent_again_as_it_was_and_counts_once() {
    let (mut server, mut ada, mut grace) = (Server::new(), open("ada"), open("grace"));
    ada.perform(insert("fresh")).unwrap();
    let edit = ada.to_send().unwrap();
    let first = server.gets(&edit);
    // The answer does not come; Ada goes on, and so does Grace.
    ada.perform(set("/a", 1)).unwrap();
    grace.received(&first).unwrap();
    grace.perform(set("/b", 2)).unwrap();
    let change = server.gets(&grace.to_send().unwrap());
    assert_eq!(ada.received(&change), Err(Missing::Changes { after: 0 }));
    ada.lost();
    let again = ada.to_send().unwrap();
    assert_eq!(again, edit);
    assert_eq!(server.gets(&again), first);
    ada.received(&first).unwrap();
    ada.received(&change).unwrap();
    // What comes again is nothing new.
    ada.received(&first).unwrap();
    assert_eq!(ada.revision(), 2);
    let last = ada.to_send().unwrap();
    ada.received(&server.gets(&last)).unwrap();
    assert_eq!(ada.document(), server.documents.last().unwrap());
    assert_eq!(hook(&ada), r#"{"a":1,"b":2,"method":"POST"}"#);
}

#[test]
fn an_edit_of_which_nothing_is_done_is_a_change_too_so_that_a_late_repeat_does_nothing() {
    let (mut server, mut ada, mut grace) = (Server::new(), open("ada"), open("grace"));
    ada.perform(set("/a", 1)).unwrap();
    let edit = ada.to_send().unwrap();
    grace.perform(Command::Remove { at: root(), keys: ["hook".into()].into() }).unwrap();
    let removal = server.gets(&grace.to_send().unwrap());
    let change = server.gets(&edit);
    assert_eq!((change.revision, change.commands.len()), (2, 0));
    grace.received(&removal).unwrap();
    grace.received(&change).unwrap();
    grace.undo().unwrap();
    server.gets(&grace.to_send().unwrap());
    assert_eq!(server.gets(&edit), change);
    for change in &server.log {
        ada.received(change).unwrap();
    }
    let told = ada.told();
    assert!(matches!(told.dropped[0].reason, Reason::Removed { .. }), "{told:?}");
    assert_eq!(ada.document(), server.documents.last().unwrap());
}

#[test]
fn undo_is_ones_own_and_gives_way_to_what_others_did_since() {
    let (mut server, mut ada, mut grace) = (Server::new(), open("ada"), open("grace"));
    for command in [set("/mine", 1), set("/both", 1)] {
        ada.perform(command).unwrap();
        ada.seal();
    }
    let first = server.gets(&ada.to_send().unwrap());
    ada.received(&first).unwrap();
    grace.received(&first).unwrap();
    for command in [set("/both", 2), set("/theirs", 2)] {
        grace.perform(command).unwrap();
    }
    ada.received(&server.gets(&grace.to_send().unwrap())).unwrap();
    // The step that Grace wrote over is none any more.
    ada.undo().unwrap();
    assert_eq!((hook(&ada), ada.undo()), (r#"{"both":2,"method":"POST","theirs":2}"#.to_owned(), None));
}

#[test]
fn an_undo_on_its_way_gives_way_too_and_that_is_told() {
    let (mut server, mut ada, mut grace) = (Server::new(), open("ada"), open("grace"));
    ada.perform(set("/a", 1)).unwrap();
    let first = server.gets(&ada.to_send().unwrap());
    ada.received(&first).unwrap();
    grace.received(&first).unwrap();
    ada.undo().unwrap();
    let back = ada.to_send().unwrap();
    assert!(back.takes_back);
    grace.perform(set("/a", 2)).unwrap();
    let second = server.gets(&grace.to_send().unwrap());
    let third = server.gets(&back);
    ada.received(&second).unwrap();
    ada.received(&third).unwrap();
    assert_eq!(hook(&ada), r#"{"a":2,"method":"POST"}"#);
    assert_eq!(ada.told().dropped[0].reason, Reason::Changed);
}

#[test]
fn what_is_not_confirmed_is_taken_back_to_what_others_did_before_it() {
    let (mut server, mut ada, mut grace) = (Server::new(), open("ada"), open("grace"));
    ada.perform(set("/a", 1)).unwrap();
    let mine = ada.to_send().unwrap();
    ada.undo().unwrap();
    grace.perform(set("/a", 2)).unwrap();
    ada.received(&server.gets(&grace.to_send().unwrap())).unwrap();
    // On its way is still 1, behind it the way back, which leads to Grace's by now.
    assert_eq!(hook(&ada), r#"{"a":2,"method":"POST"}"#);
    assert_eq!(ada.told().replaced.len(), 0);
    ada.received(&server.gets(&mine)).unwrap();
    assert_eq!(ada.told().replaced, [set("/a", 1)]);
    let last = ada.to_send().unwrap();
    ada.received(&server.gets(&last)).unwrap();
    assert_eq!(hook(&ada), r#"{"a":2,"method":"POST"}"#);
}

#[test]
fn an_edit_that_does_not_fit_its_own_base_is_refused_whole() {
    let edit = Edit {
        client: "ada".into(),
        seq: 1,
        base_revision: 0,
        commands: vec![set("/a", 1), insert("hook")],
        takes_back: false,
    };
    assert!(accept(&order(), &[], &edit).unwrap_err().to_string().starts_with("command 1:"));
}

#[test]
fn what_the_server_refuses_is_told_and_what_was_done_since_goes_on_without_it() {
    let mut ada = open("ada");
    ada.perform(insert("fresh")).unwrap();
    let edit = ada.to_send().unwrap();
    for command in [set("/a", 1), Command::SetNote { at: root(), key: "fresh".into(), note: "mine".into() }] {
        ada.perform(command).unwrap();
    }
    ada.refused(edit.seq, "a flow has at most 10,000 nodes");
    let told = ada.told();
    let reasons: Vec<String> = told.dropped.iter().map(|dropped| dropped.reason.to_string()).collect();
    assert_eq!(reasons[0], "a flow has at most 10,000 nodes");
    // What was made on it goes with it.
    assert_eq!((reasons.len(), ada.own().count(), &*hook(&ada)), (2, 1, r#"{"a":1,"method":"POST"}"#));
    assert_eq!(ada.to_send().unwrap().seq, 2);
    ada.undo().unwrap();
    assert_eq!((shown(ada.document()), ada.undo()), (shown(&order()), None));
}

#[test]
fn after_too_many_changes_the_whole_document_comes_and_ones_own_is_put_on_it() {
    let changed = |commands: &[Command]| {
        let mut document = order();
        holon_studio::apply_all(&mut document, commands).unwrap();
        document
    };
    for (taken, seq) in [(0, Some(1)), (1, None)] {
        let mut ada = open("ada");
        ada.perform(set("/a", 1)).unwrap();
        let edit = ada.to_send().unwrap();
        ada.perform(set("/b", 1)).unwrap();
        let mut there = vec![set("/theirs", 2), set("/a", 7)];
        if taken == 1 {
            there.push(set("/a", 1));
        }
        ada.reset(changed(&there), 5000, taken);
        assert_eq!(hook(&ada), r#"{"a":1,"b":1,"method":"POST","theirs":2}"#);
        // It is sent again under its number, now on what is there.
        let again = ada.to_send().unwrap();
        assert_eq!((again.base_revision, again.seq), (5000, seq.unwrap_or(2)), "{edit:?}");
        assert!(accept(ada.confirmed(), &[], &again).is_ok());
    }
}

#[test]
fn what_a_server_of_another_build_makes_of_an_edit_is_taken_and_what_is_missing_is_told() {
    let mut ada = open("ada");
    for command in [insert("fresh"), set("/a", 1)] {
        ada.perform(command).unwrap();
    }
    let edit = ada.to_send().unwrap();
    ada.perform(Command::SetNote { at: root(), key: "hook".into(), note: "mine".into() }).unwrap();
    let change = Change { revision: 1, client: "ada".into(), seq: edit.seq, commands: vec![set("/a", 1)] };
    ada.received(&change).unwrap();
    assert_eq!((hook(&ada).as_str(), ada.own().count()), (r#"{"a":1,"method":"POST"}"#, 1));
    let told = ada.told();
    assert_eq!((told.dropped.len(), &told.dropped[0].command), (1, &insert("fresh")));
}
