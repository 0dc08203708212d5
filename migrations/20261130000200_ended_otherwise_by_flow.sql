-- Runs of one flow that did not end well are found without a look at those of all others. Those that did are most of the
-- flow's runs, are found among these, and cost nothing here. While it is made, which takes one look at all of history, no run begins or ends.

create index run_hist_flow_status on run_hist (tenant_id, flow_id, status, run_id desc) where moment = 'ended' and status <> 'completed';
