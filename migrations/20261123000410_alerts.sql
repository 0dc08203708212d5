-- Alert rules of a workspace: what is looked for, and who is told. Any replica looks at a rule that is due (`for update skip
-- locked`); what it finds is written down as a firing in the same transaction, and told from there until it was heard.

create table alert_rule (
  tenant_id uuid not null,
  rule_id uuid not null,
  environment_id uuid not null,
  name text not null check (char_length(name) between 1 and 100),
  what text not null check (what in ('run_failed', 'error_rate', 'queue_age', 'schedule_missed', 'approval_waiting')),
  -- Of this flow only; absent for any.
  flow_id uuid,
  -- Over how long, for a rate.
  window_ms bigint check (window_ms > 0),
  -- Percent for a rate, milliseconds for an age.
  threshold bigint check (threshold > 0),
  channel text not null check (channel in ('webhook', 'chat', 'flow')),
  -- The address, sealed for (tenant, environment, rule, version): those of chats are secrets. And what may be shown of it.
  sealed bytea,
  key_id uuid,
  version int not null check (version > 0),
  shown text,
  -- The connection with the key that deliveries are signed with.
  connection text,
  target_flow uuid,
  -- How long after a firing there is no other one.
  quiet_ms bigint not null check (quiet_ms >= 0),
  enabled boolean not null,
  created_at timestamptz not null,
  -- What happened before is not looked at.
  since timestamptz not null,
  looked_at timestamptz not null,
  next_look_at timestamptz not null,
  fired_at timestamptz,
  -- What was found while it was quiet: how many, and the last of them as JSON.
  held int not null default 0 check (held >= 0),
  held_items text not null default '[]',
  primary key (tenant_id, rule_id),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id),
  foreign key (tenant_id, key_id) references tenant_key (tenant_id, key_id),
  constraint where_it_goes check ((channel = 'flow') = (target_flow is not null) and (channel <> 'flow' or sealed is null)
    and (sealed is null) = (key_id is null) and (sealed is null) = (shown is null))
) with (fillfactor = 70);
create index alert_rule_due on alert_rule (next_look_at) where enabled;
select holon_tenant_table('alert_rule', 'select, insert, update, delete', 'select, update');

-- What a rule has found already: rows of runs become visible a little after the time that stands in them, so a look goes back
-- further than the one before, and nothing is told twice.
create table alert_seen (
  tenant_id uuid not null,
  rule_id uuid not null,
  subject text not null,
  seen_at timestamptz not null,
  primary key (tenant_id, rule_id, subject),
  foreign key (tenant_id, rule_id) references alert_rule (tenant_id, rule_id) on delete cascade
);
create index alert_seen_age on alert_seen (seen_at);
select holon_tenant_table('alert_seen', '', 'select, insert, delete');

create table alert_firing (
  tenant_id uuid not null,
  firing_id uuid not null,
  rule_id uuid not null,
  fired_at timestamptz not null,
  cause text not null check (cause in ('rule', 'test')),
  summary text not null,
  count int not null check (count >= 1),
  -- JSON: the last of what was found.
  items text not null,
  state text not null check (state in ('pending', 'delivered', 'failed')),
  tries int not null default 0,
  next_try_at timestamptz not null,
  ended_at timestamptz,
  error text,
  run_id uuid,
  primary key (tenant_id, firing_id),
  foreign key (tenant_id, rule_id) references alert_rule (tenant_id, rule_id) on delete cascade
);
create index alert_firing_due on alert_firing (next_try_at) where state = 'pending';
create index alert_firing_of_rule on alert_firing (tenant_id, rule_id, firing_id desc);
create index alert_firing_age on alert_firing (fired_at);
select holon_tenant_table('alert_firing', 'select, insert, update', 'select, insert, update, delete');

-- Runs that failed, by when. Only those are in it: a run that ends well costs nothing more.
create index run_hist_failed on run_hist (tenant_id, at) where moment = 'ended' and status = 'failed';
