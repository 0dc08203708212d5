-- Events: what flows and programs publish, in one order for each environment, and the flows that are started by them.

-- Published, and not in the order yet: written in the commit of the step that publishes. Whoever puts events in order takes them
-- from here, one transaction at a time for an environment, so that nobody ever sees a later one before an earlier one.
create table event_outbox (
  tenant_id uuid not null,
  event_id uuid not null,
  environment_id uuid not null,
  number bigint generated always as identity,
  subject text not null,
  -- JSON.
  data text not null,
  run_id uuid,
  published_by text,
  published_at timestamptz not null,
  primary key (tenant_id, event_id)
);
create index event_outbox_order on event_outbox (tenant_id, environment_id, number);
select holon_tenant_table('event_outbox', 'select, insert', 'select, insert, delete', '');

create table event (
  tenant_id uuid not null,
  environment_id uuid not null,
  -- From 1, without gaps.
  position bigint not null,
  event_id uuid not null,
  subject text collate "C" not null,
  data text not null,
  bytes int not null,
  run_id uuid,
  published_by text,
  published_at timestamptz not null,
  -- When it got its place.
  at timestamptz not null,
  primary key (tenant_id, environment_id, position),
  unique (tenant_id, event_id)
);
create index event_age on event (at);
select holon_tenant_table('event', 'select', 'select, insert, delete', '');

-- The last place that was given.
create table event_order (
  tenant_id uuid not null,
  environment_id uuid not null,
  last bigint not null,
  primary key (tenant_id, environment_id)
) with (fillfactor = 50);
select holon_tenant_table('event_order', 'select', 'select, insert, update', '');

-- One row for each event trigger of a version in force, made and taken away by publishing. Any replica takes up rows that are
-- behind (`for update skip locked`).
create table subscription (
  tenant_id uuid not null,
  subscription_id uuid not null,
  environment_id uuid not null,
  flow_id uuid not null,
  -- The version in force, written by publishing.
  version int not null,
  node text not null,
  pattern text not null,
  -- Whether a run begins only when the one before it is over.
  ordered boolean not null,
  -- The last event that was looked at.
  position bigint not null,
  -- How often it was set back: an event is delivered once for each.
  replay int not null default 0,
  created_at timestamptz not null,
  primary key (tenant_id, subscription_id),
  unique (tenant_id, environment_id, flow_id, node),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id),
  foreign key (tenant_id, flow_id) references flow (tenant_id, flow_id) on delete cascade
) with (fillfactor = 70);
select holon_tenant_table('subscription', 'select, insert, update, delete', 'select, update', '');

-- What came of each event that a subscription takes. The key makes a delivery one: whoever takes it up second finds it there.
create table event_delivery (
  tenant_id uuid not null,
  subscription_id uuid not null,
  replay int not null,
  position bigint not null,
  -- Given before the run is started, so that starting it again is starting the same one.
  run_id uuid not null,
  outcome text not null check (outcome in ('pending', 'started', 'failed')),
  reason text,
  taken_at timestamptz not null,
  primary key (tenant_id, subscription_id, replay, position),
  foreign key (tenant_id, subscription_id) references subscription (tenant_id, subscription_id) on delete cascade
);
create index event_delivery_open on event_delivery (taken_at) where outcome = 'pending';
create index event_delivery_age on event_delivery (taken_at);
create index event_delivery_run on event_delivery (tenant_id, run_id);
select holon_tenant_table('event_delivery', 'select', 'select, insert, update, delete', '');
