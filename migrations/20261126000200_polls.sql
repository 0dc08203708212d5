-- Polls: flows that look at an endpoint every so often, and start runs for what is new there. One row for each polling trigger of a
-- version in force, made and taken away by publishing. Any replica looks at rows that are due (`for update skip locked`), one at a
-- time for a row.

create table poll (
  tenant_id uuid not null,
  poll_id uuid not null,
  environment_id uuid not null,
  flow_id uuid not null,
  -- The version in force, written by publishing.
  version int not null,
  node text not null,
  -- blake3 of what decides what the cursor and the keys mean: where it changes, the next look is a first one.
  meaning bytea not null,
  every_ms bigint not null check (every_ms > 0),
  -- What the look before kept, JSON.
  cursor text not null default 'null',
  -- Whether there was a look since it began, or began anew.
  looked boolean not null default false,
  -- How often what was seen was forgotten: an item starts one run for each.
  epoch int not null default 0,
  -- Which look it is at. Only the last one that was begun may write down what came of it.
  look bigint not null default 0,
  next_look_at timestamptz not null,
  -- Somebody looks until then; later, a crash has left it.
  looking_until timestamptz,
  -- When the last look began that is over, and what came of it.
  looked_at timestamptz,
  outcome text check (outcome in ('found', 'held', 'failed')),
  listed int not null default 0,
  started int not null default 0,
  refused int not null default 0,
  waiting int not null default 0,
  complete boolean not null default true,
  -- Why it failed, why it is held, or why some that is new started no run.
  code text,
  reason text,
  -- Pointer into the trigger's config.
  pointer text,
  -- Looks in a row that failed, and since when.
  failures int not null default 0,
  failing_since timestamptz,
  created_at timestamptz not null,
  primary key (tenant_id, poll_id),
  unique (tenant_id, environment_id, flow_id, node),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id),
  foreign key (tenant_id, flow_id) references flow (tenant_id, flow_id) on delete cascade
) with (fillfactor = 70);
create index poll_due on poll (next_look_at);
select holon_tenant_table('poll', 'select, insert, update, delete', 'select, update', '');

-- What was seen: an item by its key, never itself. The run's id is given before the run is started, so that starting it again is
-- starting the same one.
create table poll_seen (
  tenant_id uuid not null,
  poll_id uuid not null,
  -- blake3 of the key.
  key bytea not null check (octet_length(key) = 32),
  state text not null check (state in ('noted', 'starting', 'started', 'refused')),
  run_id uuid,
  reason text,
  seen_at timestamptz not null,
  -- When the endpoint listed it last, to the hour.
  listed_at timestamptz not null,
  primary key (tenant_id, poll_id, key),
  foreign key (tenant_id, poll_id) references poll (tenant_id, poll_id) on delete cascade
) with (fillfactor = 80);
create index poll_seen_listed on poll_seen (tenant_id, poll_id, listed_at);
create index poll_seen_run on poll_seen (tenant_id, poll_id, seen_at) where run_id is not null;
select holon_tenant_table('poll_seen', 'select, delete', 'select, insert, update, delete', '');
