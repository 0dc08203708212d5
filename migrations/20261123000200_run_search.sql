-- What runs are found by: labels and a correlation, given when a run is started. They stand in both rows of a run, so that a
-- list needs one of them only, and describe the run: they are no part of its journal and not of its log hash.

alter table run_hist add column labels jsonb;
alter table run_hist add column correlation text;
-- From where it was forked: the run whose inputs were copied, and how many of them.
alter table run_hist add column fork_of uuid;
alter table run_hist add column fork_seq bigint;

-- Each index gives its runs newest first. Only the second one grows with every run.
create index run_hist_correlation on run_hist (tenant_id, correlation, run_id desc)
  where moment = 'started' and correlation is not null;
create index run_hist_trigger on run_hist (tenant_id, trigger, run_id desc) where moment = 'started';

-- The runs of a label, newest first: an index over a column of labels gives them in no order, and the newest fifty of a million
-- would have to be sorted out of all of them.
create table run_label (
  tenant_id uuid not null,
  key text not null,
  value text not null,
  run_id uuid not null,
  primary key (tenant_id, key, value, run_id)
) partition by range (run_id);
create table run_label_default partition of run_label default;
alter table run_label_default enable row level security;
alter table run_label_default force row level security;
select holon_tenant_table('run_label', 'select', 'select, insert');

-- As before, with the partitions of `run_label`.
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
    foreach parent in array array['run_hist', 'journal', 'blob', 'run_label'] loop
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
