-- Runs that took long, by when they ended. A rate of failures is of the runs that ended lately: those that took ten minutes at most are
-- found by their ids, which go by the time of their start, and only the others need an index by their end. So a run that is over soon
-- costs nothing more.

create index run_hist_long on run_hist (tenant_id, at) where moment = 'ended' and at - started_at > interval '10 minutes';
