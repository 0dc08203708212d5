//! What the two stores are asked to do, at random.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::asked::{self, AskOf, ChangeOf, asks};

/// One step: what to do to which of a few runs. What it comes to depends on where that run is.
#[derive(Debug, Clone)]
pub enum Step {
    Start {
        key: Option<u8>,
        over: bool,
        wakes: Option<u8>,
    },
    Append {
        inputs: u8,
        asks: Vec<AskOf>,
    },
    /// A step changes something with its result.
    Change(ChangeOf),
    /// Writes an input that is there already.
    Repeat,
    Status {
        paused: bool,
        snapshot: bool,
        /// What the row is to say of sleep.
        wakes: Option<u8>,
    },
    /// A person pauses it.
    Hold,
    End,
}

/// What is done to both stores.
#[derive(Debug, Clone)]
pub enum Op {
    /// Steps by run.
    Commit(BTreeMap<u8, Step>),
    /// Keys that ran out are swept.
    Sweep,
    /// Another replica takes over.
    Fence,
    /// The one that was fenced writes.
    Zombie(u8),
    /// A second replica joins, beside the first.
    Company,
    /// The first gives so many shards to the second, or the second gives all back; `late`: by an epoch that has passed.
    HandOver { count: u8, back: bool, late: bool },
    /// The second was seen with its present beat, or with another one, and is fenced if that is so.
    Silent { present: bool },
    /// Those that nobody holds are adopted by the first.
    Adopt,
    /// The first, or the second, or one that was fenced, vouches for what rows say of sleep.
    Vouch(u8),
    /// A letter is left for a run; `once`: unless there is one that says the same.
    Post { run: u8, once: bool },
    /// The oldest letter of a run is taken in, or thrown away.
    Take { run: u8, keep: bool },
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (proptest::option::of(0_u8..3), any::<bool>(), proptest::option::of(0_u8..3))
            .prop_map(|(key, over, wakes)| Step::Start { key, over, wakes }),
        6 => (1_u8..4, asks()).prop_map(|(inputs, asks)| Step::Append { inputs, asks }),
        3 => asked::changes().prop_map(Step::Change),
        1 => Just(Step::Repeat),
        3 => (any::<bool>(), any::<bool>(), proptest::option::of(0_u8..3))
            .prop_map(|(paused, snapshot, wakes)| Step::Status { paused, snapshot, wakes }),
        1 => Just(Step::Hold),
        2 => Just(Step::End),
    ]
}

/// Some of them, one after the other.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        12 => proptest::collection::btree_map(0_u8..6, steps(), 1..5).prop_map(Op::Commit),
        1 => Just(Op::Sweep),
        1 => Just(Op::Fence),
        1 => (0_u8..6).prop_map(Op::Zombie),
        1 => Just(Op::Company),
        2 => (any::<u8>(), any::<bool>(), proptest::bool::weighted(0.2))
            .prop_map(|(count, back, late)| Op::HandOver { count, back, late }),
        1 => any::<bool>().prop_map(|present| Op::Silent { present }),
        1 => Just(Op::Adopt),
        2 => (0_u8..3).prop_map(Op::Vouch),
        3 => (0_u8..6, any::<bool>()).prop_map(|(run, once)| Op::Post { run, once }),
        3 => (0_u8..6, any::<bool>()).prop_map(|(run, keep)| Op::Take { run, keep }),
    ];
    proptest::collection::vec(op, 1..24)
}
