-- Runs that wait for long leave memory. Their rows say until when nothing has to be done for them, so that a server that starts,
-- or takes shards over, takes them for what they are without replaying a journal.

alter table run_live add column wakes_at timestamptz;
comment on column run_live.wakes_at is
  'The run waits, and nothing is outstanding but time and what comes from outside: its first timer, or the last day of 9999. Null: nobody says so.';

-- A build that knows nothing of the column leaves it as it is while it drives a run. So what the rows of a shard say counts only
-- where each owner since has vouched for it: this is the last epoch in which one did.
alter table shard add column vouched bigint not null default 0;
