-- Row-level security as one role meets it: one row a finding, none when the walls stand.
-- $1 the role, $2 tables that it may reach without a tenant column, $3 tables on which it may see all tenants' rows,
-- $4 SECURITY DEFINER functions that it may call.
with params as (select $1::text::name as role, 'tenant_id'::name as tcol),
tabs as (
  select c.oid, n.nspname, c.relname, c.relrowsecurity rs, c.relforcerowsecurity frs, c.relowner, c.relispartition
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_' and c.relkind in ('r', 'p')),
reach as (
  select t.*, exists (select 1 from pg_attribute a where a.attrelid = t.oid and a.attname = p.tcol and not a.attisdropped) has_t
  from tabs t, params p
  where has_table_privilege(p.role, t.oid, 'select,insert,update,delete')
     or has_any_column_privilege(p.role, t.oid, 'select,insert,update')),
policies as (
  select q.* from pg_policy q, params p where q.polroles = '{0}' or exists (
    select 1 from unnest(q.polroles) as r(oid) where r.oid <> 0 and pg_has_role(p.role, r.oid, 'member')))
select '01 role can bypass' k, r.rolname::text obj, format('superuser=%s bypassrls=%s', r.rolsuper, r.rolbypassrls) d
  from pg_roles r, params p where r.rolname = p.role and (r.rolsuper or r.rolbypassrls)
union all select '02 role is member of another role', g.rolname::text, ''
  from pg_roles g, params p where g.rolname <> p.role and pg_has_role(p.role, g.oid, 'member')
union all select '03 role owns table', relname::text, '' from tabs t, params p where pg_get_userbyid(relowner) = p.role
union all select '04 reachable table without tenant column', relname::text, ''
  from reach where not has_t and relname::text <> all ($2::text[])
union all select '05 row-level security not enabled', relname::text,
    case when relispartition then 'partition child: directly readable' else '' end
  from reach where not rs and has_t
union all select '06 row-level security not forced', relname::text, '' from reach where rs and not frs
union all select '07 no policy for a granted command', relname::text, cmd
  from reach r cross join (values ('r', 'select'), ('a', 'insert'), ('w', 'update'), ('d', 'delete')) v(c, cmd), params p
  where rs and has_table_privilege(p.role, r.oid, cmd)
    and not exists (select 1 from policies q where q.polrelid = r.oid and q.polcmd in ('*', v.c::"char"))
union all select '08 policy does not mention the tenant column', r.relname::text, q.polname::text
  from reach r join policies q on q.polrelid = r.oid, params p
  where q.polpermissive and r.relname::text <> all ($3::text[]) and r.has_t
    and (coalesce(pg_get_expr(q.polqual, q.polrelid), '') !~ p.tcol::text)
    and (coalesce(pg_get_expr(q.polwithcheck, q.polrelid), '') !~ p.tcol::text)
union all select '09 setting read once a row and not once a statement', r.relname::text, q.polname::text
  from reach r join policies q on q.polrelid = r.oid
  where coalesce(pg_get_expr(q.polqual, q.polrelid), '') || coalesce(pg_get_expr(q.polwithcheck, q.polrelid), '') ~ 'current_setting'
    and coalesce(pg_get_expr(q.polqual, q.polrelid), '') || coalesce(pg_get_expr(q.polwithcheck, q.polrelid), '') !~* '\(\s*SELECT'
union all select '10 view without security_invoker', c.relname::text, ''
  from pg_class c join pg_namespace n on n.oid = c.relnamespace, params p
  where c.relkind = 'v' and n.nspname !~ '^(pg_|information_schema)' and has_table_privilege(p.role, c.oid, 'select')
    and not coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1)', false)
union all select '11 materialised view readable', c.relname::text, 'row-level security cannot apply'
  from pg_class c join pg_namespace n on n.oid = c.relnamespace, params p
  where c.relkind = 'm' and n.nspname !~ '^(pg_|information_schema)' and has_table_privilege(p.role, c.oid, 'select')
union all select '12 SECURITY DEFINER executable', f.proname::text, ''
  from pg_proc f join pg_namespace n on n.oid = f.pronamespace, params p
  where f.prosecdef and n.nspname !~ '^(pg_|information_schema)' and has_function_privilege(p.role, f.oid, 'execute')
    and f.proname::text <> all ($4::text[])
union all select '13 foreign key between tenants'' tables without the tenant column', k.conrelid::regclass::text, k.conname::text
  from pg_constraint k, params p
  where k.contype = 'f'
    and exists (select 1 from pg_attribute a where a.attrelid = k.conrelid and a.attname = p.tcol)
    and exists (select 1 from pg_attribute a where a.attrelid = k.confrelid and a.attname = p.tcol)
    and not exists (select 1 from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any(k.conkey) and a.attname = p.tcol)
union all select '14 unique index without the tenant column', i.indexrelid::regclass::text, 'tells whether another tenant has it'
  from pg_index i join reach r on r.oid = i.indrelid, params p
  where r.has_t and i.indisunique
    and not exists (select 1 from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any(i.indkey) and a.attname = p.tcol)
union all select '15 tenant column nullable', r.relname::text, ''
  from reach r join pg_attribute a on a.attrelid = r.oid, params p where a.attname = p.tcol and not a.attnotnull
union all select '16 no index led by the tenant column', r.relname::text, ''
  from reach r, params p where r.has_t and not exists (
    select 1 from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = r.oid and a.attname = p.tcol)
union all select '17 enum or numeric in an index', i.indexrelid::regclass::text, a.attname::text
  from pg_index i join reach r on r.oid = i.indrelid
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) join pg_type t on t.oid = a.atttypid
  where r.rs and (t.typtype = 'e' or t.typname = 'numeric')
union all select '18 truncate, references or trigger granted', r.relname::text, x
  from reach r cross join unnest(array['truncate', 'references', 'trigger']) x, params p
  where has_table_privilege(p.role, r.oid, x)
union all select '19 role can create objects', n.nspname::text, ''
  from pg_namespace n, params p
  where n.nspname !~ '^(pg_|information_schema)' and has_schema_privilege(p.role, n.oid, 'create')
order by 1, 2, 3
