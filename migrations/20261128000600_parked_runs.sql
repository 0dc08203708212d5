-- Runs that Holon parked are found at once however many runs are live: by alerts, by the first page and by the list of runs. The column says
-- nothing that the row does not say, and it changes only when a run is parked or goes on, so that all other updates of a live run stay HOT:
-- an index over `status` itself would take that from each of them.

alter table run_live
  add column parked boolean generated always as (status = 'paused' and paused_by is null) stored;
create index run_live_parked on run_live (tenant_id, run_id) where parked;
