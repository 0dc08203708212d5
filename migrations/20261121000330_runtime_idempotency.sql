-- Starts that were asked for with a key: the same key starts one run, whoever races. Partitioned by hash from the
-- first day, because it takes one row per start and is swept by time.

create table idempotency (
  tenant_id    uuid not null,
  -- What the key is a key of, such as `api` or a webhook's address.
  scope        text not null,
  key          text not null,
  run_id       uuid not null,
  -- blake3 of the request: the same key with another request is an error.
  request_hash bytea not null,
  expires_at   timestamptz not null,
  primary key (tenant_id, scope, key)
) partition by hash (tenant_id, scope, key);
do $$
begin
  for part in 0..15 loop
    execute format('create table idempotency_p%s partition of idempotency for values with (modulus 16, remainder %s)',
                   part, part);
    execute format('alter table idempotency_p%s enable row level security', part);
    execute format('alter table idempotency_p%s force row level security', part);
  end loop;
end
$$;
create index idempotency_expiry on idempotency (expires_at);
select holon_tenant_table('idempotency', '', 'select, insert, delete');
