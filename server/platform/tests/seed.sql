-- One tenant with a row in every table that holds tenants' rows. $T is its number, 1 or 2. A new tenant table gets its
-- line here, or the walk says that it has none.
insert into person (person_id, name, email, email_key, password_hash, created_at)
  values (num_uuid($T, 1), 'Person $T', 'p$T@example.com', 'p$T@example.com', 'x', now());
insert into tenant values (num_uuid($T, 0), 'Tenant $T', now());
insert into environment values (num_uuid($T, 0), num_uuid($T, 2), 'prod', 'prod', now());
insert into member values (num_uuid($T, 0), num_uuid($T, 1), 'Person $T', 'owner', now());
insert into session (tenant_id, session_id, token_hash, person_id, created_at, seen_at, idle_expires_at, expires_at)
  values (num_uuid($T, 0), num_uuid($T, 3), '\x0$T', num_uuid($T, 1), now(), now(), now() + '1 day', now() + '1 day');
insert into api_token (tenant_id, token_id, person_id, name, token_hash, hint, created_at)
  values (num_uuid($T, 0), num_uuid($T, 4), num_uuid($T, 1), 'token', '\x0$T', 'hint', now());
insert into tenant_key values (num_uuid($T, 0), num_uuid($T, 5), '\x00', now());
insert into connection (tenant_id, environment_id, connection_id, name, kind, sealed, key_id, version, created_at, rotated_at)
  values (num_uuid($T, 0), num_uuid($T, 2), num_uuid($T, 6), 'git', 'http_bearer', '\x00', num_uuid($T, 5), 1, now(), now());
insert into audit_event (tenant_id, event_id, at, actor, source, intent_id, intent_type, subject)
  values (num_uuid($T, 0), num_uuid($T, 7), now(), 'system', 'system', num_uuid($T, 8), 'seed.make', 'seed');
insert into flow (tenant_id, flow_id, name, name_key, definition, definition_hash, revision, created_at, updated_at)
  values (num_uuid($T, 0), num_uuid($T, 9), 'Flow', 'flow', '{}', repeat('x', 32)::bytea, 1, now(), now());
insert into flow_change values (num_uuid($T, 0), num_uuid($T, 9), 1, now(), null, 'Created');
insert into flow_version (tenant_id, flow_id, version, definition, definition_hash, published_at)
  values (num_uuid($T, 0), num_uuid($T, 9), 1, '{}', repeat('x', 32)::bytea, now());
insert into flow_deployment values (num_uuid($T, 0), num_uuid($T, 2), num_uuid($T, 9), 1);
insert into webhook values
  (num_uuid($T, 0), num_uuid($T, 10), num_uuid($T, 2), num_uuid($T, 9), 'hook', repeat('$T', 32), now());
insert into webhook_catch values (num_uuid($T, 0), repeat('$T', 32), num_uuid($T, 9), now() + '1 day', null);
insert into run_live (tenant_id, run_id, environment_id, shard, flow_id, version, status, started_at)
  values (num_uuid($T, 0), num_uuid($T, 11), num_uuid($T, 2), 0, num_uuid($T, 9), 1, 'running', now());
insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor, started_at, definition_hash)
  values (num_uuid($T, 0), num_uuid($T, 11), 'started', num_uuid($T, 2), num_uuid($T, 9), 1, now(), 'queued', 'trigger.manual', 'system', now(), '\x00');
insert into journal (tenant_id, run_id, seq, n, at, body) values (num_uuid($T, 0), num_uuid($T, 11), 0, 1, now(), '\x00');
insert into blob (tenant_id, week, hash, bytes) values (num_uuid($T, 0), '1970-01-05', decode(repeat('00', 32), 'hex'), '\x00');
insert into run_label (tenant_id, key, value, run_id) values (num_uuid($T, 0), 'team', 'red', num_uuid($T, 11));
insert into kept_input (tenant_id, run_id, n, at, input) values (num_uuid($T, 0), num_uuid($T, 11), 0, now(), '\x00');
insert into idempotency (tenant_id, scope, key, run_id, request_hash, expires_at)
  values (num_uuid($T, 0), 'api', 'key', num_uuid($T, 11), '\x00', now() + '1 day');
insert into schedule (tenant_id, schedule_id, environment_id, flow_id, version, node, cron, time_zone, overlap, catch_up_ms, jitter_ms, paused, reckoned_at, created_at)
  values (num_uuid($T, 0), num_uuid($T, 12), num_uuid($T, 2), num_uuid($T, 9), 1, 'every', '0 9 * * *', 'UTC', 'skip', 0, 0, false, now(), now());
insert into schedule_firing (tenant_id, schedule_id, scheduled_at, cause, fired_at, outcome)
  values (num_uuid($T, 0), num_uuid($T, 12), now(), 'time', now(), 'skipped');
insert into wait (tenant_id, run_id, ask_id, environment_id, name, correlation)
  values (num_uuid($T, 0), num_uuid($T, 11), num_uuid($T, 13), num_uuid($T, 2), 'paid', '1');
insert into task (tenant_id, run_id, task_id, environment_id, flow_id, path, kind, title, context, choices, form, assignees, state, opened_at)
  values (num_uuid($T, 0), num_uuid($T, 11), num_uuid($T, 14), num_uuid($T, 2), num_uuid($T, 9), 'ask', 'approval', 'Ask', 'null', '[]', 'null', '{}', 'open', now());
insert into link (tenant_id, link_id, environment_id, run_id, kind, token_hash, task_id, made_by, created_at, expires_at)
  values (num_uuid($T, 0), num_uuid($T, 15), num_uuid($T, 2), num_uuid($T, 11), 'task', decode(repeat('0$T', 32), 'hex'), num_uuid($T, 14), 'system', now(), now());
insert into alert_rule (tenant_id, rule_id, environment_id, name, what, channel, version, target_flow, quiet_ms, enabled, created_at, since, looked_at, next_look_at)
  values (num_uuid($T, 0), num_uuid($T, 17), num_uuid($T, 2), 'Failures', 'run_failed', 'flow', 1, num_uuid($T, 9), 0, true, now(), now(), now(), now());
insert into alert_seen values (num_uuid($T, 0), num_uuid($T, 17), 'run', now());
insert into alert_firing (tenant_id, firing_id, rule_id, fired_at, cause, summary, count, items, state, next_try_at)
  values (num_uuid($T, 0), num_uuid($T, 18), num_uuid($T, 17), now(), 'rule', 'x', 1, '[]', 'delivered', now());
insert into retention values (num_uuid($T, 0), 30, now(), 'system');
insert into failure_trigger (tenant_id, environment_id, flow_id, node, version, since, looked_at, next_look_at)
  values (num_uuid($T, 0), num_uuid($T, 2), num_uuid($T, 9), 'failed', 1, now(), now(), now());
insert into failure_start (tenant_id, environment_id, flow_id, node, failed_run, run_id, state, found_at, next_try_at)
  values (num_uuid($T, 0), num_uuid($T, 2), num_uuid($T, 9), 'failed', num_uuid($T, 11), num_uuid($T, 60), 'started', now(), now());
insert into inbox (tenant_id, run_id, shard, sender, body) values (num_uuid($T, 0), num_uuid($T, 11), 0, num_uuid($T, 16), '\x00');
insert into pause values (num_uuid($T, 0), num_uuid($T, 9), num_uuid($T, 2), 'pause', '', 'Person $T', now());
insert into run_place (tenant_id, run_id, flow_id, key, state, most, replaces, shard, copied, fresh)
  values (num_uuid($T, 0), num_uuid($T, 11), num_uuid($T, 9), '', 'going', 1, false, 0, 0, false);
insert into work (tenant_id, run_id, effect_id, attempt, environment_id, flow_id, path, pool, name, input, heartbeat_ms, asked_at, deadline, free_at)
  values (num_uuid($T, 0), num_uuid($T, 11), num_uuid($T, 40), 1, num_uuid($T, 2), num_uuid($T, 9), 'do', 'pool', 'Do', 'null', 30000, now(), now(), now());
insert into worker values (num_uuid($T, 0), num_uuid($T, 2), 'pool', 'worker', 'system', now());
insert into flow_state (tenant_id, environment_id, flow_id, key, revision, value, updated_at)
  values (num_uuid($T, 0), num_uuid($T, 2), num_uuid($T, 9), 'last', num_uuid($T, 50), '1', now());
insert into event_outbox (tenant_id, event_id, environment_id, subject, data, published_at)
  values (num_uuid($T, 0), num_uuid($T, 51), num_uuid($T, 2), 'orders.paid', '1', now());
insert into event (tenant_id, environment_id, position, event_id, subject, data, bytes, published_at, at)
  values (num_uuid($T, 0), num_uuid($T, 2), 1, num_uuid($T, 52), 'orders.paid', '1', 1, now(), now());
insert into event_order values (num_uuid($T, 0), num_uuid($T, 2), 1);
insert into subscription (tenant_id, subscription_id, environment_id, flow_id, version, node, pattern, ordered, position, created_at)
  values (num_uuid($T, 0), num_uuid($T, 53), num_uuid($T, 2), num_uuid($T, 9), 1, 'paid', 'orders.>', false, 1, now());
insert into event_delivery (tenant_id, subscription_id, replay, position, run_id, outcome, taken_at)
  values (num_uuid($T, 0), num_uuid($T, 53), 0, 1, num_uuid($T, 11), 'started', now());
insert into poll (tenant_id, poll_id, environment_id, flow_id, version, node, meaning, every_ms, next_look_at, created_at)
  values (num_uuid($T, 0), num_uuid($T, 54), num_uuid($T, 2), num_uuid($T, 9), 1, 'look', decode(repeat('00', 32), 'hex'), 10000, now(), now());
insert into poll_seen (tenant_id, poll_id, key, state, seen_at, listed_at)
  values (num_uuid($T, 0), num_uuid($T, 54), decode(repeat('0$T', 32), 'hex'), 'noted', now(), now());
insert into kept_answer values (num_uuid($T, 0), num_uuid($T, 2), decode(repeat('0$T', 32), 'hex'), '\x00', now(), now());
