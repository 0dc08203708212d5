//! `TenantTx` against the real roles: what one tenant writes another does not see, whatever is cancelled in between.

use std::sync::Arc;

use holon_model::context::{Actor, Context};
use holon_model::{EnvironmentId, TenantId};
use holon_platform::db::test_db::TestDb;
use holon_platform::db::{Role, TenantTx};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};
use uuid::Uuid;

fn context(n: u128) -> Context {
    Context::of(TenantId(Uuid::from_u128(n)), EnvironmentId(Uuid::from_u128(n + 1_000)), Actor::System)
}

/// A tenant table of this test's own, made as migrations make theirs.
async fn with_table() -> TestDb {
    let db = TestDb::new().await;
    let owner = PgPool::connect_with(db.options(Role::Owner)).await.unwrap();
    owner
        .execute(
            "create table note (tenant_id uuid not null, n int not null, primary key (tenant_id, n));
             select holon_tenant_table('note', 'select, insert, update, delete', 'select');
             insert into note select ('00000000-0000-0000-0000-00000000000' || t)::uuid, n
             from generate_series(1, 4) t, generate_series(1, 10) n",
        )
        .await
        .unwrap();
    owner.close().await;
    db
}

async fn tenants_seen(tx: &mut TenantTx<'_>) -> Vec<Uuid> {
    sqlx::query_scalar("select tenant_id from note").fetch_all(tx.conn()).await.unwrap()
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_and_can_write_no_others() {
    let db = with_table().await;
    let (a, b) = (context(1), context(2));
    let mut tx = TenantTx::begin(&db.pools, &a).await.unwrap();
    assert_eq!(tenants_seen(&mut tx).await, vec![a.tenant.0; 10]);
    let updated = sqlx::query("update note set n = n + 100 where tenant_id = $1")
        .bind(b.tenant.0)
        .execute(tx.conn())
        .await
        .unwrap();
    assert_eq!(updated.rows_affected(), 0);
    let error = sqlx::query("insert into note values ($1, 77)").bind(b.tenant.0).execute(tx.conn()).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"));
}

#[tokio::test]
async fn without_a_tenant_there_are_no_rows_and_no_role_can_become_another() {
    let db = with_table().await;
    let rows: i64 = sqlx::query_scalar("select count(*) from note").fetch_one(&db.pools.app).await.unwrap();
    assert_eq!(rows, 0);
    for role in [Role::App, Role::Auth, Role::Engine] {
        let mut connection = PgConnection::connect_with(&db.options(role)).await.unwrap();
        for other in Role::ALL.into_iter().filter(|r| *r != role) {
            let statement = sqlx::AssertSqlSafe(format!("set role {}", other.name()));
            assert!(connection.execute(statement).await.is_err(), "{role:?} became {other:?}");
        }
        assert!(connection.execute("create table mine (n int)").await.is_err(), "{role:?} may create tables");
    }
}

#[tokio::test]
async fn a_connection_that_comes_back_with_a_tenant_set_is_closed() {
    let db = with_table().await;
    let mut connection = db.pools.app.acquire().await.unwrap();
    let leaked: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *connection).await.unwrap();
    connection
        .execute("select set_config('app.tenant_id', '00000000-0000-0000-0000-000000000001', false)")
        .await
        .unwrap();
    drop(connection);
    // The hook runs on its way back to the pool; a pool that kept it would hand it out again.
    for _ in 0..20 {
        let mut other = db.pools.app.acquire().await.unwrap();
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *other).await.unwrap();
        assert_ne!(pid, leaked);
    }
}

/// Drops the work instead of polling it once more than `polls` times.
async fn cut_off<T>(work: impl Future<Output = T>, mut polls: u64) -> Option<T> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        if polls == 0 {
            return std::task::Poll::Ready(None);
        }
        polls -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_row_of_another_tenant_is_ever_seen_while_transactions_are_dropped_at_random_points() {
    let db = Arc::new(with_table().await);
    let tasks = (0..16_u64).map(|task| {
        let db = Arc::clone(&db);
        tokio::spawn(async move {
            let mut state = task * 7919 + 1;
            let mut finished = 0;
            for _ in 0..60 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let me = context(u128::from(state >> 60) % 4 + 1);
                let work = async {
                    // Cut-off attempts to connect fill the listener's queue; that is no leak and not the question here.
                    let Ok(mut tx) = TenantTx::begin(&db.pools, &me).await else { return false };
                    let seen = tenants_seen(&mut tx).await;
                    assert!(seen.iter().all(|t| *t == me.tenant.0), "a foreign row");
                    assert_eq!(seen.len(), 10);
                    tx.commit().await.unwrap();
                    true
                };
                // Most are cut off somewhere on their way; the next borrower of the connection must be clean. Cut by the number
                // of times they were polled and not by time, so that a busy machine cuts neither all nor none.
                let polls = if state >> 62 == 0 { u64::MAX } else { (state >> 40) % 12 };
                finished += u32::from(cut_off(work, polls).await == Some(true));
            }
            finished
        })
    });
    let mut finished = 0;
    for task in tasks.collect::<Vec<_>>() {
        finished += task.await.unwrap();
    }
    assert!((1..16 * 60).contains(&finished), "{finished} finished: both the cut and the whole must happen");
    let me = context(3);
    let mut tx = TenantTx::begin(&db.pools, &me).await.unwrap();
    assert_eq!(tenants_seen(&mut tx).await, vec![me.tenant.0; 10]);
}
