-- One batch of up to 256 runs: one statement, one round trip, one flush of the write-ahead log (reference: engine.md §3, P4).
-- Every arm hangs on `fence`, so a replica that was fenced writes nothing; `for share` makes the fencing update wait for
-- statements under way. Starts whose key is taken are `lost`, and no other row of theirs is written.
with fence as materialized (
  select 1 as held from replica where replica_id = $1 and not fenced for share
), keyed as materialized (
  select * from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bytea[], $7::timestamptz[])
    as k(tenant_id, scope, key, run_id, request_hash, expires_at)
), won as (
  insert into idempotency (tenant_id, scope, key, run_id, request_hash, expires_at)
  select tenant_id, scope, key, run_id, request_hash, expires_at from keyed where exists (select from fence)
  on conflict (tenant_id, scope, key) do nothing
  returning run_id
), lost as materialized (
  select run_id from keyed where run_id not in (select run_id from won)
), started as (
  insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor,
                        started_at, definition_hash, retry_of, labels, correlation, fork_of, fork_seq)
  select tenant_id, run_id, 'started', environment_id, flow_id, version, started_at, 'queued', trigger, actor,
         started_at, definition_hash, retry_of, labels::jsonb, correlation, fork_of, fork_seq
  from unnest($8::uuid[], $9::uuid[], $10::uuid[], $11::uuid[], $12::int[], $13::text[], $14::text[],
              $15::timestamptz[], $16::bytea[], $17::uuid[], $60::text[], $61::text[], $62::uuid[], $63::bigint[])
    as s(tenant_id, run_id, environment_id, flow_id, version, trigger, actor, started_at, definition_hash, retry_of,
         labels, correlation, fork_of, fork_seq)
  where exists (select from fence) and run_id not in (select run_id from lost)
), labelled as (
  insert into run_label (tenant_id, key, value, run_id)
  select tenant_id, key, value, run_id
  from unnest($68::uuid[], $69::text[], $70::text[], $71::uuid[]) as l(tenant_id, key, value, run_id)
  where exists (select from fence) and run_id not in (select run_id from lost)
), audited as (
  insert into audit_event (tenant_id, event_id, at, environment_id, actor, person_id, source, intent_id, intent_type, subject,
                           detail, request_id)
  select tenant_id, event_id, at, environment_id, actor, person_id, source, intent_id, intent_type, subject,
         detail::jsonb, request_id
  from unnest($75::uuid[], $76::uuid[], $77::uuid[], $78::timestamptz[], $79::uuid[], $80::text[], $81::uuid[],
              $82::text[], $83::uuid[], $84::text[], $85::text[], $86::text[], $87::text[])
    as a(tenant_id, run_id, event_id, at, environment_id, actor, person_id, source, intent_id, intent_type, subject, detail,
         request_id)
  where exists (select from fence) and run_id not in (select run_id from lost)
), born as (
  insert into run_live (tenant_id, run_id, environment_id, shard, flow_id, version, status, started_at, wakes_at, correlation)
  select tenant_id, run_id, environment_id, shard, flow_id, version, status, started_at, wakes_at, correlation
  from unnest($18::uuid[], $19::uuid[], $20::uuid[], $21::smallint[], $22::uuid[], $23::int[], $24::text[],
              $25::timestamptz[], $74::timestamptz[], $88::text[])
    as b(tenant_id, run_id, environment_id, shard, flow_id, version, status, started_at, wakes_at, correlation)
  where exists (select from fence) and run_id not in (select run_id from lost)
), journaled as (
  insert into journal (tenant_id, run_id, seq, n, at, body)
  select tenant_id, run_id, seq, n, at, body
  from unnest($26::uuid[], $27::uuid[], $28::bigint[], $29::int[], $30::timestamptz[], $31::bytea[])
    as j(tenant_id, run_id, seq, n, at, body)
  where exists (select from fence) and run_id not in (select run_id from lost)
), kept as (
  insert into blob (tenant_id, week, hash, bytes)
  select tenant_id, week, hash, bytes
  from unnest($55::uuid[], $56::uuid[], $57::date[], $58::bytea[], $59::bytea[])
    as p(tenant_id, run_id, week, hash, bytes)
  where exists (select from fence) and run_id not in (select run_id from lost)
  order by tenant_id, week, hash
  on conflict (tenant_id, week, hash) do nothing
), changed as (
  update run_live r
  set status = u.status, reason = u.reason, paused_by = u.paused_by, wakes_at = u.wakes_at, snap_seq = coalesce(u.snap_seq, r.snap_seq), snap = coalesce(u.snap, r.snap)
  from unnest($32::uuid[], $33::uuid[], $34::text[], $35::text[], $36::bigint[], $37::bytea[], $72::text[],
              $73::timestamptz[])
    as u(tenant_id, run_id, status, reason, snap_seq, snap, paused_by, wakes_at)
  where r.tenant_id = u.tenant_id and r.run_id = u.run_id and exists (select from fence)
), gone as (
  delete from run_live r using unnest($38::uuid[], $39::uuid[]) as g(tenant_id, run_id)
  where r.tenant_id = g.tenant_id and r.run_id = g.run_id and exists (select from fence)
), ended as (
  insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor,
                        started_at, definition_hash, retry_of, error, log_hash, final, labels, correlation, fork_of, fork_seq)
  select tenant_id, run_id, 'ended', environment_id, flow_id, version, at, status, trigger, actor,
         started_at, definition_hash, retry_of, error, log_hash, final, labels::jsonb, correlation, fork_of, fork_seq
  from unnest($40::uuid[], $41::uuid[], $42::uuid[], $43::uuid[], $44::int[], $45::timestamptz[], $46::text[],
              $47::text[], $48::text[], $49::timestamptz[], $50::bytea[], $51::uuid[], $52::text[], $53::bytea[],
              $54::bytea[], $64::text[], $65::text[], $66::uuid[], $67::bigint[])
    as e(tenant_id, run_id, environment_id, flow_id, version, at, status, trigger, actor, started_at, definition_hash,
         retry_of, error, log_hash, final, labels, correlation, fork_of, fork_seq)
  where exists (select from fence) and run_id not in (select run_id from lost)
)
select exists (select from fence) as "held!", array(select run_id from lost) as "lost!"
