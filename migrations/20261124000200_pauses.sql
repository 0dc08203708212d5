-- What begins nothing for now: a flow in one environment, a workspace, or the whole instance. `pause` keeps what was accepted and has
-- not begun where it is; `drain` lets it go on to its end too. Every replica reads these rows twice a second.

create table pause (
  tenant_id uuid not null,
  -- The flow; of a whole workspace its own id.
  subject uuid not null,
  environment_id uuid not null,
  mode text not null check (mode in ('pause', 'drain')),
  reason text not null check (char_length(reason) <= 500),
  -- Who, as people are called.
  paused_by text not null,
  paused_at timestamptz not null,
  primary key (tenant_id, subject, environment_id),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id)
);
select holon_tenant_table('pause', 'select, insert, update, delete', 'select');

-- The instance is nobody's workspace: at most one row.
create table instance_pause (
  only_one boolean primary key default true check (only_one),
  mode text not null check (mode in ('pause', 'drain')),
  reason text not null check (char_length(reason) <= 500),
  paused_by text not null,
  paused_at timestamptz not null
);
select holon_tenant_table('instance_pause', '', 'select');
grant select, insert, update, delete on instance_pause to holon_auth;
create policy auth_decides on instance_pause to holon_auth using (true) with check (true);
