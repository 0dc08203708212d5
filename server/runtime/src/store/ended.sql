-- A batch of runs that end: the arms of `commit.sql` that it needs, and no others. None of them can lose a key.
with fence as materialized (
  select 1 as held from replica where replica_id = $1 and not fenced for share
), journaled as (
  insert into journal (tenant_id, run_id, seq, n, at, body)
  select tenant_id, run_id, seq, n, at, body
  from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::int[], $6::timestamptz[], $7::bytea[])
    as j(tenant_id, run_id, seq, n, at, body)
  where exists (select from fence)
), gone as (
  delete from run_live r using unnest($8::uuid[], $9::uuid[]) as g(tenant_id, run_id)
  where r.tenant_id = g.tenant_id and r.run_id = g.run_id and exists (select from fence)
), ended as (
  insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor,
                        started_at, definition_hash, retry_of, error, log_hash, final, labels, correlation, fork_of, fork_seq)
  select tenant_id, run_id, 'ended', environment_id, flow_id, version, at, status, trigger, actor,
         started_at, definition_hash, retry_of, error, log_hash, final, labels::jsonb, correlation, fork_of, fork_seq
  from unnest($10::uuid[], $11::uuid[], $12::uuid[], $13::uuid[], $14::int[], $15::timestamptz[], $16::text[],
              $17::text[], $18::text[], $19::timestamptz[], $20::bytea[], $21::uuid[], $22::text[], $23::bytea[],
              $24::bytea[], $25::text[], $26::text[], $27::uuid[], $28::bigint[])
    as e(tenant_id, run_id, environment_id, flow_id, version, at, status, trigger, actor, started_at, definition_hash,
         retry_of, error, log_hash, final, labels, correlation, fork_of, fork_seq)
  where exists (select from fence)
)
select exists (select from fence) as "held!"
