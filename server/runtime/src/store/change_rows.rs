//! The rows that steps change, in Postgres: checked and written in the transaction of the commit, before the rest of it, so that a
//! run whose change was made from an older revision can be left out of the batch.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use holon_model::RunId;
use holon_platform::clock::to_db;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::changes::{MOST_KEYS, RecordChange, StateChange, StateOf, StateRow, States};
use super::pg::{PgStore, failed, unread};
use super::{Batch, StoreError};

type Place<'b> = (StateOf, &'b str);

/// Columns of the keys that a batch changes.
#[derive(Default)]
struct Keys {
    tenant: Vec<Uuid>,
    environment: Vec<Uuid>,
    flow: Vec<Uuid>,
    key: Vec<String>,
}

impl Keys {
    fn push(&mut self, (of, key): Place<'_>) {
        self.tenant.push(of.tenant.0);
        self.environment.push(of.environment.0);
        self.flow.push(of.flow.0);
        self.key.push(key.to_owned());
    }
}

/// Columns of the values that they get.
#[derive(Default)]
struct Values {
    keys: Keys,
    run: Vec<Uuid>,
    revision: Vec<Uuid>,
    value: Vec<String>,
    at: Vec<OffsetDateTime>,
}

impl Values {
    fn push(&mut self, place: Place<'_>, run: RunId, change: &StateChange, value: &str) {
        self.keys.push(place);
        self.run.push(run.0);
        self.revision.push(change.revision);
        self.value.push(value.to_owned());
        self.at.push(to_db(change.at));
    }
}

/// Makes the changes of a batch, and says of which runs none was made because one of theirs came too late.
///
/// # Errors
/// When the database refuses, or a key was added by somebody else at the same instant: then all of it is to be tried again.
pub(super) async fn write(tx: &mut PgConnection, batch: &Batch) -> Result<BTreeSet<RunId>, StoreError> {
    let mut current = lock(tx, batch).await.map_err(failed)?;
    let before = current.clone();
    let mut stale = BTreeSet::new();
    let mut last: BTreeMap<Place<'_>, (RunId, &StateChange)> = BTreeMap::new();
    for write in &batch.writes {
        let of = StateOf::run(write);
        let states = || {
            write.changes.iter().filter_map(|change| match change {
                RecordChange::State(change) => Some(change),
                RecordChange::Publish(_) => None,
            })
        };
        // As one after the other would find it, and all of a run's or none.
        let mut after = BTreeMap::new();
        let made = states().all(|change| {
            let place = (of, change.key.as_str());
            let now = after.get(&place).or_else(|| current.get(&place)).copied().flatten();
            after.insert(place, change.value.as_ref().map(|_| change.revision));
            now == change.was
        });
        if made {
            current.extend(after);
            last.extend(states().map(|change| ((of, change.key.as_str()), (write.run, change))));
        } else {
            stale.insert(write.run);
        }
    }
    let (mut put, mut added, mut gone) = (Values::default(), Values::default(), Keys::default());
    for (place, (run, change)) in last {
        let known = before.get(&place).copied().flatten().is_some();
        match &change.value {
            Some(value) if known => put.push(place, run, change, value),
            Some(value) => added.push(place, run, change, value),
            None => gone.push(place),
        }
    }
    update(tx, &put).await.map_err(failed)?;
    insert(tx, &added).await?;
    delete(tx, &gone).await.map_err(failed)?;
    publish(tx, batch, &stale).await.map_err(failed)?;
    Ok(stale)
}

/// The revisions of the keys that a batch changes, locked in one order so that two batches never wait for each other in a circle.
async fn lock<'b>(tx: &mut PgConnection, batch: &'b Batch) -> Result<BTreeMap<Place<'b>, Option<Uuid>>, sqlx::Error> {
    let mut places = BTreeMap::new();
    for write in &batch.writes {
        for change in &write.changes {
            if let RecordChange::State(change) = change {
                places.insert((StateOf::run(write), change.key.as_str()), None);
            }
        }
    }
    if places.is_empty() {
        return Ok(places);
    }
    let mut keys = Keys::default();
    places.keys().for_each(|place| keys.push(*place));
    let rows = sqlx::query!(
        r#"select x.n as "n!", s.revision
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) with ordinality
             as x(tenant_id, environment_id, flow_id, key, n)
           join flow_state s on s.tenant_id = x.tenant_id and s.environment_id = x.environment_id
             and s.flow_id = x.flow_id and s.key = x.key
           order by s.tenant_id, s.environment_id, s.flow_id, s.key
           for update of s"#,
        &keys.tenant,
        &keys.environment,
        &keys.flow,
        &keys.key
    )
    .fetch_all(tx)
    .await?;
    let revisions: BTreeMap<i64, Uuid> = rows.into_iter().map(|row| (row.n, row.revision)).collect();
    for (n, revision) in (1_i64..).zip(places.values_mut()) {
        *revision = revisions.get(&n).copied();
    }
    Ok(places)
}

async fn update(tx: &mut PgConnection, put: &Values) -> Result<(), sqlx::Error> {
    if put.run.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update flow_state s set revision = x.revision, value = x.value, run_id = x.run_id, changed_by = null, updated_at = x.at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::timestamptz[])
           as x(tenant_id, environment_id, flow_id, key, revision, value, run_id, at)
         where s.tenant_id = x.tenant_id and s.environment_id = x.environment_id and s.flow_id = x.flow_id and s.key = x.key",
        &put.keys.tenant,
        &put.keys.environment,
        &put.keys.flow,
        &put.keys.key,
        &put.revision,
        &put.value,
        &put.run,
        &put.at
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert(tx: &mut PgConnection, added: &Values) -> Result<(), StoreError> {
    if added.run.is_empty() {
        return Ok(());
    }
    let done = sqlx::query!(
        "insert into flow_state (tenant_id, environment_id, flow_id, key, revision, value, run_id, updated_at)
         select tenant_id, environment_id, flow_id, key, revision, value, run_id, at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::timestamptz[])
           as x(tenant_id, environment_id, flow_id, key, revision, value, run_id, at)
         on conflict (tenant_id, environment_id, flow_id, key) do nothing",
        &added.keys.tenant,
        &added.keys.environment,
        &added.keys.flow,
        &added.keys.key,
        &added.revision,
        &added.value,
        &added.run,
        &added.at
    )
    .execute(tx)
    .await
    .map_err(failed)?;
    if usize::try_from(done.rows_affected()).is_ok_and(|done| done == added.run.len()) {
        return Ok(());
    }
    Err(StoreError::Contention("a key of a flow's state was added by somebody else".into()))
}

async fn delete(tx: &mut PgConnection, gone: &Keys) -> Result<(), sqlx::Error> {
    if gone.key.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from flow_state s
         using unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as x(tenant_id, environment_id, flow_id, key)
         where s.tenant_id = x.tenant_id and s.environment_id = x.environment_id and s.flow_id = x.flow_id and s.key = x.key",
        &gone.tenant,
        &gone.environment,
        &gone.flow,
        &gone.key
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Columns of new events.
#[derive(Default)]
struct Events {
    tenant: Vec<Uuid>,
    environment: Vec<Uuid>,
    id: Vec<Uuid>,
    run: Vec<Uuid>,
    subject: Vec<String>,
    data: Vec<String>,
    at: Vec<OffsetDateTime>,
}

async fn publish(tx: &mut PgConnection, batch: &Batch, stale: &BTreeSet<RunId>) -> Result<(), sqlx::Error> {
    let mut new = Events::default();
    for write in batch.writes.iter().filter(|write| !stale.contains(&write.run)) {
        for change in &write.changes {
            let RecordChange::Publish(event) = change else { continue };
            new.tenant.push(write.tenant.0);
            new.environment.push(write.facts.environment.0);
            new.id.push(event.id);
            new.run.push(write.run.0);
            new.subject.push(event.subject.clone());
            new.data.push(event.data.clone());
            new.at.push(to_db(event.at));
        }
    }
    if new.id.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into event_outbox (tenant_id, environment_id, event_id, run_id, subject, data, published_at)
         select tenant_id, environment_id, event_id, run_id, subject, data, at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[])
           with ordinality as x(tenant_id, environment_id, event_id, run_id, subject, data, at, n)
         order by n
         on conflict (tenant_id, event_id) do nothing",
        &new.tenant,
        &new.environment,
        &new.id,
        &new.run,
        &new.subject,
        &new.data,
        &new.at
    )
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl States for PgStore {
    async fn state(&self, of: StateOf, key: &str) -> Result<Option<StateRow>, StoreError> {
        let row = sqlx::query!(
            "select revision, value from flow_state where tenant_id = $1 and environment_id = $2 and flow_id = $3 and key = $4",
            of.tenant.0,
            of.environment.0,
            of.flow.0,
            key
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(unread)?;
        Ok(row.map(|row| StateRow { revision: row.revision, value: row.value }))
    }

    async fn state_full(&self, of: StateOf) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"select exists (select from flow_state where tenant_id = $1 and environment_id = $2 and flow_id = $3
                 offset $4 limit 1) as "full!""#,
            of.tenant.0,
            of.environment.0,
            of.flow.0,
            MOST_KEYS - 1
        )
        .fetch_one(&self.pool)
        .await
        .map_err(unread)
    }
}
