-- What happened to a run that another replica drives: left here by whoever was told, taken in by the one that holds the run's
-- shard. A row is deleted in the commit that writes its input to the journal, so each is taken in once; there is no cursor to get
-- wrong. What was said twice is known to the run itself.

create table inbox (
  tenant_id uuid not null,
  run_id uuid not null,
  id bigint generated always as identity,
  shard smallint not null check (shard between 0 and 255),
  -- The replica to which it is told what became of it.
  sender uuid not null,
  at timestamptz not null default now(),
  -- The input, as the engine encodes it.
  body bytea not null,
  primary key (tenant_id, run_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
create index inbox_by_shard on inbox (shard, id);
select holon_tenant_table('inbox', '', 'select, insert, delete');
