-- What runs ask of the world besides effects and time: signals they wait for, and tasks that people answer. The rows follow
-- from the journal and are written after it; when a run is taken up the machine says again what is outstanding, so that a
-- row that was not written yet is, and one that is left over goes.

create table wait (
  tenant_id uuid not null,
  run_id uuid not null,
  ask_id uuid not null,
  environment_id uuid not null,
  name text not null,
  correlation text not null,
  primary key (tenant_id, run_id, ask_id)
);
create index wait_by_name on wait (tenant_id, environment_id, name, correlation);
select holon_tenant_table('wait', 'select', 'select, insert, delete');

create table task (
  tenant_id uuid not null,
  run_id uuid not null,
  task_id uuid not null,
  environment_id uuid not null,
  flow_id uuid not null,
  -- The node that asks.
  path text not null,
  kind text not null check (kind in ('approval', 'compensation')),
  title text not null,
  -- JSON: what one must know, what can be answered, and the schema of what is to be filled in.
  context text not null,
  choices text not null,
  form text not null,
  assignees text[] not null,
  due timestamptz,
  escalated_at timestamptz,
  state text not null check (state in ('open', 'answered', 'closed')),
  choice text,
  -- JSON: the form, filled in.
  answer text,
  answered_by text,
  opened_at timestamptz not null,
  ended_at timestamptz,
  primary key (tenant_id, run_id, task_id)
);
create index task_open on task (tenant_id, environment_id, run_id desc, task_id desc) where state = 'open';
create index task_by_run on task (tenant_id, environment_id, run_id desc, task_id desc);
select holon_tenant_table('task', 'select', 'select, insert, update');

-- A flow that calls another one asks which version of it is in force.
grant select on flow_deployment to holon_engine;
create policy engine_serves_all on flow_deployment for select to holon_engine using (true);
