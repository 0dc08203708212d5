//! Several editors of one flow, over a network that does everything to them: all come to what the server says, and nothing is lost in
//! silence.

mod support;

use proptest::test_runner::{Config as ProptestConfig, TestCaseError, TestError, TestRunner};
use std::cell::Cell;
use support::{
    net::{Checked, Event, World, atoms, story},
    slots::{Slots, Touched},
};

/// Runs stories; what fails is shortened and told.
fn told(undo: bool, test: impl Fn(Vec<(usize, Event)>) -> Checked) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&story(undo), |story| test(story).map_err(TestCaseError::fail));
    if let Err(TestError::Fail(why, story)) = &result {
        panic!("{why}\n{story:?}");
    }
    result.unwrap();
}

#[test]
fn whatever_the_network_does_all_come_to_the_document_of_the_server_and_nothing_counts_twice() {
    told(true, |story| {
        let mut world = World::new();
        story.into_iter().try_for_each(|(who, event)| world.happens(who, event))?;
        world.settle()
    });
}

#[test]
fn what_is_not_done_is_told_to_whom_did_it() {
    told(false, |story| {
        let mut world = World::new();
        for (who, event) in story {
            world.happens(who, event)?;
            // Each command is a step and an entry of its own, so that they can be counted.
            world.editors[who].session.seal();
        }
        world.settle()?;
        for (who, editor) in world.editors.iter().enumerate() {
            let sent = world.log.iter().filter(|change| *change.client == *format!("tab {who}"));
            let done: usize = sent.flat_map(|change| &change.commands).map(atoms).sum();
            let told: usize = editor.dropped.iter().map(|dropped| atoms(&dropped.command)).sum();
            let made: usize = editor.done.iter().map(atoms).sum();
            let why = format!("that of {made} made by {who} {done} are done and {told} told ({:#?})", editor.dropped);
            world.holds(made <= done + told, &why)?;
        }
        Ok(())
    });
}

/// Editor 0 takes back everything it did. What it alone touched is as it was at first, what others alone touched is as they left it.
/// Nothing is said of what both touched: there the later one's value stands, or theirs.
#[test]
fn undoing_everything_of_mine_leaves_what_the_edits_of_the_others_leave() {
    let compared = Cell::new((0, 0));
    told(true, |story| {
        let mut world = World::new();
        story.into_iter().try_for_each(|(who, event)| world.happens(who, event))?;
        world.settle()?;
        let (mut mine, mut theirs) = (Touched::default(), Touched::default());
        let mut expected = Slots::of(&world.documents[0]);
        for (change, pair) in world.log.iter().zip(world.documents.windows(2)) {
            let (before, after) = (Slots::of(&pair[0]), Slots::of(&pair[1]));
            if &*change.client == "tab 0" {
                mine.between(&before, &after);
            } else {
                theirs.between(&before, &after);
                expected.change(&before, &after);
            }
        }
        let all_done = Slots::of(world.present());
        while world.editors[0].session.undo_label().is_some() {
            world.happens(0, Event::Undo)?;
        }
        world.settle()?;
        let mut names = Touched::default();
        world.log.iter().flat_map(|change| &change.commands).for_each(|command| names.renamed(command));
        let (left, renamed) = (Slots::of(world.present()), !names.is_empty());
        names.back_elsewhere(&Slots::of(&world.documents[0]), &all_done, &left);
        mine.and(&names);
        theirs.and(&names);
        let found = expected.compare(&left, (&mine, &theirs), renamed);
        let (own, others) = found.or_else(|why| world.holds(false, &why).map(|()| (0, 0)))?;
        let (before_own, before_others) = compared.get();
        compared.set((before_own + own, before_others + others));
        Ok(())
    });
    // Most of what was touched was touched by one side only: the comparison is about something.
    let (own, others) = compared.get();
    assert!(own > 100 && others > 500, "{own} of mine, {others} of theirs");
}
