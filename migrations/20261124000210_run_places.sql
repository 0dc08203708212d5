-- Flows that say how many of their runs go on at a time (`limits.concurrency`): each live run of theirs has a row here, which is
-- written by the commit that accepts the run and deleted by the commit that ends it. Those that wait begin in the order of `position`.

create table run_place (
  tenant_id uuid not null,
  run_id uuid not null,
  flow_id uuid not null,
  -- What runs with the same key share; empty where the flow names none.
  key text not null,
  position bigint generated always as identity,
  state text not null check (state in ('waiting', 'going')),
  -- How many may go on at a time, by the version that the run is of.
  most int not null check (most >= 1),
  -- Whether it takes the place of older ones when there is none left.
  replaces boolean not null,
  shard smallint not null check (shard between 0 and 255),
  -- Of its first inputs, those that are copied from an earlier run; the effect of theirs that is tried again; and whether nothing of
  -- theirs was done before.
  copied int not null check (copied >= 0),
  again bytea,
  fresh boolean not null,
  primary key (tenant_id, run_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
create index run_place_in_order on run_place (tenant_id, flow_id, key, position);
create index run_place_waiting on run_place (tenant_id, flow_id, key) where state = 'waiting';
select holon_tenant_table('run_place', 'select', 'select, insert, update, delete');

-- A run that was accepted and waits for its place: its first inputs are kept, and nothing of it has happened.
alter table run_live drop constraint run_live_status_check;
alter table run_live add constraint run_live_status_check check (status in ('queued', 'running', 'waiting', 'paused'));

-- Pages show what a run that waits was started with.
grant select on kept_input to holon_app;
create policy tenant_only on kept_input to holon_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
