-- Tenants, their environments and members, and the audit log that every mutating use case writes to.

create table tenant (
  tenant_id uuid primary key,
  name text not null check (char_length(name) between 1 and 100),
  created_at timestamptz not null
);
select holon_tenant_table('tenant', 'select', 'select', 'select');

create table environment (
  tenant_id uuid not null references tenant,
  environment_id uuid not null,
  name text not null check (name ~ '^[a-z][a-z0-9_-]{0,47}$'),
  kind text not null check (kind in ('dev', 'staging', 'prod', 'sandbox', 'preview')),
  created_at timestamptz not null,
  primary key (tenant_id, environment_id),
  unique (tenant_id, name)
);
select holon_tenant_table('environment', 'select', 'select', 'select');

create table member (
  tenant_id uuid not null references tenant,
  person_id uuid not null references person,
  -- The person's name inside this workspace: holon_app cannot read the table of all people.
  name text not null check (char_length(name) between 1 and 100),
  role text not null check (role in ('owner')),
  joined_at timestamptz not null,
  primary key (tenant_id, person_id)
);
create index member_person on member (person_id);
select holon_tenant_table('member', 'select', '', 'select');

create table audit_event (
  tenant_id uuid not null references tenant,
  event_id uuid not null,
  at timestamptz not null,
  -- Absent for what concerns the whole workspace.
  environment_id uuid,
  actor text not null,
  person_id uuid,
  source text not null check (source in ('web', 'api', 'cli', 'agent', 'embed', 'system')),
  intent_id uuid not null,
  -- `resource.verb`
  intent_type text not null check (intent_type ~ '^[a-z_]+[.][a-z_]+$'),
  -- The typed id of what was changed.
  subject text not null,
  detail jsonb not null default '{}',
  request_id text,
  primary key (tenant_id, event_id),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id)
);
create index audit_event_subject on audit_event (tenant_id, subject, event_id desc);
-- Insert and read, never change: an audit row that can be edited proves nothing.
select holon_tenant_table('audit_event', 'select, insert', 'insert', '');

-- Sign-up makes a tenant before anybody is in it. holon_auth writes these four tables then, bound to the tenant in
-- `app.tenant_id` like everyone else.
grant insert on tenant, environment, member, audit_event to holon_auth;
create policy auth_signs_up on tenant for insert to holon_auth
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy auth_signs_up on environment for insert to holon_auth
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy auth_signs_up on member for insert to holon_auth
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy auth_signs_up on audit_event for insert to holon_auth
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
