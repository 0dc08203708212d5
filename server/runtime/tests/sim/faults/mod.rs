//! Misfortune: what befalls the calls of the store, the words between replicas, and the replicas from outside.
//!
//! `road` is the store as one replica reaches it, with its commits looked at; `calls` hands on the other operations; `planted` is what
//! defects on purpose make of them.

mod calls;
mod planted;
mod road;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use holon_engine::testing::rng::Rng;
use holon_model::ReplicaId;
use holon_runtime::{Nearby, Wake, Word};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::seed::{Plan, Planted, Woe, numbers};
use crate::world::Replica;

pub use road::Road;

/// Replicas that are killed in one seed at most by the store's hand: something must get done in between.
const MOST_CRASHES: u32 = 6;

/// What one call of the store meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    CrashBefore,
    CrashAfter,
    LostBefore,
    LostAfter,
    Ghost,
    Away,
    Full,
    Contention,
}

/// The misfortune of one world.
pub struct Weather {
    plan: Plan,
    calm: AtomicBool,
    crashes: AtomicU32,
    rng: Mutex<Rng>,
    outage: Mutex<Option<Instant>>,
    full: Mutex<Option<Instant>>,
    /// Letters of which a wrong word is said on purpose.
    joins: Mutex<BTreeSet<i64>>,
}

fn lasts(until: &Mutex<Option<Instant>>) -> bool {
    until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
}

impl Weather {
    pub fn new(plan: &Plan) -> Arc<Self> {
        Arc::new(Self {
            plan: plan.clone(),
            calm: AtomicBool::new(false),
            crashes: AtomicU32::new(0),
            rng: Mutex::new(numbers(plan.seed, "store")),
            outage: Mutex::default(),
            full: Mutex::default(),
            joins: Mutex::default(),
        })
    }

    /// From now on everything works.
    pub fn clear_up(&self) {
        self.calm.store(true, Relaxed);
    }

    pub fn is_calm(&self) -> bool {
        self.calm.load(Relaxed)
    }

    /// Nobody reaches the store until then.
    pub fn outage(&self, until: Instant) {
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Nothing is written until then.
    pub fn fill_up(&self, until: Instant) {
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// What befalls this call, and how long it takes on the way there and back.
    fn fate(&self, writes: bool, commits: bool) -> (Fate, Duration, Duration) {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let (there, back) = (rng.below(3), rng.below(3));
        let millis = |millis: u32| Duration::from_millis(u64::from(millis));
        if self.is_calm() {
            return (Fate::Well, millis(there), millis(back));
        }
        let mut happens = |woe: Woe| rng.below(10_000) < self.plan.often(woe);
        let fate = if happens(Woe::Away) || lasts(&self.outage) {
            Fate::Away
        } else if commits && lasts(&self.full) {
            Fate::Full
        } else if commits && happens(Woe::Contention) {
            Fate::Contention
        } else if happens(Woe::LostBefore) {
            Fate::LostBefore
        } else if happens(Woe::LostAfter) {
            Fate::LostAfter
        } else if writes && happens(Woe::Ghost) {
            Fate::Ghost
        } else if happens(Woe::CrashBefore) && self.crash() {
            Fate::CrashBefore
        } else if happens(Woe::CrashAfter) && self.crash() {
            Fate::CrashAfter
        } else {
            Fate::Well
        };
        let slow =
            happens(Woe::Slow).then(|| if rng.percent(15) { 8_000 + rng.below(9_000) } else { rng.below(2_500) });
        let late = rng.percent(50);
        match slow {
            Some(slow) if late => (fate, millis(there), millis(slow)),
            Some(slow) => (fate, millis(slow), millis(back)),
            None => (fate, millis(there), millis(back)),
        }
    }

    fn crash(&self) -> bool {
        self.crashes.fetch_add(1, Relaxed) < MOST_CRASHES
    }

    /// What becomes of a word: whether it is lost, or said twice, and how long it takes.
    fn word(&self) -> (bool, bool, Duration) {
        let often = if self.is_calm() { 0 } else { self.plan.often(Woe::Words) };
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let mut happens = |times: u32| rng.below(10_000) < often * times;
        let (lost, twice, late) = (happens(8), happens(4), happens(4));
        (lost, twice, Duration::from_millis(u64::from(if late { rng.below(4_000) } else { rng.below(3) })))
    }

    /// Whether flows cannot be read just now.
    pub fn no_flows(&self) -> bool {
        let often = self.plan.often(Woe::NoFlows);
        !self.is_calm() && self.rng.lock().unwrap_or_else(PoisonError::into_inner).below(10_000) < often
    }

    /// Whether a defect is put in on purpose.
    pub fn plants(&self, planted: Planted) -> bool {
        self.plan.planted == Some(planted)
    }

    /// The same, so many times in a hundred.
    fn plants_often(&self, planted: Planted, chance: u32) -> bool {
        self.plants(planted) && self.rng.lock().unwrap_or_else(PoisonError::into_inner).percent(chance)
    }
}

/// Words between replicas, as one of them says and hears them: some are lost, late, or said twice.
pub struct Words {
    pub nearby: Nearby,
    pub replica: Arc<Replica>,
    pub weather: Arc<Weather>,
}

#[async_trait]
impl Wake for Words {
    async fn carry(&self, me: ReplicaId, heard: mpsc::UnboundedSender<Word>) {
        self.nearby.carry(me, heard).await;
    }

    fn say(&self, to: ReplicaId, word: Word) {
        if self.replica.is_dead() {
            return;
        }
        let word = self.weather.said(word);
        let (lost, twice, wait) = self.weather.word();
        if lost {
            return;
        }
        if twice {
            self.nearby.say(to, word.clone());
        }
        let nearby = self.nearby.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            nearby.say(to, word);
        });
    }
}
