-- Effects that are handed out to the tenant's own programs, its workers. A row stands for each attempt that is outstanding: the run
-- writes it and takes it back in its own commits, and which worker has it is written by whoever asked for it.

create table work (
  tenant_id uuid not null,
  run_id uuid not null,
  effect_id uuid not null,
  attempt int not null check (attempt > 0),
  environment_id uuid not null,
  flow_id uuid not null,
  -- The node that hands it out.
  path text not null,
  -- Who may take it, and what is to be done.
  pool text not null,
  name text not null,
  -- JSON.
  input text not null,
  -- How long a claim lasts without a heartbeat.
  heartbeat_ms bigint not null check (heartbeat_ms > 0),
  asked_at timestamptz not null,
  -- When the attempt has failed for want of an answer.
  deadline timestamptz not null,
  -- From when it may be claimed: when it was asked, then when the last claim of it ends.
  free_at timestamptz not null,
  -- The last claim. It holds until another one is made, even when its time is up.
  claim_id uuid,
  claims int not null default 0,
  worker text,
  -- Who claimed, as the audit log names actors.
  claimed_by text,
  claimed_at timestamptz,
  beat_at timestamptz,
  -- JSON: what the worker says of how far it is.
  progress text,
  primary key (tenant_id, run_id, effect_id, attempt)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
create index work_free on work (tenant_id, environment_id, pool, free_at);
create unique index work_claim on work (tenant_id, claim_id) where claim_id is not null;
-- For those who end what nobody did.
create index work_deadline on work (deadline);
create index work_lost on work (free_at) where claims >= 5;
select holon_tenant_table('work', 'select, update', 'select, insert, delete');

-- Programs that asked for work lately, by the names they give themselves.
create table worker (
  tenant_id uuid not null,
  environment_id uuid not null,
  pool text not null,
  name text not null,
  -- As whom it asked, as the audit log names actors.
  actor text not null,
  seen_at timestamptz not null,
  primary key (tenant_id, environment_id, pool, name)
);
create index worker_seen on worker (seen_at);
select holon_tenant_table('worker', 'select, insert, update', 'select, delete');

-- A token for workers may do nothing but take tasks and say what became of them: of these pools, or of all where there are none.
-- Without it a token may do what its maker may do.
alter table api_token add column pools text[];
