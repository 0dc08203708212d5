-- The state of flows: a few values by key, kept from run to run. A step's change is written in the commit that journals its result,
-- and only if the key is still at the revision that the step read (server/runtime/src/store/change_rows.rs).

create table flow_state (
  tenant_id uuid not null,
  environment_id uuid not null,
  flow_id uuid not null,
  key text collate "C" not null check (length(key) between 1 and 200),
  -- Which change made it; no two have the same.
  revision uuid not null,
  -- JSON, as it was written.
  value text not null,
  -- The run that wrote it, or who else did.
  run_id uuid,
  changed_by text,
  updated_at timestamptz not null,
  primary key (tenant_id, environment_id, flow_id, key)
) with (fillfactor = 70);
select holon_tenant_table('flow_state', 'select, insert, update, delete', 'select, insert, update, delete', '');
