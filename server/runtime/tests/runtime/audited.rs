//! The audit rows of starts: in both stores, with the run and never without it.

use std::sync::Arc;

use holon_model::{AuditId, EnvironmentId, IntentId, PersonId, RunId, TenantId, Timestamp};
use holon_platform::clock::SystemClock;
use holon_platform::db::test_db::TestDb;
use holon_runtime::StartError;
use holon_runtime::store::mem::{Fault, MemStore};
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{AuditRow, Store as _};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::support::{THREE_STEPS, World, keyed, tenant};

/// What the log says of the start of this run.
pub fn row(run: RunId, environment: EnvironmentId, number: u8) -> AuditRow {
    let named = |what: u128| Uuid::from_u128(run.0.as_u128() ^ (what << 48));
    AuditRow {
        id: AuditId(named(1)),
        at: Timestamp(1_790_000_000_000 + i64::from(number)),
        environment,
        actor: format!("person {number}"),
        person: (number % 2 == 1).then(|| PersonId(named(2))),
        source: if number == 5 { "web" } else { "api" },
        intent: IntentId(named(3)),
        kind: "run.start",
        subject: format!("flow {number}"),
        detail: format!("\"välue {number}\""),
        request: (number > 2).then(|| format!("request {number}")),
    }
}

/// Connections of the superuser: holon_engine writes the log and does not read it.
pub fn admin(db: &TestDb) -> PgPool {
    PgPoolOptions::new().max_connections(1).connect_lazy_with(db.admin_options())
}

/// The rows that the log refers to.
pub async fn know(admin: &PgPool, tenant: TenantId, environment: EnvironmentId) {
    sqlx::query("insert into tenant values ($1, 'Tenant', now())").bind(tenant.0).execute(admin).await.unwrap();
    sqlx::query("insert into environment values ($1, $2, 'prod', 'prod', now())")
        .bind(tenant.0)
        .bind(environment.0)
        .execute(admin)
        .await
        .unwrap();
}

type Columns = (Uuid, Uuid, String, Option<Uuid>, String, Uuid, String, String, String, Option<String>);

async fn stored(admin: &PgPool, tenant: TenantId, id: AuditId) -> Option<Columns> {
    sqlx::query_as(
        "select event_id, environment_id, actor, person_id, source, intent_id, intent_type, subject, detail::text, request_id
         from audit_event where tenant_id = $1 and event_id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .fetch_optional(admin)
    .await
    .unwrap()
}

/// The log says the same of the run in both stores.
pub async fn compare(mem: &MemStore, admin: &PgPool, tenant: TenantId, row: &AuditRow, run: RunId) {
    let known = mem.audited(tenant, run).map(|row| {
        let AuditRow { id, environment, actor, person, source, intent, kind, subject, detail, request, .. } = row;
        let person = person.map(|person| person.0);
        (id.0, environment.0, actor, person, source.to_owned(), intent.0, kind.to_owned(), subject, detail, request)
    });
    assert_eq!(known, stored(admin, tenant, row.id).await);
}

#[tokio::test]
async fn a_start_and_its_audit_row_are_both_there_or_neither_whatever_befalls_the_commit() {
    for fault in [Fault::Full, Fault::LostBefore, Fault::LostAfter, Fault::None] {
        let store = MemStore::new(SystemClock::shared());
        let mut world = World::over(Arc::new(store.clone()));
        world.start_within = std::time::Duration::from_secs(2);
        let flow = world.shelf.publish(THREE_STEPS);
        let runtime = world.runtime().await;
        let mut first = true;
        store.fail(move |batch| {
            let starts = batch.writes.iter().any(|write| write.start.is_some());
            if std::mem::take(&mut first) && starts { fault } else { Fault::None }
        });
        let mut request = world.request(flow);
        let (run, environment) = (request.run, request.environment);
        request.audit = Some(Box::new(row(run, environment, 1)));
        let answer = runtime.start(request).await;
        let there = store.history(tenant(1), run).await.unwrap().is_some();
        assert_eq!(store.audited(tenant(1), run).is_some(), there, "{fault:?}");
        assert_eq!(answer.is_ok(), there, "{fault:?}: {answer:?}");
        assert_eq!(there, fault != Fault::Full, "what was not answered is sent again: {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_an_earlier_one_has_done_writes_no_audit_row_and_one_that_cannot_be_stored_no_run() {
    let db = TestDb::new().await;
    let admin = admin(&db);
    let world = World::over(Arc::new(PgStore::new(db.pools.engine.clone())));
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let asked = |number: u8, key: Option<&str>| {
        let mut request = world.request(flow);
        let row = row(request.run, request.environment, number);
        request.idempotency = key.and_then(keyed);
        request.audit = Some(Box::new(row.clone()));
        (request, row)
    };
    // Nobody knows this tenant: its row of the log is refused, and so is the run.
    let (request, _) = asked(0, None);
    let run = request.run;
    assert!(matches!(runtime.start(request).await, Err(StartError::Refused(_))));
    assert_eq!(world.store.history(tenant(1), run).await, Ok(None));
    know(&admin, tenant(1), world.request(flow).environment).await;
    let (request, written) = asked(1, Some("once"));
    let started = runtime.start(request).await.unwrap();
    assert_eq!(stored(&admin, tenant(1), written.id).await.map(|columns| columns.2).as_deref(), Some("person 1"));
    let (request, second) = asked(2, Some("once"));
    let again = runtime.start(request).await.unwrap();
    assert_eq!((again.run, again.replayed), (started.run, true));
    assert_eq!(stored(&admin, tenant(1), second.id).await, None, "nothing was done");
}
