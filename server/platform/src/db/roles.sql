-- The four roles of Holon. Cluster-wide, so made with the cluster and not in a migration; safe to run again.
-- None is a superuser, none has BYPASSRLS, none is a member of another: one role, one pool, no SET ROLE.
do $$
declare
  r text;
begin
  -- Two servers (or two tests) may do this at once; role creation has no `if not exists`.
  perform pg_advisory_xact_lock(7241018601);
  foreach r in array array['holon_owner', 'holon_app', 'holon_auth', 'holon_engine'] loop
    if not exists (select 1 from pg_roles where rolname = r) then
      execute format('create role %I login nosuperuser nocreatedb nocreaterole noinherit nobypassrls noreplication', r);
    end if;
  end loop;
end $$;
alter role holon_app set idle_in_transaction_session_timeout = '10s';
alter role holon_auth set idle_in_transaction_session_timeout = '10s';
alter role holon_engine set idle_in_transaction_session_timeout = '30s';
alter role holon_app set statement_timeout = '15s';
alter role holon_auth set statement_timeout = '10s';
