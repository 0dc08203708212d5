//! The rows of effects that are handed out to workers, in Postgres: written and taken back by the batch.

use std::collections::{BTreeMap, BTreeSet};

use holon_engine::EffectId;
use holon_model::{RunId, TenantId, Timestamp, json};
use holon_platform::clock::to_db;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::ask_rows::Ids;
use super::asks::ask_uuid;
use super::pg::unread;
use super::work::HandOut;
use super::{RunWrite, StoreError};

type Key = (TenantId, RunId, EffectId, u32);

struct Row {
    at: Timestamp,
    environment: Uuid,
    flow: Uuid,
    work: HandOut,
}

/// What a batch hands out and takes back. What a run takes back in the write that handed it out was never there.
#[derive(Default)]
pub(super) struct Work {
    out: BTreeMap<Key, Row>,
    back: BTreeSet<(TenantId, RunId, EffectId, Option<u32>)>,
}

impl Work {
    pub(super) fn hand_out(&mut self, write: &RunWrite, at: Timestamp, work: &HandOut) {
        let (environment, flow) = (write.facts.environment.0, write.facts.flow.0);
        let row = Row { at, environment, flow, work: work.clone() };
        self.out.insert((write.tenant, write.run, work.id, work.attempt), row);
    }

    pub(super) fn take_back(&mut self, write: &RunWrite, id: EffectId, attempt: Option<u32>) {
        let (tenant, run) = (write.tenant, write.run);
        self.out.retain(|(whose, of, effect, this), _| {
            (*whose, *of, *effect) != (tenant, run, id) || attempt.is_some_and(|attempt| attempt != *this)
        });
        self.back.insert((tenant, run, id, attempt));
    }
}

/// Takes back first, then hands out: an id that does both in one batch was handed out last.
pub(super) async fn write(tx: &mut PgConnection, work: Work, over: &Ids) -> Result<(), sqlx::Error> {
    let Work { out, back } = work;
    if !back.is_empty() {
        let tenants: Vec<Uuid> = back.iter().map(|(tenant, ..)| tenant.0).collect();
        let runs: Vec<Uuid> = back.iter().map(|(_, run, ..)| run.0).collect();
        let ids: Vec<Uuid> = back.iter().map(|(_, _, id, _)| ask_uuid(*id)).collect();
        let attempts: Vec<Option<i32>> = back.iter().map(|(.., attempt)| attempt.map(number)).collect();
        sqlx::query!(
            "delete from work w using unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[]) as x(tenant_id, run_id, effect_id, attempt)
             where w.tenant_id = x.tenant_id and w.run_id = x.run_id and w.effect_id = x.effect_id
               and (x.attempt is null or w.attempt = x.attempt)",
            &tenants,
            &runs,
            &ids,
            &attempts as &[Option<i32>]
        )
        .execute(&mut *tx)
        .await?;
    }
    if !out.is_empty() {
        hand_out(tx, out).await?;
    }
    if !over.run.is_empty() {
        sqlx::query!(
            "delete from work w using unnest($1::uuid[], $2::uuid[]) as x(tenant_id, run_id)
             where w.tenant_id = x.tenant_id and w.run_id = x.run_id",
            &over.tenant,
            &over.run
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

fn number(attempt: u32) -> i32 {
    i32::try_from(attempt).unwrap_or(i32::MAX)
}

async fn hand_out(tx: &mut PgConnection, out: BTreeMap<Key, Row>) -> Result<(), sqlx::Error> {
    let (mut tenant, mut run, mut effect, mut attempt) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut environment, mut flow, mut path) = (Vec::new(), Vec::new(), Vec::new());
    let (mut pool, mut name, mut input, mut heartbeat) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut asked_at, mut deadline) = (Vec::<OffsetDateTime>::new(), Vec::<OffsetDateTime>::new());
    for ((whose, of, id, this), row) in out {
        tenant.push(whose.0);
        run.push(of.0);
        effect.push(ask_uuid(id));
        attempt.push(number(this));
        environment.push(row.environment);
        flow.push(row.flow);
        asked_at.push(to_db(row.at));
        deadline.push(to_db(row.at.plus(row.work.timeout)));
        heartbeat.push(i64::try_from(row.work.heartbeat.0).unwrap_or(i64::MAX));
        input.push(json::to_string(&row.work.input));
        path.push(row.work.path);
        pool.push(row.work.pool);
        name.push(row.work.name);
    }
    sqlx::query!(
        "insert into work (tenant_id, run_id, effect_id, attempt, environment_id, flow_id, path, pool, name, input, heartbeat_ms,
           asked_at, free_at, deadline)
         select tenant_id, run_id, effect_id, attempt, environment_id, flow_id, path, pool, name, input, heartbeat_ms,
           asked_at, asked_at, deadline
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[],
                     $10::text[], $11::bigint[], $12::timestamptz[], $13::timestamptz[])
           as x(tenant_id, run_id, effect_id, attempt, environment_id, flow_id, path, pool, name, input, heartbeat_ms, asked_at, deadline)
         on conflict do nothing",
        &tenant,
        &run,
        &effect,
        &attempt,
        &environment,
        &flow,
        &path,
        &pool,
        &name,
        &input,
        &heartbeat,
        &asked_at,
        &deadline
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Takes away what runs that are over left behind.
pub(super) async fn sweep(pool: &PgPool) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from work w where not exists (select from run_live l where l.tenant_id = w.tenant_id and l.run_id = w.run_id)"
    )
    .execute(pool)
    .await
    .map_err(unread)?;
    Ok(done.rows_affected())
}
