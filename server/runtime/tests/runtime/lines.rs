//! Places in many lines are given in one look, by both stores alike.

use std::sync::Arc;

use holon_model::{EnvironmentId, FlowId, ReplicaId, RunId, TenantId, Timestamp};
use holon_runtime::store::{
    Admitted, Ask, Asked, Batch, Line, LiveStatus, LiveWrite, Marks, Prefix, Replica, RunFacts, RunWrite, Start, Store,
    Ticket,
};
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
    write.start = Some(Start { idempotency: None });
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
