//! Places in many lines are given in one look, by both stores alike.

use std::sync::Arc;

use holon_model::{EnvironmentId, FlowId, ReplicaId, RunId, TenantId, Timestamp};
use holon_platform::db::Role;
use holon_platform::db::test_db::TestDb;
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{
    Admitted, Ask, Asked, Batch, Line, LiveStatus, LiveWrite, Marks, Prefix, Replica, RunFacts, RunWrite, Start, Store,
    Ticket,
};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;

use crate::support::tenant;
use crate::worlds::{in_memory, in_postgres};

const FLOW: FlowId = FlowId(Uuid::from_u128(6));

fn run(number: u128) -> RunId {
    RunId(Uuid::from_u128(number))
}

fn line(of: TenantId, key: &str) -> Line {
    Line { tenant: of, flow: FLOW, key: key.into() }
}

/// A run that stands in a line of so many places.
fn stands(number: u128, line: Line, most: u32, replaces: bool) -> RunWrite {
    let facts = Arc::new(RunFacts {
        environment: EnvironmentId(Uuid::from_u128(5)),
        flow: FLOW,
        version: 1,
        definition_hash: [0; 32],
        trigger: "trigger.manual".into(),
        actor: "test".into(),
        started_at: Timestamp(0),
        retry_of: None,
        marks: Marks::default(),
    });
    let mut write = RunWrite::of(line.tenant, run(number), facts);
    let prefix = Prefix { copied: 0, again: None, fresh: false };
    let ask = Ask::Queue(Box::new(Ticket { line, most, replaces, prefix }));
    write.asks.push(Asked { at: Timestamp(0), ask });
    write.start = Some(Start { idempotency: None, audit: None });
    write.live = LiveWrite::Insert(LiveStatus::Queued);
    write
}

async fn places_are_given(store: &dyn Store) {
    let (ours, theirs) = (tenant(1), tenant(2));
    let id = ReplicaId(Uuid::from_u128(9));
    store.join(&Replica { id, address: "a".into(), build: "b".into(), semantics: 1 }, 60_000, true).await.unwrap();
    store.adopt(id, &(0..256).collect::<Vec<_>>()).await.unwrap();
    let standing = [
        stands(1, line(ours, "a"), 2, false),
        stands(2, line(ours, "b"), 1, false),
        stands(3, line(ours, "a"), 2, false),
        stands(4, line(ours, "c"), 1, true),
        stands(5, line(theirs, "a"), 1, false),
        stands(6, line(ours, "c"), 1, true),
        stands(7, line(ours, "a"), 2, false),
        stands(8, line(ours, "c"), 1, true),
        stands(9, line(ours, "d"), 1, false),
    ];
    for write in standing {
        store.commit(&Batch { replica: id, writes: vec![write], number: None, gives_way: false }).await.unwrap();
    }
    // In whatever order they are named, and whoever's line is among them.
    let lines = [line(ours, "c"), line(theirs, "a"), line(ours, "nobody"), line(ours, "b"), line(ours, "a")];
    let given = |runs: &[u128], replaced: &[u128]| Admitted {
        runs: runs.iter().map(|number| (run(*number), Some(id))).collect(),
        replaced: replaced.iter().copied().map(run).collect(),
    };
    let first = store.admit(ours, &lines).await.unwrap();
    assert_eq!(
        first,
        given(&[1, 3, 2, 8], &[4, 6]),
        "line by line, in each who came first; of the last line the newest"
    );
    // Those that are in the way are named until they are gone; nobody else has a place.
    assert_eq!(store.admit(ours, &lines).await.unwrap(), given(&[], &[4, 6]));
    assert_eq!(store.admit(theirs, &lines).await.unwrap(), given(&[5], &[]));
    assert_eq!(store.admit(ours, &[line(ours, "d")]).await.unwrap(), given(&[9], &[]));
}

#[tokio::test]
async fn one_look_gives_the_places_of_many_lines_of_a_tenant_in_both_stores() {
    places_are_given(&*in_memory().0.store).await;
    let (world, _db) = in_postgres().await;
    places_are_given(&*world.store).await;
}

/// Rows of places that a store read, as Postgres counted them.
async fn places_read(of: &PgPool, db: &TestDb) -> i64 {
    // A session counts for itself at first.
    sqlx::query("select pg_stat_force_next_flush()").execute(of).await.unwrap();
    let read = "select (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_user_tables where relname = 'run_place'";
    sqlx::query_scalar(read).fetch_one(&db.pools.engine).await.unwrap()
}

#[tokio::test]
async fn a_look_that_was_planned_while_next_to_nobody_waited_reads_the_places_it_gives_when_many_do() {
    const MANY: u128 = 5_000;
    let db = TestDb::new().await;
    // One connection: what it prepares it keeps.
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(db.options(Role::Engine));
    let store: Arc<dyn Store> = Arc::new(PgStore::new(pool.clone()));
    let (ours, id) = (tenant(1), ReplicaId(Uuid::from_u128(9)));
    store.join(&Replica { id, address: "a".into(), build: "b".into(), semantics: 1 }, 60_000, true).await.unwrap();
    store.adopt(id, &(0..256).collect::<Vec<_>>()).await.unwrap();
    let stand = async |numbers: std::ops::Range<u128>| {
        let writes = numbers.map(|number| stands(number, line(ours, "a"), 3, false)).collect();
        store.commit(&Batch { replica: id, writes, number: None, gives_way: false }).await.unwrap();
    };
    stand(1..2).await;
    let mut owner = PgConnection::connect_with(&db.options(Role::Owner)).await.unwrap();
    sqlx::query("analyze run_place").execute(&mut owner).await.unwrap();
    let look = async || store.admit(ours, &[line(ours, "a")]).await.unwrap().runs.len();
    assert_eq!(look().await, 1);
    // So often that Postgres keeps one plan for all that come.
    for _ in 0..10 {
        assert_eq!(look().await, 0);
    }
    for from in (2..MANY).step_by(250) {
        stand(from..from + 250).await;
    }
    let before = places_read(&pool, &db).await;
    assert_eq!(look().await, 2);
    let read = places_read(&pool, &db).await - before;
    assert!((1..100).contains(&read), "{read} places were read to give two of {MANY}");
}
