-- Connections: credentials by name, and the keys that their secrets are sealed under.

-- A tenant's keys, wrapped by the root key that is not in the database.
create table tenant_key (
  tenant_id uuid not null references tenant,
  key_id uuid not null,
  wrapped bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, key_id)
);
select holon_tenant_table('tenant_key', 'select, insert', 'select', '');

create table connection (
  tenant_id uuid not null references tenant,
  environment_id uuid not null,
  connection_id uuid not null,
  name text not null check (name ~ '^[a-z][a-z0-9_-]{0,47}$'),
  kind text not null check (kind in ('http_bearer', 'http_header', 'http_basic', 'hmac_key')),
  hosts text[] not null default '{}',
  header text,
  -- Sealed for (tenant, environment, connection, version) under the tenant key named in it.
  sealed bytea not null,
  key_id uuid not null,
  version int not null check (version > 0),
  created_at timestamptz not null,
  rotated_at timestamptz not null,
  primary key (tenant_id, connection_id),
  unique (tenant_id, environment_id, name),
  foreign key (tenant_id, environment_id) references environment (tenant_id, environment_id),
  foreign key (tenant_id, key_id) references tenant_key (tenant_id, key_id),
  constraint header_only_for_http_header check ((kind = 'http_header') = (header is not null))
);
select holon_tenant_table('connection', 'select, insert, update, delete', 'select', '');
