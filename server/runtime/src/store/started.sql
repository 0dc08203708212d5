-- A batch of runs that begin: the arms of `commit.sql` that it needs, and no others; each arm costs a client that waits for it.
with fence as materialized (
  select 1 as held from replica where replica_id = $1 and not fenced for share
), keyed as materialized (
  select * from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bytea[], $7::timestamptz[])
    as k(tenant_id, scope, key, run_id, request_hash, expires_at)
), won as (
  insert into idempotency (tenant_id, scope, key, run_id, request_hash, expires_at)
  select tenant_id, scope, key, run_id, request_hash, expires_at from keyed where exists (select from fence)
  on conflict (tenant_id, scope, key) do nothing
  returning run_id
), lost as materialized (
  select run_id from keyed where run_id not in (select run_id from won)
), started as (
  insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor,
                        started_at, definition_hash, retry_of, labels, correlation, fork_of, fork_seq)
  select tenant_id, run_id, 'started', environment_id, flow_id, version, started_at, 'queued', trigger, actor,
         started_at, definition_hash, retry_of, labels::jsonb, correlation, fork_of, fork_seq
  from unnest($8::uuid[], $9::uuid[], $10::uuid[], $11::uuid[], $12::int[], $13::text[], $14::text[],
              $15::timestamptz[], $16::bytea[], $17::uuid[], $18::text[], $19::text[], $20::uuid[], $21::bigint[])
    as s(tenant_id, run_id, environment_id, flow_id, version, trigger, actor, started_at, definition_hash, retry_of,
         labels, correlation, fork_of, fork_seq)
  where exists (select from fence) and run_id not in (select run_id from lost)
), born as (
  insert into run_live (tenant_id, run_id, environment_id, shard, flow_id, version, status, started_at, wakes_at, correlation)
  select tenant_id, run_id, environment_id, shard, flow_id, version, status, started_at, wakes_at, correlation
  from unnest($22::uuid[], $23::uuid[], $24::uuid[], $25::smallint[], $26::uuid[], $27::int[], $28::text[],
              $29::timestamptz[], $36::timestamptz[], $37::text[])
    as b(tenant_id, run_id, environment_id, shard, flow_id, version, status, started_at, wakes_at, correlation)
  where exists (select from fence) and run_id not in (select run_id from lost)
), journaled as (
  insert into journal (tenant_id, run_id, seq, n, at, body)
  select tenant_id, run_id, seq, n, at, body
  from unnest($30::uuid[], $31::uuid[], $32::bigint[], $33::int[], $34::timestamptz[], $35::bytea[])
    as j(tenant_id, run_id, seq, n, at, body)
  where exists (select from fence) and run_id not in (select run_id from lost)
)
select exists (select from fence) as "held!", array(select run_id from lost) as "lost!"
