-- Links: addresses for one use, by people and programs that are not signed in. A link answers one task, or takes one
-- delivery for the run that waits for it. Only a hash of the token is kept; it is looked up before a tenant is known.

create table link (
  tenant_id uuid not null,
  link_id uuid not null,
  environment_id uuid not null,
  run_id uuid not null,
  kind text not null check (kind in ('task', 'callback')),
  token_hash bytea not null check (octet_length(token_hash) = 32),
  -- Which task: its id; or the node that will ask, where the flow makes the link before it asks.
  task_id uuid,
  path text,
  -- To whom a link to a task is given, and which choices it may give; without them it may give all.
  assignee text,
  choices text[],
  -- JSON: what an address for a delivery takes, and what it answers.
  takes text,
  -- Who made it: a person, a token, or the path of a node of the run.
  made_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, link_id),
  constraint a_task_or_a_delivery check
    (case kind when 'task' then takes is null and (task_id is null) <> (path is null) else takes is not null and path is null end)
);
create index link_by_token on link (token_hash);
create index link_by_run on link (tenant_id, run_id);
create index link_by_end on link (tenant_id, expires_at);
select holon_tenant_table('link', 'select, insert, update, delete', auth => 'select');
