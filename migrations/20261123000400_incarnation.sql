-- Which life of the data this is. A database that was restored from a backup has the past of another one: a server that
-- served the other one must be able to see that it is not its own any more, and operators that it happened.

create table incarnation (
  number int primary key check (number >= 1),
  incarnation_id uuid not null,
  since timestamptz not null default now(),
  -- When the backup was made that this life began with; absent for the first.
  backup_made_at timestamptz
);
comment on table incarnation is 'One row per life of the data; the highest number is the present one.';
insert into incarnation (number, incarnation_id) values (1, gen_random_uuid());

-- No tenant column: pages never see it.
select holon_tenant_table('incarnation', '', 'select');
