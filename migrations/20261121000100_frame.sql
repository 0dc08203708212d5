-- The frame every later migration stands on: one helper that walls a tenant table in, so that no table can do it
-- a little differently. The roles themselves are cluster-wide and are made with the cluster, not here.

-- Turns on forced row-level security and writes the policies and grants of one tenant table.
--   app     what holon_app may do with rows of the tenant in `app.tenant_id` (e.g. 'select, insert, update')
--   engine  what holon_engine may do: it serves all tenants and always names the tenant in its statements
--   auth    'select' where holon_auth looks a tenant up here (by session, token, address), else ''; what it may write
--           at sign-up is written by hand where it is, and bound to the tenant being made
-- An empty string grants nothing and writes no policy. The owner's policy exists for migrations only (backfills
-- under FORCE would otherwise see no rows); nothing but migrations connects as the owner.
-- The setting is read in a scalar sub-select so that it is evaluated once per statement and not once per row, and
-- through nullif because after a committed transaction it is '' and not null.
create function holon_tenant_table(tbl regclass, app text, engine text default '', auth text default '')
returns void
language plpgsql
set search_path = pg_catalog, public
as $$
begin
  execute format('alter table %s enable row level security', tbl);
  execute format('alter table %s force row level security', tbl);
  execute format('create policy owner_migrates on %s to holon_owner using (true) with check (true)', tbl);
  if app <> '' then
    execute format('grant %s on %s to holon_app', app, tbl);
    execute format(
      'create policy tenant_only on %s to holon_app '
      'using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)) '
      'with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))', tbl);
  end if;
  if engine <> '' then
    execute format('grant %s on %s to holon_engine', engine, tbl);
    execute format('create policy engine_serves_all on %s to holon_engine using (true) with check (true)', tbl);
  end if;
  if auth = 'select' then
    execute format('grant select on %s to holon_auth', tbl);
    execute format('create policy auth_looks_up on %s for select to holon_auth using (true)', tbl);
  elsif auth <> '' then
    raise exception 'holon_auth only selects; write other grants and their policies by hand';
  end if;
end
$$;
revoke execute on function holon_tenant_table(regclass, text, text, text) from public;
