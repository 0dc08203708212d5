-- One week's partitions are made by a function of their own: the server still asks for this week and those to come only, while
-- tests and benchmarks, whose clocks stand at other weeks, make those they speak of. Only the owner may call it.

-- Makes the partitions of the week that holds an instant; answers how many it made.
create function holon_history_week(at timestamptz) returns int
language plpgsql
set search_path = pg_catalog, public
set timezone = 'UTC'
as $$
declare
  made int := 0;
  week timestamptz := date_trunc('week', at);
  parent text;
  child text;
  key text;
  low text;
  high text;
begin
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
    execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, child, low, high);
    execute format('alter table public.%I drop constraint bound', child);
    made := made + 1;
  end loop;
  return made;
end
$$;
revoke execute on function holon_history_week(timestamptz) from public;

-- As before: this week and `ahead` weeks more, by the one above.
create or replace function holon_history_partitions(ahead int) returns int
language plpgsql
security definer
set search_path = pg_catalog, public
set lock_timeout = '500ms'
set timezone = 'UTC'
as $$
declare
  made int := 0;
begin
  perform pg_advisory_xact_lock(7241018603);
  for i in 0 .. least(ahead, 52) loop
    made := made + public.holon_history_week(now() + i * interval '7 days');
  end loop;
  return made;
end
$$;
