//! What waits to be written, and which committer takes what. Each takes what is there, tenants in turn; who gives way
//! ([`Courtesy`]) comes after the others, to one committer at a time, few at once, and with a rest as long as the writing took.

use std::collections::BTreeSet;
use std::time::Duration;

use holon_model::TenantId;
use tokio::time::Instant;

use crate::committer::Job;
use crate::courtesy::{Courtesy, MOST_PASSED};
use crate::ring::Ring;
use crate::store::shard_of;

/// Runs in one statement at most.
const MOST_RUNS: usize = 256;
/// Bytes in one statement at most, unless a single run needs more.
const MOST_BYTES: usize = 1 << 20;
/// The same of those who give way: Postgres is done with so many in about a millisecond.
const COURTEOUS_RUNS: usize = 24;
/// After so few of theirs there is no rest: they are in nobody's way.
const FEW_RUNS: usize = 4;
/// A rest is so many times as long as what it follows, and never longer than this.
const REST: u32 = 1;
const LONGEST_REST: Duration = Duration::from_millis(20);

/// Committers.
pub(crate) const LANES: usize = 3;
/// The one that takes only of tenants of whom the others have nothing in hand.
pub(crate) const QUICK: usize = LANES - 1;

/// A set of shards, a bit each.
type ShardBits = [u64; 4];

fn bit(shard: i16) -> (usize, u64) {
    let shard = usize::from(shard.unsigned_abs());
    (shard / 64 % 4, 1 << (shard % 64))
}

/// Of whom a batch is.
#[derive(Default)]
struct InHand {
    shards: ShardBits,
    tenants: BTreeSet<TenantId>,
    /// Of those who give way: since when, and whether a rest follows.
    courteous: Option<(Instant, bool)>,
}

/// What a committer has to do.
pub(crate) enum Next {
    /// This is to be written, and whether those of whom it is give way.
    Batch(Vec<Job>, bool),
    /// Nothing, until something changes or this time comes.
    Nothing(Option<Instant>),
}

/// What waits to be written.
#[derive(Default)]
pub(crate) struct Waiting {
    pub jobs: Ring<Job>,
    pub closed: bool,
    /// What each committer has in hand.
    in_hand: [InHand; LANES],
    /// Which of them wait for something to do.
    idle: [bool; LANES],
    courtesy: Courtesy,
    /// Before then nothing is written of those who give way.
    rests_until: Option<Instant>,
    /// Batches that came before something of theirs that could have been written.
    passed: u32,
    /// Something is done for one of them outside the committers.
    outside: bool,
    /// How many wait to do such a thing.
    pub asking: usize,
    /// Whether the last turn of theirs was a committer's: turns inside and outside alternate.
    committed_last: bool,
}

/// Whether something may be done for a tenant outside the committers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It gives way to nobody.
    Free,
    /// It gives way, and has the only turn now.
    Turn,
    /// Not before something changes or this time comes.
    Wait(Option<Instant>),
}

impl Waiting {
    /// A job is handed in.
    pub fn put(&mut self, job: Job, now: Instant, put: impl FnOnce(&mut Ring<Job>, TenantId, Job)) {
        let tenant = job.write.tenant;
        put(&mut self.jobs, tenant, job);
        self.courtesy.note(tenant, self.jobs.of(tenant), now);
    }

    /// What a committer, whose last batch is settled, has to do next.
    pub fn next(&mut self, lane: usize, now: Instant) -> Next {
        if let Some((since, true)) = std::mem::take(&mut self.in_hand[lane]).courteous {
            self.rest(since, now);
        }
        self.courtesy.review(now);
        // When nothing more comes, each takes what there is.
        let (closed, quick) = (self.closed, lane == QUICK);
        let Self { jobs, in_hand, courtesy, .. } = self;
        let behind = |tenant| !closed && courtesy.gives_way(tenant);
        let free = |tenant| !quick || closed || in_hand.iter().all(|hand| !hand.tenants.contains(&tenant));
        let others_turn = self.outside || (self.asking > 0 && self.committed_last);
        let there = !quick
            && jobs.peek(behind).is_some()
            && (closed || !others_turn)
            && in_hand.iter().all(|hand| hand.courteous.is_none());
        let rest = self.rests_until.filter(|until| there && *until > now);
        let due = there && rest.is_none();
        let mut batch = Vec::new();
        if !(due && self.passed >= MOST_PASSED) {
            batch = fill(jobs, MOST_RUNS, |tenant| free(tenant) && !behind(tenant));
        }
        let mut courteous = None;
        if batch.is_empty() && due {
            batch = fill(jobs, COURTEOUS_RUNS, behind);
            courteous = Some((now, batch.len() > FEW_RUNS));
            (self.passed, self.committed_last) = (0, true);
        } else if due {
            self.passed += 1;
        }
        self.idle[lane] = batch.is_empty();
        if batch.is_empty() {
            return Next::Nothing(rest);
        }
        let gives_way = courteous.is_some();
        let mut hand = InHand { courteous, ..InHand::default() };
        for job in &batch {
            let (word, bit) = bit(shard_of(job.write.run));
            hand.shards[word] |= bit;
            hand.tenants.insert(job.write.tenant);
        }
        self.in_hand[lane] = hand;
        Next::Batch(batch, gives_way)
    }

    /// Whether a tenant gives way to others.
    pub fn gives_way(&mut self, tenant: TenantId, now: Instant) -> bool {
        self.courtesy.review(now);
        !self.closed && self.courtesy.gives_way(tenant)
    }

    /// Somebody wants to do something for a tenant outside the committers.
    pub fn enter(&mut self, tenant: TenantId, now: Instant) -> Entry {
        if !self.gives_way(tenant, now) {
            return Entry::Free;
        }
        let committers_turn = !self.committed_last && self.jobs.peek(|of| self.courtesy.gives_way(of)).is_some();
        if self.outside || committers_turn || self.in_hand.iter().any(|hand| hand.courteous.is_some()) {
            return Entry::Wait(None);
        }
        if let Some(until) = self.rests_until.filter(|until| *until > now) {
            return Entry::Wait(Some(until));
        }
        (self.outside, self.committed_last) = (true, false);
        Entry::Turn
    }

    /// The turn that began then is over.
    pub fn leave(&mut self, since: Instant, now: Instant) {
        self.outside = false;
        self.rest(since, now);
    }

    fn rest(&mut self, since: Instant, now: Instant) {
        self.rests_until = Some(now + now.saturating_duration_since(since).saturating_mul(REST).min(LONGEST_REST));
    }

    /// Whether the quick committer is the one to take a job of this tenant now.
    pub fn is_quick(&self, tenant: TenantId) -> bool {
        let busy = |lane: usize| !self.idle[lane];
        self.idle[QUICK] && (0..QUICK).all(|lane| busy(lane) && !self.in_hand[lane].tenants.contains(&tenant))
    }

    /// Whether anything of these shards waits to be written or is being written.
    pub fn busy(&self, shards: &[i16]) -> bool {
        let in_hand = |shard: &i16| {
            let (word, bit) = bit(*shard);
            self.in_hand.iter().any(|hand| hand.shards[word] & bit != 0)
        };
        shards.iter().any(in_hand) || self.jobs.iter().any(|job| shards.contains(&shard_of(job.write.run)))
    }
}

/// As many as fit into one statement, of the tenants that may, in turn.
fn fill(jobs: &mut Ring<Job>, most: usize, may: impl Fn(TenantId) -> bool) -> Vec<Job> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(job) = jobs.peek(&may) {
        bytes += job.write.size();
        if batch.len() == most || (bytes > MOST_BYTES && !batch.is_empty()) {
            break;
        }
        batch.extend(jobs.next(&may).map(|(_, job)| job));
    }
    batch
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::Arc;

    use holon_model::{EnvironmentId, FlowId, RunId, Timestamp};
    use uuid::Uuid;

    use crate::store::{Marks, RunFacts, RunWrite};

    pub(crate) const NOISY: u128 = 1;
    pub(crate) const QUIET: u128 = 2;

    pub(crate) fn tenant(number: u128) -> TenantId {
        TenantId(Uuid::from_u128(number))
    }

    /// Writes of so many runs of a tenant.
    pub(crate) fn jobs(of: u128, count: usize) -> Vec<Job> {
        let facts = Arc::new(RunFacts {
            environment: EnvironmentId(Uuid::nil()),
            flow: FlowId(Uuid::nil()),
            version: 1,
            definition_hash: [0; 32],
            trigger: "trigger.manual".into(),
            actor: "test".into(),
            started_at: Timestamp(0),
            retry_of: None,
            marks: Marks::default(),
        });
        let write = |number| RunWrite::of(tenant(of), RunId(Uuid::from_u128(number as u128)), facts.clone());
        (0..count).map(|number| Job { write: write(number), give_up: None, reply: Box::new(drop) }).collect()
    }

    fn hand_in(waiting: &mut Waiting, of: u128, count: usize, now: Instant) {
        for job in jobs(of, count) {
            waiting.put(job, now, Ring::push);
        }
    }

    /// Of whom the next batch of a committer is, and how many there are of each.
    fn next(waiting: &mut Waiting, lane: usize, now: Instant) -> (usize, usize) {
        let Next::Batch(jobs, _) = waiting.next(lane, now) else { return (0, 0) };
        let of = |number| jobs.iter().filter(|job| job.write.tenant == tenant(number)).count();
        (of(NOISY), of(QUIET))
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn alone_a_tenant_has_every_committer_but_the_quick_one_and_whole_batches() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        hand_in(&mut waiting, NOISY, 1_000, now);
        assert_eq!(next(&mut waiting, 0, now), (MOST_RUNS, 0));
        assert_eq!(next(&mut waiting, 1, now), (MOST_RUNS, 0));
        assert_eq!(next(&mut waiting, QUICK, now), (0, 0));
        assert_eq!(next(&mut waiting, 0, now), (MOST_RUNS, 0), "and no rest");
    }

    #[test]
    fn who_gives_way_has_one_committer_at_a_time_few_at_once_and_rests_after_them() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        hand_in(&mut waiting, NOISY, 1_000, now);
        hand_in(&mut waiting, QUIET, 1, now);
        assert_eq!(next(&mut waiting, 0, now), (0, 1), "the other one goes first, and by itself");
        assert_eq!(next(&mut waiting, 1, now), (COURTEOUS_RUNS, 0));
        assert_eq!(next(&mut waiting, 0, now), (0, 0), "one committer has them in hand");
        assert_eq!(next(&mut waiting, QUICK, now), (0, 0), "and this one never has");
        hand_in(&mut waiting, QUIET, 1, now);
        assert_eq!(next(&mut waiting, 0, now), (0, 1), "nobody else waits for them");
        // The batch took three milliseconds: as long nothing of theirs is written, and it is known until when.
        let done = now + ms(3);
        let Next::Nothing(again) = waiting.next(1, done) else { panic!("it rests") };
        assert_eq!(again, Some(done + ms(3)));
        assert_eq!(next(&mut waiting, 0, done + ms(2)), (0, 0));
        assert_eq!(next(&mut waiting, 0, done + ms(3)), (COURTEOUS_RUNS, 0));
    }

    #[test]
    fn who_gives_way_is_passed_only_so_often() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        hand_in(&mut waiting, NOISY, 1_000, now);
        let mut order = Vec::new();
        for _ in 0..2 * (MOST_PASSED + 1) {
            // There is always something of the other one, and everything takes no time: there is no rest either.
            hand_in(&mut waiting, QUIET, 1, now);
            order.push(next(&mut waiting, 0, now).0 > 0);
        }
        let courteous = order.iter().filter(|courteous| **courteous).count();
        assert_eq!(courteous, 2, "{order:?}");
    }

    #[test]
    fn turns_of_who_gives_way_are_by_turns_inside_and_outside_one_at_a_time_and_each_is_followed_by_a_rest() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        hand_in(&mut waiting, NOISY, 1_000, now);
        hand_in(&mut waiting, QUIET, 1, now);
        assert_eq!(next(&mut waiting, 0, now), (0, 1));
        assert_eq!(next(&mut waiting, 1, now), (COURTEOUS_RUNS, 0));
        assert_eq!(waiting.enter(tenant(QUIET), now), Entry::Free, "it waits for nobody");
        assert_eq!(waiting.enter(tenant(NOISY), now), Entry::Wait(None), "a committer has some of it in hand");
        waiting.asking = 1;
        let done = now + ms(3);
        assert_eq!(next(&mut waiting, 1, done), (0, 0));
        assert_eq!(waiting.enter(tenant(NOISY), done), Entry::Wait(Some(done + ms(3))));
        let rested = done + ms(3);
        assert_eq!(next(&mut waiting, 0, rested), (0, 0), "somebody outside asks, and the last turn was inside");
        assert_eq!(waiting.enter(tenant(NOISY), rested), Entry::Turn);
        assert_eq!(next(&mut waiting, 0, rested), (0, 0));
        assert_eq!(waiting.enter(tenant(NOISY), rested), Entry::Wait(None), "one at a time");
        waiting.leave(rested, rested + ms(2));
        assert_eq!(next(&mut waiting, 0, rested + ms(3)), (0, 0));
        assert_eq!(waiting.enter(tenant(NOISY), rested + ms(4)), Entry::Wait(None));
        assert_eq!(
            next(&mut waiting, 0, rested + ms(4)),
            (COURTEOUS_RUNS, 0),
            "now it is the committers' turn, whoever asks"
        );
        waiting.closed = true;
        assert_eq!(waiting.enter(tenant(NOISY), rested + ms(4)), Entry::Free, "at the end nobody waits");
    }

    #[test]
    fn after_few_there_is_no_rest_and_at_the_end_nobody_gives_way() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        hand_in(&mut waiting, NOISY, 1_000, now);
        while next(&mut waiting, 0, now) != (0, 0) {}
        hand_in(&mut waiting, QUIET, 1, now);
        assert_eq!(next(&mut waiting, 0, now), (0, 1));
        hand_in(&mut waiting, NOISY, FEW_RUNS, now);
        assert_eq!(next(&mut waiting, 0, now), (FEW_RUNS, 0));
        hand_in(&mut waiting, NOISY, 1_000, now);
        assert_eq!(next(&mut waiting, 0, now + ms(3)), (COURTEOUS_RUNS, 0), "at once");
        waiting.closed = true;
        assert_eq!(next(&mut waiting, 1, now + ms(3)), (MOST_RUNS, 0));
        assert_eq!(next(&mut waiting, QUICK, now + ms(3)), (MOST_RUNS, 0));
    }
}
