//! The two stores are one: fed the same operations they give the same answers and hold the same rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::asked::{self, AskOf};
use crate::audited;
use crate::operations::{Op, Step, ops};
use crate::slept;
use holon_model::{EnvironmentId, FlowId, ReplicaId, RunId, TenantId, Timestamp};
use holon_platform::clock::{SystemClock, mint};
use holon_platform::db::test_db::TestDb;
use holon_runtime::store::mem::MemStore;
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{
    Ask, Asked, Asks as _, AuditRow, Batch, BatchNumber, Blobs as _, EndRow, Entry, IdempotencyRow, JournalWrite,
    Letter, Letters as _, LiveRow, LiveStatus, LiveWrite, Marks, NEVER, Ownership as _, Replica, Roll, RunFacts,
    RunWrite, ShardRow, Snapshot, Start, StateOf, Store, StoreError, ask_uuid, shard_of, week_of,
};
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

const LEASE_MS: i64 = 60_000;

#[derive(Default, Clone, Copy, PartialEq)]
enum Place {
    #[default]
    Nowhere,
    Live(i64),
    Over,
}

struct Case {
    mem: MemStore,
    pg: Arc<PgStore>,
    pool: sqlx::PgPool,
    admin: sqlx::PgPool,
    replica: ReplicaId,
    fenced: Option<ReplicaId>,
    /// The second replica.
    other: Option<ReplicaId>,
    /// Letters by run: their numbers in memory and in Postgres.
    letters: BTreeMap<u8, Vec<(i64, i64)>>,
    salt: u128,
    places: BTreeMap<u8, Place>,
    now: Timestamp,
    /// Batches sent, and the number of the last one that had one and was done.
    sent: i64,
    counted: i64,
}

impl Case {
    fn run(&self, number: u8) -> RunId {
        // A UUIDv7 of this week, with the case in the middle and the shard at the end.
        let time = u128::from(self.now.0.unsigned_abs()) << 80;
        RunId(Uuid::from_u128(time | (7 << 76) | (0b10 << 62) | (self.salt << 16) | u128::from(number)))
    }

    fn tenant(&self, number: u8) -> TenantId {
        TenantId(Uuid::from_u128((self.salt << 8) | u128::from(number % 2)))
    }

    fn key(&self, key: u8, run: RunId) -> IdempotencyRow {
        // The third key has run out when it is written.
        let expires_at = Timestamp(if key == 2 { self.now.0 - 1 } else { self.now.0 + 1_000_000 });
        IdempotencyRow { scope: "s".into(), key: format!("k{key}"), run, request_hash: [key; 32], expires_at }
    }

    /// What the log says of the start of a run; of some of them nothing.
    fn audit(&self, number: u8, run: RunId) -> Option<Box<AuditRow>> {
        (!number.is_multiple_of(3)).then(|| Box::new(audited::row(run, EnvironmentId(Uuid::from_u128(5)), number)))
    }

    fn wakes(&self, number: u8) -> Timestamp {
        if number == 0 { NEVER } else { Timestamp(self.now.0 + i64::from(number) * 1_000) }
    }

    fn entries(&self, from: i64, count: u8) -> Vec<Entry> {
        // Every third is so large that it is stored apart, and all of those are the same in all runs.
        let input = |seq: i64| match seq % 3 {
            2 => vec![7; 20_000],
            _ => vec![seq.to_le_bytes()[0]; 3],
        };
        let entry = |seq: i64| Entry {
            at: Timestamp(self.now.0 + seq),
            input: input(seq),
            log_hash: [seq.to_le_bytes()[0]; 32],
        };
        (from..from + i64::from(count)).map(entry).collect()
    }

    /// The write that a step comes to, and where the run is if it is done.
    fn write(&self, number: u8, step: &Step) -> Option<(RunWrite, Place)> {
        let run = self.run(number);
        let place = self.places.get(&number).copied().unwrap_or_default();
        let facts = Arc::new(RunFacts {
            environment: EnvironmentId(Uuid::from_u128(5)),
            flow: FlowId(Uuid::from_u128(6)),
            version: i32::from(number) + 1,
            definition_hash: [number; 32],
            trigger: "trigger.manual".into(),
            actor: format!("person {number}"),
            started_at: self.now,
            retry_of: (number == 3).then(|| self.run(0)),
            marks: Marks {
                labels: (0..number % 3).map(|n| (format!("key \"{n}\""), format!("välue {number}"))).collect(),
                correlation: (number % 2 == 1).then(|| "order 7".to_owned()),
                fork_of: (number == 4).then(|| (self.run(0), 2)),
            },
        });
        let end = |seq: i64| EndRow {
            at: Timestamp(self.now.0 + seq),
            status: if number.is_multiple_of(2) { "completed" } else { "failed" },
            error: (number % 2 == 1).then(|| "broken: it broke".to_owned()),
            log_hash: [9; 32],
            state: vec![number; 5],
        };
        let mut write = RunWrite {
            tenant: self.tenant(number),
            run,
            facts,
            start: None,
            journal: None,
            live: LiveWrite::Keep,
            wakes: None,
            end: None,
            asks: Vec::new(),
            letters: Vec::new(),
            changes: Vec::new(),
        };
        let next = match (place, step) {
            (Place::Nowhere, Step::Start { key, over, wakes }) => {
                write.wakes = wakes.map(|wakes| self.wakes(wakes));
                write.start =
                    Some(Start { idempotency: key.map(|key| self.key(key, run)), audit: self.audit(number, run) });
                write.journal = Some(JournalWrite { seq: 0, entries: self.entries(0, 1) });
                if *over {
                    write.end = Some(end(0));
                    Place::Over
                } else {
                    write.live = LiveWrite::Insert(LiveStatus::Running);
                    Place::Live(1)
                }
            }
            (Place::Live(seq), Step::Append { inputs, asks }) => {
                write.asks = asks.iter().map(|asks| Asked { at: self.now, ask: asks.ask() }).collect();
                write.journal = Some(JournalWrite { seq, entries: self.entries(seq, *inputs) });
                Place::Live(seq + i64::from(*inputs))
            }
            (Place::Live(seq), Step::Change(change)) => {
                // The number of the input makes the revision one that no other change has.
                let id = Uuid::from_u128(run.0.as_u128() ^ (u128::from(seq.unsigned_abs() + 1) << 48));
                write.changes = change.changes(&self.mem, StateOf::run(&write), id, self.now);
                write.journal = Some(JournalWrite { seq, entries: self.entries(seq, 1) });
                Place::Live(seq + 1)
            }
            (Place::Live(seq), Step::Repeat) => {
                write.journal = Some(JournalWrite { seq: 0, entries: self.entries(0, 1) });
                Place::Live(seq)
            }
            (Place::Live(seq), Step::Status { paused, snapshot, wakes }) => {
                write.wakes = wakes.map(|wakes| self.wakes(wakes));
                write.live = LiveWrite::Update {
                    status: if *paused { LiveStatus::Paused } else { LiveStatus::Waiting },
                    reason: paused.then(|| "because".to_owned()),
                    snapshot: snapshot.then(|| Snapshot { seq, bytes: vec![1, 2, number] }),
                };
                Place::Live(seq)
            }
            (Place::Live(seq), Step::Hold) => {
                write.live = LiveWrite::Hold { by: format!("person {number}"), reason: "because".into() };
                Place::Live(seq)
            }
            (Place::Live(seq), Step::End) => {
                write.journal = Some(JournalWrite { seq, entries: self.entries(seq, 1) });
                write.live = LiveWrite::Delete;
                write.end = Some(end(seq));
                write.asks = vec![Asked { at: self.now, ask: Ask::Nothing }];
                Place::Over
            }
            _ => return None,
        };
        Some((write, next))
    }

    /// Both stores.
    fn both(&self) -> [&dyn Store; 2] {
        [&self.mem, &*self.pg]
    }

    async fn enter(&self, alone: bool) -> ReplicaId {
        let id = mint(&*SystemClock::shared());
        let replica = Replica { id, address: "a".into(), build: "b".into(), semantics: 1 };
        for store in self.both() {
            store.join(&replica, LEASE_MS, alone).await.unwrap();
        }
        id
    }

    async fn join(&mut self) {
        self.fenced = Some(self.replica);
        self.other = None;
        self.counted = 0;
        self.replica = self.enter(true).await;
        let all: Vec<i16> = (0..256).collect();
        for store in self.both() {
            assert_eq!(store.adopt(self.replica, &all).await.unwrap().len(), 256);
        }
    }

    /// Who is there and who holds what is the same in both.
    async fn compare_shards(&self) {
        let mem = self.mem.renew(self.replica, LEASE_MS, false).await.unwrap();
        let pg = self.pg.renew(self.replica, LEASE_MS, false).await.unwrap();
        assert_eq!(mem.peers, pg.peers);
        // What was fenced in earlier cases held shards in one of them only.
        let owners = |roll: &Roll| -> Vec<_> {
            let alive = |owner: &ReplicaId| roll.peers.iter().any(|peer| peer.id == *owner);
            roll.shards.iter().map(|row| row.owner.filter(alive)).collect()
        };
        assert_eq!(owners(&mem), owners(&pg));
    }

    async fn hand_over(&self, count: u8, back: bool, late: bool) {
        let Some(other) = self.other else { return };
        let (from, to, count) =
            if back { (other, self.replica, 256) } else { (self.replica, other, usize::from(count)) };
        let mut given = Vec::new();
        for store in self.both() {
            // Only one that lives can look.
            let roll = store.renew(self.replica, LEASE_MS, false).await.unwrap();
            let date = |row: &ShardRow| (row.shard, row.epoch - i64::from(late));
            let shards: Vec<_> = roll.shards.iter().map(date).take(count).collect();
            let mut shards = store.hand_over(from, to, &shards).await.unwrap();
            shards.sort_unstable();
            assert!(shards.is_empty() || !late);
            given.push(shards);
        }
        assert_eq!(given[0], given[1]);
    }

    async fn post(&mut self, number: u8, once: bool) {
        let (tenant, run, body) = (self.tenant(number), self.run(number), [number]);
        let mut posted = Vec::new();
        for store in self.both() {
            posted.push(match once {
                true => store.post_once(tenant, run, self.replica, &body).await.unwrap(),
                false => store.post(tenant, run, self.replica, &body).await.unwrap(),
            });
        }
        let (mem, pg) = (posted[0], posted[1]);
        assert_eq!(mem.map(|posted| posted.owner), pg.map(|posted| posted.owner));
        if let (Some(mem), Some(pg)) = (mem, pg) {
            let of = self.letters.entry(number).or_default();
            let first = of.first().copied().filter(|_| once);
            assert_eq!((mem.id, pg.id), first.unwrap_or((mem.id, pg.id)), "the one that is there stands for it");
            if first.is_none() {
                of.push((mem.id, pg.id));
            }
        }
    }

    async fn take(&mut self, number: u8, keep: bool) {
        let Some(of) = self.letters.get_mut(&number).filter(|of| !of.is_empty()) else { return };
        let (in_mem, in_pg) = of.remove(0);
        let (tenant, run) = (self.tenant(number), self.run(number));
        let written = keep.then(|| self.write(number, &Step::Append { inputs: 1, asks: Vec::new() })).flatten();
        for (store, id) in [(&self.mem as &dyn Store, in_mem), (&*self.pg, in_pg)] {
            if let Some((write, _)) = &written {
                let writes = vec![RunWrite { letters: vec![id], ..write.clone() }];
                store.commit(&Batch { replica: self.replica, writes, number: None, gives_way: false }).await.unwrap();
                continue;
            }
            let letter = Letter { id, tenant, run, sender: self.replica, body: Vec::new() };
            if let Some(fenced) = self.fenced {
                store.discard(fenced, std::slice::from_ref(&letter)).await.unwrap();
                let left = store.letters(&[shard_of(run)], &[], 1_000).await.unwrap();
                assert!(left.iter().any(|left| left.id == id), "who was fenced throws nothing away");
            }
            store.discard(self.replica, &[letter]).await.unwrap();
        }
        if let Some((_, next)) = written {
            self.places.insert(number, next);
        }
    }

    /// The letters that are left are the same, in the same order.
    async fn compare_letters(&self) {
        let shards: Vec<i16> = (0..256).collect();
        let plain = |letters: Vec<Letter>| -> Vec<(TenantId, RunId, Vec<u8>)> {
            let ours =
                letters.into_iter().filter(|letter| letter.tenant == self.tenant(0) || letter.tenant == self.tenant(1));
            ours.map(|letter| (letter.tenant, letter.run, letter.body)).collect()
        };
        let mem = plain(self.mem.letters(&shards, &[], 10_000).await.unwrap());
        assert_eq!(mem, plain(self.pg.letters(&shards, &[], 10_000).await.unwrap()));
        assert_eq!(mem.len(), self.letters.values().map(Vec::len).sum::<usize>());
        for (in_mem, in_pg) in self.letters.values().flatten() {
            let mem = plain(self.mem.letters(&shards, &[*in_mem], 10_000).await.unwrap());
            assert_eq!(mem, plain(self.pg.letters(&shards, &[*in_pg], 10_000).await.unwrap()));
        }
    }

    async fn commit(&mut self, replica: ReplicaId, steps: &BTreeMap<u8, Step>) {
        let planned: Vec<_> =
            steps.iter().filter_map(|(number, step)| Some((*number, self.write(*number, step)?))).collect();
        if planned.is_empty() {
            return;
        }
        self.sent += 1;
        let number = BatchNumber { lane: 1, n: self.sent };
        let batch = Batch::of(replica, planned.iter().map(|(_, (write, _))| write.clone()).collect(), number);
        let answers = (self.mem.commit(&batch).await, self.pg.commit(&batch).await);
        let (Ok(mem), Ok(pg)) = &answers else {
            assert_eq!(answers.0, answers.1);
            return;
        };
        let sorted = |lost: &Vec<RunId>| BTreeSet::from_iter(lost.clone());
        assert_eq!(sorted(&mem.lost), sorted(&pg.lost));
        assert_eq!(sorted(&mem.stale), sorted(&pg.stale));
        for store in self.both() {
            let counted = if batch.number.is_some() { self.sent } else { self.counted };
            assert_eq!(store.last_number(replica, 1).await, Ok(counted));
            if batch.number.is_some() {
                assert_eq!(store.commit(&batch).await, Err(StoreError::Conflict), "it was done before");
            }
        }
        if batch.number.is_some() {
            self.counted = self.sent;
        }
        for (number, (write, next)) in planned {
            if !mem.lost.contains(&write.run) && !mem.stale.contains(&write.run) {
                self.places.insert(number, next);
            }
        }
    }

    async fn apply(&mut self, op: &Op) {
        match op {
            Op::Commit(steps) => self.commit(self.replica, steps).await,
            Op::Sweep => {
                let (mem, pg) =
                    (self.mem.forget_expired(self.now, 100).await, self.pg.forget_expired(self.now, 100).await);
                assert_eq!(mem, pg);
            }
            Op::Fence => self.join().await,
            Op::Company => {
                if self.other.is_none() {
                    self.other = Some(self.enter(false).await);
                }
            }
            Op::HandOver { count, back, late } => self.hand_over(*count, *back, *late).await,
            Op::Silent { present } => {
                let Some(other) = self.other else { return };
                for store in self.both() {
                    let peers = store.renew(self.replica, LEASE_MS, false).await.unwrap().peers;
                    let beat = peers.iter().find(|peer| peer.id == other).map_or(0, |peer| peer.beat);
                    store.fence(&[(other, beat + i64::from(!present))]).await.unwrap();
                    let writes = self.write(0, &Step::Append { inputs: 1, asks: Vec::new() }).map(|(write, _)| write);
                    if let Some(write) = writes.filter(|_| *present) {
                        let batch = Batch { replica: other, writes: vec![write], number: None, gives_way: false };
                        assert_eq!(store.commit(&batch).await, Err(StoreError::Fenced));
                    }
                }
                if *present {
                    self.other = None;
                }
            }
            Op::Adopt => {
                let all: Vec<i16> = (0..256).collect();
                let mut taken = Vec::new();
                for store in self.both() {
                    let mut shards = store.adopt(self.replica, &all).await.unwrap();
                    shards.sort_unstable();
                    taken.push(shards);
                }
                assert_eq!(taken[0], taken[1]);
            }
            Op::Vouch(who) => {
                let who = [Some(self.replica), self.other, self.fenced][usize::from(*who)];
                let (Some(who), all) = (who, (0..256).collect::<Vec<_>>()) else { return };
                for store in self.both() {
                    store.vouch(who, &all).await.unwrap();
                }
            }
            Op::Post { run, once } => self.post(*run, *once).await,
            Op::Take { run, keep } => self.take(*run, *keep).await,
            Op::Zombie(number) => {
                let Some(fenced) = self.fenced else { return };
                let Some((write, _)) = self.write(*number, &Step::Append { inputs: 1, asks: vec![AskOf::Open(1)] })
                else {
                    return;
                };
                let batch = Batch { replica: fenced, writes: vec![write], number: None, gives_way: false };
                for store in [&self.mem as &dyn Store, &*self.pg] {
                    assert_eq!(store.commit(&batch).await, Err(StoreError::Fenced));
                }
            }
        }
    }

    /// The payload that the runs of a tenant share is there once any of them refers to it, and only then.
    async fn compare_blobs(&self) {
        let hash = *blake3::hash(&[7; 20_000]).as_bytes();
        for number in 0..2 {
            let mut referred = false;
            for run in (number..6).step_by(2) {
                let entries = self.pg.journal(self.tenant(run), self.run(run), 0).await.unwrap();
                referred |= entries.iter().any(|entry| entry.input.len() == 20_000);
            }
            let (tenant, week, wanted) = (self.tenant(number), week_of(self.run(number)), BTreeSet::from([hash]));
            let mem = self.mem.blobs(tenant, week, &wanted).await.unwrap();
            assert_eq!(mem, self.pg.blobs(tenant, week, &wanted).await.unwrap());
            assert_eq!(mem.contains_key(&hash), referred);
        }
    }

    /// What runs ask stands in both stores as the same rows.
    async fn compare_asks(&self) {
        for number in 0..6 {
            let (tenant, run) = (self.tenant(number), self.run(number));
            let rows: Vec<(Uuid, String, Option<String>, Vec<String>)> = sqlx::query_as(
                "select task_id, state, choice, assignees from task where tenant_id = $1 and run_id = $2 order by task_id",
            )
            .bind(tenant.0)
            .bind(run.0)
            .fetch_all(&self.pool)
            .await
            .unwrap();
            let mem: Vec<_> = self.mem.asks().tasks(run).into_iter().collect();
            let mem: Vec<_> = mem
                .into_iter()
                .map(|row| (ask_uuid(row.task.id), row.state.to_owned(), row.choice, row.task.assignees))
                .collect();
            assert_eq!(mem, rows);
            assert_eq!(self.mem.kept(tenant, run).await, self.pg.kept(tenant, run).await);
            asked::compare_work(&self.mem, &self.pool, tenant, run).await;
        }
        let environment = EnvironmentId(Uuid::from_u128(5));
        for (tenant, correlation) in (0..2).flat_map(|tenant| ["0", "1"].map(|correlation| (tenant, correlation))) {
            let tenant = self.tenant(tenant);
            let mem = self.mem.waiting(tenant, environment, "paid", correlation).await;
            assert_eq!(mem, self.pg.waiting(tenant, environment, "paid", correlation).await);
        }
    }

    async fn compare(&self) {
        self.compare_asks().await;
        for number in 0..6 {
            let (tenant, run) = (self.tenant(number), self.run(number));
            let row = audited::row(run, EnvironmentId(Uuid::from_u128(5)), number);
            audited::compare(&self.mem, &self.admin, tenant, &row, run).await;
        }
        for number in 0..2 {
            let of = StateOf {
                tenant: self.tenant(number),
                environment: EnvironmentId(Uuid::from_u128(5)),
                flow: FlowId(Uuid::from_u128(6)),
            };
            asked::compare(&self.mem, &self.pg, &self.pool, of).await;
        }
        self.compare_shards().await;
        self.compare_letters().await;
        let shards: Vec<i16> = (0..256).collect();
        let ours = |rows: Vec<LiveRow>| -> Vec<_> {
            rows.into_iter().filter(|row| row.tenant == self.tenant(0) || row.tenant == self.tenant(1)).collect()
        };
        let live = ours(self.mem.live(&shards).await.unwrap());
        assert_eq!(live, ours(self.pg.live(&shards).await.unwrap()));
        let runs: Vec<_> = (0..6).map(|number| (self.tenant(number), self.run(number))).collect();
        slept::compare(&self.mem, &self.pg, &runs, &live).await;
        let mut inputs = Vec::new();
        for number in 0..6 {
            let (tenant, run) = (self.tenant(number), self.run(number));
            assert_eq!(self.mem.history(tenant, run).await, self.pg.history(tenant, run).await);
            assert_eq!(self.mem.is_driven(tenant, run).await, self.pg.is_driven(tenant, run).await);
            assert_eq!(self.mem.legible(tenant, run).await, self.pg.legible(tenant, run).await);
            assert_eq!(self.mem.snapshot(tenant, run).await, self.pg.snapshot(tenant, run).await);
            assert_eq!(self.mem.first(tenant, run).await, self.pg.first(tenant, run).await);
            for from in [0, 2] {
                assert_eq!(self.mem.journal(tenant, run, from).await, self.pg.journal(tenant, run, from).await);
            }
            inputs.extend((0..4).map(|seq| (tenant, run, seq)));
        }
        self.compare_blobs().await;
        let landed = |mut runs: Vec<RunId>| {
            runs.sort();
            runs
        };
        assert_eq!(landed(self.mem.landed(&inputs).await.unwrap()), landed(self.pg.landed(&inputs).await.unwrap()));
        for (tenant, key) in (0..2).flat_map(|tenant| (0..3).map(move |key| (tenant, key))) {
            let (tenant, key) = (self.tenant(tenant), format!("k{key}"));
            assert_eq!(self.mem.idempotency(tenant, "s", &key).await, self.pg.idempotency(tenant, "s", &key).await);
        }
    }
}

#[test]
fn both_stores_answer_the_same_operations_the_same_and_hold_the_same_rows() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let db = runtime.block_on(TestDb::new());
    let pg = runtime.block_on(async { Arc::new(PgStore::new(db.pools.engine.clone())) });
    let admin = runtime.block_on(async { audited::admin(&db) });
    let clock = SystemClock::shared();
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let result = runner.run(&ops(), |ops| {
        // A number no case before had, also when a failing one is made smaller.
        let salt = clock.uuid_v7().as_u128() & ((1 << 44) - 1);
        let mut case = Case {
            mem: MemStore::new(clock.clone()),
            pg: pg.clone(),
            pool: db.pools.engine.clone(),
            admin: admin.clone(),
            replica: mint(&*clock),
            fenced: None,
            other: None,
            letters: BTreeMap::new(),
            salt,
            places: BTreeMap::new(),
            now: clock.now(),
            sent: 0,
            counted: 0,
        };
        runtime.block_on(async {
            // Keys of earlier cases are not this one's to sweep.
            case.pg.forget_expired(case.now, i64::MAX).await.unwrap();
            for number in 0..2 {
                audited::know(&admin, case.tenant(number), EnvironmentId(Uuid::from_u128(5))).await;
            }
            case.join().await;
            // What earlier cases said of their shards is known to one of the stores only.
            for store in case.both() {
                store.vouch(case.replica, &(0..256).collect::<Vec<_>>()).await.unwrap();
            }
            for op in &ops {
                case.apply(op).await;
            }
            case.compare().await;
        });
        Ok(())
    });
    result.unwrap();
}
