//! A world over either store.

use std::sync::Arc;

use holon_platform::clock::SystemClock;
use holon_platform::db::test_db::TestDb;
use holon_runtime::PgWake;
use holon_runtime::store::mem::MemStore;
use holon_runtime::store::pg::PgStore;

use crate::support::World;

/// Over the store in memory, which is given to make it fail.
pub fn in_memory() -> (World, MemStore) {
    let store = MemStore::new(SystemClock::shared());
    (World::over(Arc::new(store.clone())), store)
}

/// Over a database of its own, with the wake-ups of Postgres.
pub async fn in_postgres() -> (World, TestDb) {
    let db = TestDb::new().await;
    let mut world = World::over(Arc::new(PgStore::new(db.pool_apart())));
    let pool = db.pools.engine.clone();
    world.wake = Box::new(move || Arc::new(PgWake::new(&pool)));
    (world, db)
}
