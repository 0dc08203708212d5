-- A run that a person paused takes nothing in until it is resumed. What comes meanwhile (the answer of an effect that was under
-- way, a signal, the answer to a task) is kept here, so that nothing is lost whoever stops in between, and is taken in with
-- the commit that resumes the run.

alter table run_live add column paused_by text;
comment on column run_live.paused_by is 'Who paused it; a paused run without anybody was parked by the runtime.';

create table kept_input (
  tenant_id uuid not null,
  run_id uuid not null,
  -- In the order in which they came.
  n int not null check (n >= 0),
  at timestamptz not null,
  -- As the engine encodes it.
  input bytea not null,
  primary key (tenant_id, run_id, n)
);
select holon_tenant_table('kept_input', '', 'select, insert, delete');
