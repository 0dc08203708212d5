//! Named places at which this process ends as by `kill -9`, so that tests kill it exactly where it hurts.
//!
//! `HOLON_KILL_AT=<name>[:<n>]` ends the process when it comes to that place for the n-th time. Only a build with debug assertions knows
//! of it: in a release build [`reach`] and [`sent`] are empty, the names are not in the program, and the variable is one that means
//! nothing. That no profile of ours which is released turns those assertions on is held by a test below.

/// A place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// What runs have to write is folded together, and nothing of it is sent.
    BeforeSend,
    /// A transaction holds all of it, and is not told to commit.
    InACommit,
    /// A commit is sent, and not answered.
    CommitSent,
    /// A commit is done, and nobody was told.
    AfterAck,
    /// What an effect follows from is durable, and it was not begun.
    BeforeAnEffect,
    /// An effect has its answer, which is in no journal.
    EffectAnswered,
    /// A run that another one called has begun, and its caller's journal does not say so.
    ChildStarted,
    /// Runs are being taken up from their journals: some are, some are not.
    TakingUp,
    /// Shards stand still to be handed on, and are still this replica's.
    ShardsClosed,
    /// Shards are another replica's, which was not told.
    ShardsGiven,
    /// A replica that is dead was fenced, and nobody has its shards.
    Fenced,
    /// Shards were taken, and none of their runs.
    Adopted,
    /// Everything is handed on or finished, and this replica has not left.
    BeforeLeaving,
    /// Some migrations of a start are done, the others are not.
    InAMigration,
}

impl Point {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::BeforeSend,
        Self::InACommit,
        Self::CommitSent,
        Self::AfterAck,
        Self::BeforeAnEffect,
        Self::EffectAnswered,
        Self::ChildStarted,
        Self::TakingUp,
        Self::ShardsClosed,
        Self::ShardsGiven,
        Self::Fenced,
        Self::Adopted,
        Self::BeforeLeaving,
        Self::InAMigration,
    ];
}

/// Ends the process when it is to end here.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn reach(_: Point) {}

/// The same once what a future sends is under way and not answered: when it has been asked and is not ready.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn sent<F: Future>(_: Point, future: F) -> F {
    future
}

#[cfg(debug_assertions)]
pub use armed::{VARIABLE, is_armed, reach, sent};

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use rustix::process::{Signal, getpid, kill_process};

    use super::Point;

    /// Names the place.
    pub const VARIABLE: &str = "HOLON_KILL_AT";

    /// Where this process is to end, and after how many times that it comes there.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Armed {
        pub(super) point: Point,
        pub(super) times: u64,
    }

    impl Armed {
        pub(super) fn parse(text: &str) -> Option<Self> {
            let (name, times) = text.split_once(':').unwrap_or((text, "1"));
            let point = Point::ALL.into_iter().find(|point| point.name() == name)?;
            Some(Self { point, times: times.parse().ok().filter(|times| *times > 0)? })
        }

        fn from_environment() -> Option<Self> {
            let text = std::env::var(VARIABLE).ok()?;
            // A misspelt name would make a test that proves nothing.
            Some(Self::parse(&text).unwrap_or_else(|| panic!("{VARIABLE}: there is no place `{text}`")))
        }
    }

    impl Point {
        /// As the variable names it.
        #[must_use]
        pub const fn name(self) -> &'static str {
            match self {
                Self::BeforeSend => "before_send",
                Self::InACommit => "in_a_commit",
                Self::CommitSent => "commit_sent",
                Self::AfterAck => "after_ack",
                Self::BeforeAnEffect => "before_an_effect",
                Self::EffectAnswered => "effect_answered",
                Self::ChildStarted => "child_started",
                Self::TakingUp => "taking_up",
                Self::ShardsClosed => "shards_closed",
                Self::ShardsGiven => "shards_given",
                Self::Fenced => "fenced",
                Self::Adopted => "adopted",
                Self::BeforeLeaving => "before_leaving",
                Self::InAMigration => "in_a_migration",
            }
        }
    }

    fn armed() -> Option<&'static Armed> {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        ARMED.get_or_init(Armed::from_environment).as_ref()
    }

    /// Whether this process is to end here one day.
    #[must_use]
    pub fn is_armed(point: Point) -> bool {
        armed().is_some_and(|armed| armed.point == point)
    }

    /// Ends the process when it is to end here.
    pub fn reach(point: Point) {
        static CAME: AtomicU64 = AtomicU64::new(0);
        let Some(armed) = armed().filter(|armed| armed.point == point) else { return };
        if CAME.fetch_add(1, Relaxed) + 1 < armed.times {
            return;
        }
        // Nothing is flushed, dropped or told, as when the machine loses its power.
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            std::thread::park();
        }
    }

    /// The same once what a future sends is under way and not answered: when it has been asked and is not ready.
    pub async fn sent<F: Future>(point: Point, future: F) -> F::Output {
        let (mut future, mut first) = (std::pin::pin!(future), true);
        std::future::poll_fn(|cx| {
            let polled = future.as_mut().poll(cx);
            if std::mem::take(&mut first) && polled.is_pending() {
                reach(point);
            }
            polled
        })
        .await
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::armed::Armed;
    use super::*;

    #[test]
    fn every_place_has_a_name_of_its_own_by_which_it_is_found() {
        for point in Point::ALL {
            assert_eq!(Armed::parse(point.name()), Some(Armed { point, times: 1 }));
        }
        assert_eq!(Armed::parse("after_ack:40"), Some(Armed { point: Point::AfterAck, times: 40 }));
        for wrong in ["", "after_ack:", "after_ack:0", "after_ack:x", "somewhere:1"] {
            assert_eq!(Armed::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nothing_that_is_released_has_debug_assertions() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains("[profile.release]"));
        assert!(!manifest.contains("debug-assertions"), "kill points would be in a release build");
    }

    #[tokio::test]
    async fn what_nobody_armed_changes_nothing() {
        Point::ALL.into_iter().for_each(reach);
        assert_eq!(sent(Point::CommitSent, async { 7 }).await, 7);
    }
}
