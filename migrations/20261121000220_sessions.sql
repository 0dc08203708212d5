-- Browser sessions and personal API tokens. Both are stored as SHA-256: they are random, so a plain hash is enough.

create table session (
  tenant_id uuid not null references tenant,
  session_id uuid not null,
  token_hash bytea not null,
  person_id uuid not null,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  idle_expires_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  -- What the browser called itself, cut short, so that a person recognises the session in a list.
  device text not null default '' check (char_length(device) <= 200),
  primary key (tenant_id, session_id),
  foreign key (tenant_id, person_id) references member (tenant_id, person_id)
);
create unique index session_token on session (tenant_id, token_hash);
create index session_by_token on session (token_hash);
create index session_person on session (tenant_id, person_id) where ended_at is null;
create index session_expiry on session (expires_at);
select holon_tenant_table('session', '', '', 'select');
-- A session is made at sign-in, kept alive, and ended: all before or without a tenant's transaction.
grant insert, delete on session to holon_auth;
grant update (seen_at, idle_expires_at, ended_at) on session to holon_auth;
create policy auth_signs_in on session for insert to holon_auth with check (true);
create policy auth_keeps_alive on session for update to holon_auth using (true) with check (true);
create policy auth_forgets on session for delete to holon_auth using (true);

create table api_token (
  tenant_id uuid not null references tenant,
  token_id uuid not null,
  person_id uuid not null,
  name text not null check (char_length(name) between 1 and 100),
  token_hash bytea not null,
  -- The first characters, to recognise it by.
  hint text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, token_id),
  foreign key (tenant_id, person_id) references member (tenant_id, person_id)
);
create unique index api_token_hash on api_token (tenant_id, token_hash);
create index api_token_by_hash on api_token (token_hash);
create index api_token_list on api_token (tenant_id, person_id, token_id desc);
select holon_tenant_table('api_token', 'select, insert, update', '', 'select');
grant update (last_used_at) on api_token to holon_auth;
create policy auth_notes_use on api_token for update to holon_auth using (true) with check (true);
