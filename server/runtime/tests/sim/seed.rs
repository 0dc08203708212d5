//! What a seed says: how many replicas there are, what befalls them, and how much work there is. Everything else follows from it.

use std::collections::BTreeSet;
use std::time::Duration;

use holon_engine::testing::rng::Rng;

use crate::flows;

/// A kind of misfortune.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Woe {
    /// A replica is killed before a call of the store is done.
    CrashBefore,
    /// A replica is killed after a call of the store is done, before its answer.
    CrashAfter,
    /// A replica is killed at any moment.
    Kill,
    /// The store does not answer: the call is done.
    LostAfter,
    /// The store does not answer: the call is not done.
    LostBefore,
    /// The store does not answer, and does the call later.
    Ghost,
    /// The store refuses the connection.
    Away,
    /// Nobody reaches the store for a while.
    Outage,
    /// One replica does not reach the store for a while.
    CutOff,
    /// Nothing can be written for a while.
    Full,
    /// Another transaction is in the way.
    Contention,
    /// Calls of the store take long, some longer than a lease.
    Slow,
    /// A replica stands still for a while and goes on.
    Pause,
    /// The clock of a replica goes wrong.
    Clock,
    /// A replica is stopped as an operator stops it.
    Deploy,
    /// The outside takes long, or never answers.
    LateAnswers,
    /// The outside says no.
    Failures,
    /// Flows cannot be read for a moment.
    NoFlows,
    /// Words between replicas are lost, late or said twice.
    Words,
}

/// All of them.
pub const WOES: [Woe; 19] = [
    Woe::CrashBefore,
    Woe::CrashAfter,
    Woe::Kill,
    Woe::LostAfter,
    Woe::LostBefore,
    Woe::Ghost,
    Woe::Away,
    Woe::Outage,
    Woe::CutOff,
    Woe::Full,
    Woe::Contention,
    Woe::Slow,
    Woe::Pause,
    Woe::Clock,
    Woe::Deploy,
    Woe::LateAnswers,
    Woe::Failures,
    Woe::NoFlows,
    Woe::Words,
];

impl Woe {
    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        WOES.into_iter().find(|woe| format!("{woe:?}").eq_ignore_ascii_case(name))
    }
}

/// What a seed says.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Replicas that run at once.
    pub replicas: usize,
    /// Loops that drive runs in each.
    pub drivers: usize,
    /// Whether the first replica is of an older build.
    pub older: bool,
    /// What befalls them, and how often: of ten thousand occasions.
    pub woes: Vec<(Woe, u32)>,
    /// For how long.
    pub storm: Duration,
    /// Runs that are asked for.
    pub starts: usize,
    /// How long a run waits before it leaves memory, and how long before its time it comes back.
    pub sleep: (Duration, Duration),
    /// Whether there is in it what came later: flows with limits, workers, events, answers that are used again, batches.
    pub newer: bool,
    /// The flow that most ask for.
    pub crowd: Option<usize>,
    /// A defect put in on purpose, to see that it is found.
    pub planted: Option<Planted>,
}

/// A defect of the world, as a wrong runtime or store would show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// A commit is acknowledged and not done.
    AcknowledgedTooEarly,
    /// A replica that was fenced can still write.
    NoFence,
    /// An effect reaches the outside with another key when it is done again.
    AnotherKey,
    /// The row of live work stays when a run is over.
    RowLeft,
    /// A pause is acknowledged and not kept: whoever takes the run over drives it on.
    PauseForgotten,
    /// A run that sleeps is not found when it is wanted.
    SleeperForgotten,
    /// The row of a run says that it sleeps when it does not.
    SleepsOn,
    /// A run gives its place back as soon as it begins.
    PlaceGivenBack,
    /// Who comes to a line overtakes those who wait there.
    LastFirst,
    /// A line is said to be full when it is not.
    FullForNothing,
    /// A key that started a run is not found when the flow has no place for another one.
    AcceptedForgotten,
    /// How many may begin in a time is overlooked.
    RateForgotten,
    /// What is handed out to workers is not taken back when it is answered.
    WorkStays,
    /// A worker is told that its answer counts when another one's does.
    LostAnswerCounts,
    /// An event is not written with the result of its step.
    EventLost,
    /// A change of what a flow keeps is made whatever somebody else made of it meanwhile.
    StaleChange,
    /// An answer of another workspace is taken for one's own.
    AnothersAnswer,
    /// An answer is used again that is not good any more.
    OldAnswer,
    /// Who brought an item into a batch of another replica is told that the batch took no more.
    JoinedForRefused,
    /// Once a batch is over nobody knows any more that its members are to be told.
    MembersForgotten,
    /// A letter is left that is there already.
    SaidAgain,
    /// Signals that nobody took are not handed on to the run that goes on.
    MailForgotten,
}

/// What is taken out of a plan, to see what a failure needs.
#[derive(Debug, Clone, Default)]
pub struct Less {
    /// Only these woes.
    pub only: Option<BTreeSet<Woe>>,
    /// No more starts than these.
    pub starts: Option<usize>,
    /// No more replicas than these.
    pub replicas: Option<usize>,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut rng = numbers(seed, "crowd");
        let crowd = rng.percent(40).then(|| flows::crowd(&mut rng));
        let before = Self::as_it_was(seed);
        let more = if crowd.is_some() { 2 + rng.below(5) as usize } else { 0 };
        Self { newer: true, crowd, starts: before.starts + more, ..before }
    }

    /// The plan of a seed as it was before other flows than those that know no limits, workers, events and kept answers were among them.
    pub fn as_it_was(seed: u64) -> Self {
        let mut rng = numbers(seed, "plan");
        let mut sleep = numbers(seed, "sleep");
        let mut millis = |all: &[u32]| Duration::from_millis(u64::from(sleep.pick(all)));
        let sleep = (millis(&[0, 0, 20, 300, 3_000]), millis(&[0, 50, 1_000, 3_000]));
        let replicas = [1, 1, 1, 2, 2, 2, 2, 3, 3][rng.below(9) as usize];
        // A seed in ten sees no misfortune at all: what goes wrong there is no matter of luck.
        let calm = rng.percent(10);
        let mut woes = Vec::new();
        for woe in WOES {
            let often = rng.pick(&[30, 100, 300, 1_000]);
            if rng.percent(40) && !calm {
                woes.push((woe, often));
            }
        }
        Self {
            seed,
            replicas,
            drivers: 1 + rng.below(2) as usize,
            older: replicas > 1 && rng.percent(15),
            woes,
            storm: Duration::from_millis(u64::from(4_000 + rng.below(16_000))),
            starts: 2 + rng.below(7) as usize,
            sleep,
            newer: false,
            crowd: None,
            planted: None,
        }
    }

    /// The same with less in it.
    #[must_use]
    pub fn less(mut self, less: &Less) -> Self {
        if let Some(only) = &less.only {
            self.woes.retain(|(woe, _)| only.contains(woe));
        }
        self.starts = less.starts.map_or(self.starts, |starts| starts.min(self.starts));
        self.replicas = less.replicas.map_or(self.replicas, |replicas| replicas.clamp(1, self.replicas));
        self
    }

    /// How often a misfortune happens, of ten thousand occasions.
    pub fn often(&self, woe: Woe) -> u32 {
        self.woes.iter().find(|(one, _)| *one == woe).map_or(0, |(_, often)| *often)
    }
}

/// The numbers of a seed for one purpose: what one part of a world draws changes nothing for another.
pub fn numbers(seed: u64, purpose: &str) -> Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(purpose.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    Rng::new(u64::from_le_bytes(bytes))
}
