-- Large payloads by reference: a trigger's input or an effect's result over 8 KiB is stored once and named by its hash in
-- the journal rows that hold it, so that a value which passes through ten steps is written once and not ten times.
--
-- A payload belongs to a tenant and to the week of the run that wrote it, and a journal row refers to its own week only.
-- So payloads are dropped by partition together with the journal of that week, without counting references: no row that
-- is left can refer to what is gone, and nothing that is referred to can be removed while a commit is under way.

create table blob (
  tenant_id uuid not null,
  -- Monday of the week (UTC) in which the run's id was made.
  week  date not null,
  hash  bytea not null check (octet_length(hash) = 32),
  bytes bytea not null,
  primary key (tenant_id, week, hash)
) partition by range (week);
comment on column blob.hash is 'blake3 of bytes.';
create table blob_default partition of blob default;
alter table blob_default enable row level security;
alter table blob_default force row level security;
select holon_tenant_table('blob', 'select', 'select, insert');

-- As before, with the partitions of `blob`, which go by the week itself and not by run id.
create or replace function holon_history_partitions(ahead int) returns int
language plpgsql
security definer
set search_path = pg_catalog, public
set lock_timeout = '500ms'
set timezone = 'UTC'
as $$
declare
  made int := 0;
  week timestamptz;
  parent text;
  child text;
  key text;
  low text;
  high text;
begin
  perform pg_advisory_xact_lock(7241018603);
  for i in 0 .. least(ahead, 52) loop
    week := date_trunc('week', now()) + i * interval '7 days';
    foreach parent in array array['run_hist', 'journal', 'blob'] loop
      child := format('%s_%s', parent, to_char(week, 'IYYY"w"IW'));
      continue when to_regclass('public.' || child) is not null;
      if parent = 'blob' then
        key := 'week';
        low := week::date::text;
        high := (week + interval '7 days')::date::text;
      else
        key := 'run_id';
        low := public.holon_run_bound(week)::text;
        high := public.holon_run_bound(week + interval '7 days')::text;
      end if;
      execute format('create table public.%I (like public.%I including defaults including constraints)', child, parent);
      execute format('alter table public.%I enable row level security', child);
      execute format('alter table public.%I force row level security', child);
      execute format('alter table public.%I add constraint bound check (%I >= %L and %I < %L)', child, key, low, key, high);
      execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, child,
                     low, high);
      execute format('alter table public.%I drop constraint bound', child);
      made := made + 1;
    end loop;
  end loop;
  return made;
end
$$;
select holon_history_partitions(8);
