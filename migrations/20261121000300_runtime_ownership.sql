-- Who may advance which runs. A replica's row is its lease and its fence in one: every commit of the runtime locks its
-- own row `for share`, so that setting `fenced` waits for commits under way and stops all later ones. Shards change
-- hands only after the fence of their last owner is committed, so the new owner reads the final journal.

create table replica (
  replica_id  uuid primary key,
  address     text not null,
  build       text not null,
  -- The newest meaning of flows that it knows; a run of a newer one is not its to drive.
  semantics   int not null,
  joined_at   timestamptz not null default now(),
  lease_until timestamptz not null,
  fenced      boolean not null default false
) with (fillfactor = 10);
comment on table replica is 'One row per process lifetime: lease and fence.';

create table shard (
  shard smallint primary key check (shard between 0 and 255),
  owner uuid,
  epoch bigint not null default 0
) with (fillfactor = 10);
comment on table shard is '256 rows; a run belongs to the shard of its id; changes only when shards change hands.';
insert into shard (shard) select generate_series(0, 255);

-- No tenant column: pages never see these two.
select holon_tenant_table('replica', '', 'select, insert, update, delete');
select holon_tenant_table('shard', '', 'select, update');
