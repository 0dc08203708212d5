-- Flows: the draft that people edit, its history, the immutable versions, and which version is in force in which
-- environment. Definitions are text, not jsonb: numbers must come back exactly as they went in.

create table flow (
  tenant_id uuid not null references tenant,
  flow_id uuid not null,
  path text not null default '/' check (path ~ '^/([^/]+(/[^/]+)*)?$'),
  name text not null check (char_length(name) between 1 and 200),
  -- Lower-cased name, for search: `lower()` is not leakproof, so it would not use an index under row-level security.
  name_key text not null,
  description text not null default '',
  definition text not null,
  definition_hash bytea not null check (octet_length(definition_hash) = 32),
  revision bigint not null check (revision >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  updated_by uuid,
  primary key (tenant_id, flow_id)
);
create index flow_by_update on flow (tenant_id, updated_at desc, flow_id desc);
select holon_tenant_table('flow', 'select, insert, update, delete');

create table flow_change (
  tenant_id uuid not null,
  flow_id uuid not null,
  revision bigint not null,
  at timestamptz not null,
  by_person uuid,
  summary text not null,
  primary key (tenant_id, flow_id, revision),
  foreign key (tenant_id, flow_id) references flow (tenant_id, flow_id) on delete cascade
);
select holon_tenant_table('flow_change', 'select, insert, delete');

-- Versions outlive their flow: runs of a deleted flow can still be read and finished.
create table flow_version (
  tenant_id uuid not null references tenant,
  flow_id uuid not null,
  version int not null check (version >= 1),
  definition text not null,
  definition_hash bytea not null check (octet_length(definition_hash) = 32),
  message text not null default '',
  published_at timestamptz not null,
  published_by uuid,
  primary key (tenant_id, flow_id, version)
);
select holon_tenant_table('flow_version', 'select, insert', engine => 'select');

-- The version in force, one row an environment.
create table flow_deployment (
  tenant_id uuid not null,
  environment_id uuid not null,
  flow_id uuid not null,
  version int not null,
  primary key (tenant_id, environment_id, flow_id),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id),
  foreign key (tenant_id, flow_id) references flow (tenant_id, flow_id) on delete cascade,
  foreign key (tenant_id, flow_id, version) references flow_version (tenant_id, flow_id, version)
);
select holon_tenant_table('flow_deployment', 'select, insert, update, delete');

-- Addresses of webhook triggers. The token is 128 random bits; it stays the same from version to version, so an address
-- that was given out keeps working. Looked up before a tenant is known: holon_auth may read it.
create table webhook (
  tenant_id uuid not null,
  webhook_id uuid not null,
  environment_id uuid not null,
  flow_id uuid not null,
  node text not null,
  token text not null check (token ~ '^[0-9a-f]{32}$'),
  created_at timestamptz not null,
  primary key (tenant_id, webhook_id),
  unique (tenant_id, environment_id, flow_id, node),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id),
  foreign key (tenant_id, flow_id) references flow (tenant_id, flow_id) on delete cascade
);
create index webhook_by_token on webhook (token);
select holon_tenant_table('webhook', 'select, insert, delete', auth => 'select');

-- Test addresses of the editor: the next delivery is kept as a sample, for a quarter of an hour.
create table webhook_catch (
  tenant_id uuid not null,
  token text not null check (token ~ '^[0-9a-f]{32}$'),
  flow_id uuid not null,
  expires_at timestamptz not null,
  -- The trigger's value as JSON text, once a delivery came.
  caught text,
  primary key (tenant_id, token),
  foreign key (tenant_id, flow_id) references flow (tenant_id, flow_id) on delete cascade
);
create index webhook_catch_by_token on webhook_catch (token);
select holon_tenant_table('webhook_catch', 'select, insert, update, delete', auth => 'select');
