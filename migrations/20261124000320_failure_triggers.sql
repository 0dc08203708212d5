-- Flows that start when another flow's run fails: one row for each failure trigger of a version in force, made and taken away by
-- publishing. Any replica looks at rows that are due (`for update skip locked`); what it finds becomes a row of `failure_start`,
-- with the id of the run that it is to start, in the transaction that moves the trigger on. So each failed run starts one run.

create table failure_trigger (
  tenant_id uuid not null,
  environment_id uuid not null,
  flow_id uuid not null,
  node text not null,
  -- The version in force, written by publishing.
  version int not null,
  -- Of this flow only; absent for any other.
  of_flow uuid,
  -- What failed before is not looked at.
  since timestamptz not null,
  looked_at timestamptz not null,
  next_look_at timestamptz not null,
  primary key (tenant_id, environment_id, flow_id, node),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id),
  foreign key (tenant_id, flow_id) references flow (tenant_id, flow_id) on delete cascade
) with (fillfactor = 70);
create index failure_trigger_due on failure_trigger (next_look_at);
select holon_tenant_table('failure_trigger', 'select, insert, update, delete', 'select, update');

create table failure_start (
  tenant_id uuid not null,
  environment_id uuid not null,
  flow_id uuid not null,
  node text not null,
  -- The run that failed, and the one that it starts.
  failed_run uuid not null,
  run_id uuid not null,
  state text not null check (state in ('pending', 'started', 'refused')),
  reason text,
  tries int not null default 0,
  found_at timestamptz not null,
  next_try_at timestamptz not null,
  primary key (tenant_id, environment_id, flow_id, node, failed_run),
  foreign key (tenant_id, environment_id, flow_id, node)
    references failure_trigger (tenant_id, environment_id, flow_id, node) on delete cascade
);
create index failure_start_due on failure_start (next_try_at) where state = 'pending';
create index failure_start_age on failure_start (found_at);
-- Requests delete a trigger, and its starts with it.
select holon_tenant_table('failure_start', 'select', 'select, insert, update, delete');
