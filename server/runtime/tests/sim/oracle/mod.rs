//! What must hold when all is over, whatever befell: everything that was promised is there, once, and nothing is left behind.
//!
//! `story` reads the runs; `runs` looks at each by itself, `outside` at what reached the outside, `starts` at who was started by whom,
//! `told` at what callers were told and what runs were, `own` at Holon's own database, `answers` at what was used again, `lines` at limits,
//! `batches` at what runs brought together, and `work` at what workers did.

mod answers;
mod batches;
mod lines;
mod outside;
mod own;
mod runs;
mod starts;
mod story;
mod told;
mod work;

use std::sync::{Mutex, PoisonError};

use holon_model::{Millis, RunId};

use crate::clients::Said;
use crate::ledger::Book;
use crate::world::{World, low};
use story::{Stories, Story};

/// By how much two moments may be wrong beside each other: clocks are, and what was asked long ago may be done only now.
const WRONG_AT_MOST: Millis = Millis(900_000);
/// The status of a run that was ended by decree: its machine does not say so.
const TERMINATED: &str = "terminated";
/// That of one that was cancelled, also before it had begun.
const CANCELLED: &str = "cancelled";

/// What does not hold.
#[derive(Default)]
pub struct Problems(Mutex<Vec<(&'static str, String)>>);

impl Problems {
    pub fn add(&self, kind: &'static str, words: impl FnOnce() -> String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((kind, words()));
    }

    pub fn all(&self) -> Vec<(&'static str, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Everything is looked through.
pub async fn check(world: &World) {
    let mut stories = Stories::new();
    for (tenant, run) in world.store.runs() {
        if let Some(story) = Story::read(world, tenant, run).await {
            let hash = story.machine.log_hash();
            world.trace.note("end", &[low(run.0), u64::from(hash[0]), u64::from(hash[1])], || {
                format!("{run} {} after {} inputs", story.machine.status().name(), story.inputs.len())
            });
            stories.insert(run, story);
        }
    }
    let book = world.outside.book();
    let said = world.promises.said();
    let judge = Judge { world, stories: &stories, book: &book, said: &said };
    stories.values().for_each(|story| judge.one(story));
    judge.effects();
    judge.at_most_once();
    judge.starts();
    judge.lineage();
    judge.answers();
    judge.said_to_runs();
    judge.mail();
    judge.terminated();
    judge.counts();
    judge.puts();
    judge.events();
    judge.used_again();
    judge.turns();
    judge.refused();
    judge.rates();
    judge.work();
    judge.batches();
    judge.left();
}

struct Judge<'a> {
    world: &'a World,
    stories: &'a Stories,
    book: &'a Book,
    said: &'a Said,
}

impl Judge<'_> {
    fn problem(&self, kind: &'static str, run: RunId, words: impl FnOnce() -> String) {
        self.world.problems.add(kind, || format!("{run}: {}", words()));
    }

    /// What is over leaves nothing behind but its history.
    fn left(&self) {
        let store = &self.world.store;
        let (live, snapshots) = store.left();
        let (waits, tasks, work) = (store.asks().waits(), store.asks().open(), store.asks().work());
        let (letters, places) = (store.unread(), store.intake().places());
        let places = places.going + places.waiting;
        if live + snapshots + letters + waits.len() + tasks.len() + work.len() > 0 || places > 0 {
            self.world.problems.add("left behind", || {
                format!(
                    "{live} rows of live work, {snapshots} snapshots, {letters} letters, {places} places, {waits:?}, {tasks:?}, {work:?}"
                )
            });
        }
    }
}
