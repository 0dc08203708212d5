-- Weekly partitions of history, made ahead of time. The runtime asks for them at start and every day; it may not make
-- tables itself, so the owner's right to do exactly this is lent through one function. Partitions are made beside the
-- parent and attached with their bound proved by a check, which blocks nobody; nobody has any right on them directly.

create table run_hist_default partition of run_hist default;
alter table run_hist_default enable row level security;
alter table run_hist_default force row level security;
create table journal_default partition of journal default;
alter table journal_default enable row level security;
alter table journal_default force row level security;

-- The smallest UUIDv7 of an instant.
create function holon_run_bound(at timestamptz) returns uuid
language sql stable
return rpad(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0'), 32, '0')::uuid;

-- Makes the partitions of this week and of `ahead` weeks more; answers how many it made.
create function holon_history_partitions(ahead int) returns int
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
begin
  perform pg_advisory_xact_lock(7241018603);
  for i in 0 .. least(ahead, 52) loop
    week := date_trunc('week', now()) + i * interval '7 days';
    foreach parent in array array['run_hist', 'journal'] loop
      child := format('%s_%s', parent, to_char(week, 'IYYY"w"IW'));
      continue when to_regclass('public.' || child) is not null;
      execute format('create table public.%I (like public.%I including defaults including constraints)', child, parent);
      execute format('alter table public.%I enable row level security', child);
      execute format('alter table public.%I force row level security', child);
      execute format('alter table public.%I add constraint bound check (run_id >= %L and run_id < %L)', child,
                     public.holon_run_bound(week), public.holon_run_bound(week + interval '7 days'));
      execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, child,
                     public.holon_run_bound(week), public.holon_run_bound(week + interval '7 days'));
      execute format('alter table public.%I drop constraint bound', child);
      made := made + 1;
    end loop;
  end loop;
  return made;
end
$$;
revoke execute on function holon_history_partitions(int) from public;
grant execute on function holon_history_partitions(int) to holon_engine;
select holon_history_partitions(8);
