-- What some batches write says nothing of whether they were done before: a pause, a row of live work that is given up, an order to end.
-- Such a batch has a number, and is not done after one with the same number or a higher one of its committer. A statement that comes
-- late, after it was sent again and something else was written since, so changes nothing.

create table replica_batch (
  replica_id uuid not null,
  -- Which of its committers.
  lane smallint not null,
  n bigint not null,
  primary key (replica_id, lane)
) with (fillfactor = 10);
comment on table replica_batch is 'The last numbered batch that each committer of a process has done.';
-- No tenant column: pages never see it.
select holon_tenant_table('replica_batch', '', 'select, insert, update, delete');
