-- Answers of effects whose node says for how long they are good (`policies.cache`, docs/caching.md). Nothing is promised of them: a row
-- that is missing is one effect more. So it is not in the write-ahead log, and Postgres empties it after a crash of its own.

create unlogged table kept_answer (
  tenant_id uuid not null,
  environment_id uuid not null,
  -- blake3 of what effects with the same answer share.
  key bytea not null check (octet_length(key) = 32),
  -- As journals encode values.
  value bytea not null,
  given_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, environment_id, key)
);
create index kept_answer_expiry on kept_answer (expires_at);
select holon_tenant_table('kept_answer', '', 'select, insert, update, delete');
