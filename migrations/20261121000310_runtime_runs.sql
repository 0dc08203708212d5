-- Runs. `run_live` holds live work only and stays as small as that; `run_hist` is append-only: one row when a run is
-- accepted, one when it is over. Ids are UUIDv7, so a range of ids is a range of time and old history is dropped by
-- partition, never deleted row by row.

create table run_live (
  tenant_id      uuid not null,
  run_id         uuid not null,
  environment_id uuid not null,
  shard          smallint not null check (shard between 0 and 255),
  flow_id        uuid not null,
  version        int not null,
  status         text not null check (status in ('running', 'waiting', 'paused')),
  -- Why a paused run is parked.
  reason         text,
  -- State after the inputs before `snap_seq`, so that recovery replays only the rest.
  snap_seq       bigint,
  snap           bytea,
  started_at     timestamptz not null,
  primary key (tenant_id, run_id)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);
-- The key is the only index and covers nothing that changes: updates stay HOT.
select holon_tenant_table('run_live', 'select', 'select, insert, update, delete');

create table run_hist (
  tenant_id       uuid not null,
  run_id          uuid not null,
  moment          text not null check (moment in ('started', 'ended')),
  environment_id  uuid not null,
  flow_id         uuid not null,
  version         int not null,
  at              timestamptz not null,
  -- `queued` when started; how it ended when ended.
  status          text not null check (status in ('queued', 'completed', 'failed', 'cancelled', 'terminated', 'continued')),
  -- What started it, such as `trigger.webhook`, and who; in both rows, so that a list needs one of them only.
  trigger         text not null,
  actor           text not null,
  started_at      timestamptz not null,
  definition_hash bytea not null,
  retry_of        uuid,
  -- Of the `ended` row: the first line of the error, the log hash, and the final state, which shows the run without the
  -- code that made it. Last, so that lists never read them.
  error           text,
  log_hash        bytea,
  final           bytea,
  primary key (tenant_id, run_id, moment)
) partition by range (run_id);
create index run_hist_flow on run_hist (tenant_id, flow_id, run_id desc) where moment = 'started';
create index run_hist_status on run_hist (tenant_id, status, run_id desc) where moment = 'ended';
select holon_tenant_table('run_hist', 'select', 'select, insert');
