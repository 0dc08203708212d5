-- Schedules: one row for each schedule trigger of a version in force, made and taken away by publishing. `next_at` is the
-- next time that the expression names, `due_at` the same with its jitter: what the runtime looks for. Any replica takes
-- up due rows (`for update skip locked`).

create table schedule (
  tenant_id uuid not null,
  schedule_id uuid not null,
  environment_id uuid not null,
  flow_id uuid not null,
  -- The version in force, written by publishing.
  version int not null,
  node text not null,
  cron text not null,
  time_zone text not null,
  overlap text not null check (overlap in ('skip', 'buffer_one', 'allow_all')),
  catch_up_ms bigint not null check (catch_up_ms >= 0),
  jitter_ms bigint not null check (jitter_ms >= 0),
  paused boolean not null,
  -- Null when the expression names no more times.
  next_at timestamptz,
  due_at timestamptz,
  -- The clock when `next_at` was reckoned: far ahead of now says that the clock went back since.
  reckoned_at timestamptz not null,
  created_at timestamptz not null,
  primary key (tenant_id, schedule_id),
  unique (tenant_id, environment_id, flow_id, node),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id),
  foreign key (tenant_id, flow_id) references flow (tenant_id, flow_id) on delete cascade
) with (fillfactor = 70);
create index schedule_due on schedule (due_at) where not paused;
select holon_tenant_table('schedule', 'select, insert, update, delete', 'select, update', '');

-- What came of each time that was due. The key makes a firing one: whoever takes it up second finds it there.
create table schedule_firing (
  tenant_id uuid not null,
  schedule_id uuid not null,
  scheduled_at timestamptz not null,
  cause text not null check (cause in ('time', 'person')),
  fired_at timestamptz not null,
  outcome text not null check (outcome in ('pending', 'buffered', 'started', 'skipped', 'missed', 'failed')),
  reason text,
  -- Firings that were missed in a row are one row.
  count int not null default 1 check (count >= 1),
  -- Given before the run is started, so that starting it again is starting the same one.
  run_id uuid,
  primary key (tenant_id, schedule_id, scheduled_at, cause),
  foreign key (tenant_id, schedule_id) references schedule (tenant_id, schedule_id) on delete cascade
);
create index schedule_firing_open on schedule_firing (fired_at) where outcome in ('pending', 'buffered');
create index schedule_firing_age on schedule_firing (fired_at);
select holon_tenant_table('schedule_firing', 'select, insert, update', 'select, insert, update, delete', '');
