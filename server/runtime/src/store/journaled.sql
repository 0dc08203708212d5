-- The commonest batch: only new inputs of runs that go on. The arm of `commit.sql` that such a batch needs, and no other.
with fence as materialized (
  select 1 as held from replica where replica_id = $1 and not fenced for share
), journaled as (
  insert into journal (tenant_id, run_id, seq, n, at, body)
  select tenant_id, run_id, seq, n, at, body
  from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::int[], $6::timestamptz[], $7::bytea[])
    as j(tenant_id, run_id, seq, n, at, body)
  where exists (select from fence)
)
select exists (select from fence) as "held!"
