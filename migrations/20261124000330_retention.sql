-- How long the history of runs is kept. What a workspace chose stands here; without a row the operator's default holds.

create table retention (
  tenant_id uuid not null primary key references tenant,
  days int not null check (days between 1 and 3650),
  changed_at timestamptz not null,
  changed_by text not null
);
select holon_tenant_table('retention', 'select, insert, update, delete', 'select');

-- The engine forgets runs that are over, with what belongs to them. Rows of runs are deleted where tenants that keep them longer
-- have rows in the same week; a week of which nobody keeps anything is dropped whole.
grant delete on run_hist, journal, blob, run_label, task to holon_engine;
grant select, delete on link to holon_engine;
create policy engine_serves_all on link to holon_engine using (true) with check (true);

-- Takes a week's partitions off their tables; answers how many. Not concurrently, which tables with a default partition do not
-- allow: it waits half a second at most for statements that are under way, and else is refused and tried later. Rows are read
-- in it no more from then on; what is detached is not in a backup.
create function holon_detach_history(week date, until timestamptz) returns int
language plpgsql
security definer
set search_path = pg_catalog, public
set lock_timeout = '500ms'
set timezone = 'UTC'
as $$
declare
  parent text;
  child text;
  taken int := 0;
begin
  if week + 8 > until::date then
    raise exception 'the week of % is not over', week;
  end if;
  perform pg_advisory_xact_lock(7241018603);
  foreach parent in array array['run_hist', 'journal', 'blob', 'run_label'] loop
    child := format('%s_%s', parent, to_char(week, 'IYYY"w"IW'));
    continue when not exists (
      select from pg_inherits
      where inhparent = to_regclass('public.' || parent) and inhrelid = to_regclass(format('public.%I', child)));
    execute format('alter table public.%I detach partition public.%I', parent, child);
    taken := taken + 1;
  end loop;
  return taken;
end
$$;
revoke execute on function holon_detach_history(date, timestamptz) from public;
grant execute on function holon_detach_history(date, timestamptz) to holon_engine;

-- Drops what was detached, also by one that ended before it came to that; answers how many tables.
create function holon_drop_detached() returns int
language plpgsql
security definer
set search_path = pg_catalog, public
set lock_timeout = '500ms'
as $$
declare
  child text;
  dropped int := 0;
begin
  perform pg_advisory_xact_lock(7241018603);
  for child in
    select c.relname from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not c.relispartition
      and c.relname ~ '^(run_hist|journal|blob|run_label)_[0-9]{4}w[0-9]{2}$'
  loop
    execute format('drop table public.%I', child);
    dropped := dropped + 1;
  end loop;
  return dropped;
end
$$;
revoke execute on function holon_drop_detached() from public;
grant execute on function holon_drop_detached() to holon_engine;
