-- What live runs are about stands beside them: whoever tells all runs of a correlation something finds those that are live by an index that
-- holds nothing else, however many are over. It never changes, so that updates of a live run stay HOT. A build before this one writes none:
-- runs that it starts are found in history, among the newest of their correlation.

alter table run_live add column correlation text;
update run_live l set correlation = h.correlation from run_hist h
  where h.tenant_id = l.tenant_id and h.run_id = l.run_id and h.moment = 'started' and h.correlation is not null;
create index run_live_correlation on run_live (tenant_id, correlation, run_id desc) where correlation is not null;
