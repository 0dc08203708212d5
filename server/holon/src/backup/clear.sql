-- Takes away everything that migrations made, and makes the one function of a restore that Postgres must compute.
do $$
declare
  thing record;
begin
  for thing in
    select c.oid::regclass as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname
  loop
    execute format('drop table if exists %s cascade', thing.name);
  end loop;
  for thing in
    select c.oid::regclass as name, case c.relkind when 'S' then 'sequence' when 'v' then 'view' else 'materialized view' end as kind
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('S', 'v', 'm')
  loop
    execute format('drop %s if exists %s cascade', thing.kind, thing.name);
  end loop;
  for thing in
    select p.oid::regprocedure as name from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  loop
    execute format('drop routine if exists %s cascade', thing.name);
  end loop;
end
$$;

-- Makes the partition of one week, unless it is there: the week and the parent stand in its name, everything else follows
-- from them, and nothing of what a file says is run as a statement.
create or replace function pg_temp.holon_week(child text) returns void
language plpgsql
set timezone = 'UTC'
as $$
declare
  parent text := regexp_replace(child, '_[0-9]{4}w[0-9]{2}$', '');
  week timestamptz := to_date(right(child, 7), 'IYYY"w"IW');
  kind regtype;
  low text;
  high text;
begin
  if child !~ '^[a-z_]+_[0-9]{4}w[0-9]{2}$' then
    raise exception 'the backup names a partition %, which is not the name of one', child;
  end if;
  if to_regclass('public.' || quote_ident(child)) is not null then
    return;
  end if;
  select a.atttypid into kind from pg_partitioned_table p
    join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = to_regclass('public.' || quote_ident(parent)) and p.partstrat = 'r' and p.partnatts = 1;
  case kind
    when 'uuid'::regtype then
      low := public.holon_run_bound(week)::text;
      high := public.holon_run_bound(week + interval '7 days')::text;
    when 'date'::regtype then
      low := week::date::text;
      high := (week + interval '7 days')::date::text;
    when 'timestamptz'::regtype then
      low := week::text;
      high := (week + interval '7 days')::text;
    else
      raise exception 'the backup names a partition %, whose parent is not divided by weeks', child;
  end case;
  execute format('create table public.%I (like public.%I including defaults including constraints)', child, parent);
  execute format('alter table public.%I enable row level security', child);
  execute format('alter table public.%I force row level security', child);
  execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, child, low, high);
end
$$;
