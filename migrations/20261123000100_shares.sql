-- Shards are shared out between replicas, and handed on while both live. A replica shows that it lives by counting: the others
-- compare its beat with the one they saw before, by clocks of their own, so that no clock that is set, the database's neither,
-- can make a living replica look dead.

alter table replica
  add column beat bigint not null default 0,
  -- It is going: it is given no more shards, and hands on those that it has.
  add column leaving boolean not null default false;
comment on column replica.beat is 'Counts renewals. `lease_until` is for people who look.';

alter table shard
  -- The newest meaning of flows that any replica knew which ever drove runs here: one that knows less leaves the shard to those
  -- that know as much, as long as there are any.
  add column semantics int not null default 0;
