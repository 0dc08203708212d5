-- The journal: the accepted, stamped inputs of every run, the only truth about it. One row per commit and run, holding
-- `n` packed inputs from `seq` on. The key is also the second fence: two writers cannot both write one input.

create table journal (
  tenant_id uuid not null,
  run_id    uuid not null,
  seq       bigint not null check (seq >= 0),
  n         int not null check (n > 0),
  at        timestamptz not null,
  body      bytea not null,
  primary key (tenant_id, run_id, seq)
) partition by range (run_id);
comment on column journal.body is 'postcard: a list of (milliseconds, input bytes, log hash after it).';
select holon_tenant_table('journal', 'select', 'select, insert');
