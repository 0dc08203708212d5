//! What is open costs the same however much is over: the statements that are asked again and again are measured beside six thousand runs of the
//! past and beside ten times as many, all of one workspace and newer than what is open, with the parameters that matter. Those that do look
//! through the past are named, with the reason.

use holon_platform::db::Role;
use holon_platform::db::test_db::TestDb;
use holon_runtime::store::Store as _;
use holon_runtime::store::pg::PgStore;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::plans::{Statement, statements_with};

/// Runs that are over, few and many.
/// The hundred that are open of each, joined with as many twice: with other numbers of what is over, a plan may begin with all of them, or
/// find out elsewhere that it need not look at any.
const ANY_OPEN: u64 = 300;
const FEW: u32 = 6_000;
const MANY: u32 = 60_000;

/// What is open: a hundred of each, an hour old.
const OPEN: &str = "
set session_replication_role = replica;
create function at_ms(n int) returns uuid language sql as $$ select holon_run_bound(now() - interval '2 hours' + n * interval '10 ms') $$;
insert into run_live (tenant_id, run_id, environment_id, shard, flow_id, version, status, started_at, correlation)
  select md5('t')::uuid, at_ms(n), md5('e')::uuid, n % 256, md5('f' || n % 50)::uuid, 1, 'waiting', now(), 'the same' from generate_series(1, 100) n;
insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor, started_at, definition_hash, correlation)
  select md5('t')::uuid, at_ms(n), 'started', md5('e')::uuid, md5('f' || n % 50)::uuid, 1, now(), 'queued', 'trigger.manual', 'system', now(), '', 'the same'
  from generate_series(1, 100) n;
insert into wait (tenant_id, run_id, ask_id, environment_id, name, correlation)
  select md5('t')::uuid, at_ms(n), md5(n::text)::uuid, md5('e')::uuid, 'paid', n::text from generate_series(1, 100) n;
insert into task (tenant_id, run_id, task_id, environment_id, flow_id, path, kind, title, context, choices, form, assignees, state, opened_at)
  select md5('t')::uuid, at_ms(n), md5(n::text)::uuid, md5('e')::uuid, md5('f')::uuid, 'ask', 'approval', 'x', '{}', '[]', '{}',
    case when n % 10 = 0 then array[]::text[] when n % 10 = 1 then array['ada'] else array['bob'] end, 'open', now() from generate_series(1, 100) n;
insert into inbox (tenant_id, run_id, shard, sender, body) select md5('t')::uuid, at_ms(n), n % 256, md5('t')::uuid, 'x' from generate_series(1, 100) n;
insert into schedule_firing (tenant_id, schedule_id, scheduled_at, cause, fired_at, outcome, run_id)
  select md5('t')::uuid, md5('s')::uuid, now() - interval '2 hours' + n * interval '1 ms', 'time', now() - interval '2 hours', 'pending', at_ms(n)
  from generate_series(1, 100) n;
insert into flow (tenant_id, flow_id, name, name_key, definition, definition_hash, revision, created_at, updated_at)
  select md5('t')::uuid, md5('f' || n)::uuid, 'x', 'x', '{}', sha256('x'), 1, now(), now() from generate_series(0, 49) n;
insert into subscription (tenant_id, subscription_id, environment_id, flow_id, version, node, pattern, ordered, position, replay, created_at)
  values (md5('t')::uuid, md5('s')::uuid, md5('e')::uuid, md5('f1')::uuid, 1, 'on', '*', true, 0, 2, now());
insert into event_delivery (tenant_id, subscription_id, replay, position, run_id, outcome, taken_at)
  select md5('t')::uuid, md5('s')::uuid, 0, n, at_ms(n), 'pending', now() - interval '2 hours' from generate_series(1, 100) n;
insert into alert_firing (tenant_id, firing_id, rule_id, fired_at, cause, summary, count, items, state, next_try_at)
  select md5('t')::uuid, at_ms(n), md5('r')::uuid, now(), 'rule', 'x', 1, '[]', 'pending', now() - interval '1 minute' from generate_series(1, 100) n;
insert into failure_start (tenant_id, environment_id, flow_id, node, failed_run, run_id, state, found_at, next_try_at)
  select md5('t')::uuid, md5('e')::uuid, md5('f')::uuid, 'on', at_ms(n), at_ms(n), 'pending', now(), now() - interval '1 minute'
  from generate_series(1, 100) n;
";

/// What is over, up to so many of each; what was there before stays.
const OVER: &str = "
create temp table past as select n, at_ms(1000 + n) as run_id from generate_series({from}, {to}) n;
insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor, started_at, definition_hash, correlation, labels)
  select md5('t')::uuid, run_id, m, md5('e')::uuid, md5('f' || n % 10)::uuid, 1, now() - interval '30 minutes',
    case when m = 'started' then 'queued' when n % 7 = 0 then 'failed' else 'completed' end, 'trigger.manual', 'system', now() - interval '30 minutes', '',
    'the same', jsonb_build_object('n', (n % 10)::text)
  from past, unnest(array['started', 'ended']) m;
insert into run_label (tenant_id, key, value, run_id) select md5('t')::uuid, 'n', (n % 10)::text, run_id from past;
insert into journal (tenant_id, run_id, seq, n, at, body) select md5('t')::uuid, run_id, 0, 1, now(), 'x' from past;
insert into idempotency (tenant_id, scope, key, run_id, request_hash, expires_at)
  select md5('t')::uuid, 'api', n::text, run_id, 'x', now() + interval '1 day' from past;
insert into task (tenant_id, run_id, task_id, environment_id, flow_id, path, kind, title, context, choices, form, assignees, state, opened_at)
  select md5('t')::uuid, run_id, md5(n::text)::uuid, md5('e')::uuid, md5('f')::uuid, 'ask', 'approval', 'x', '{}', '[]', '{}', array['bob'], 'answered', now()
  from past;
insert into schedule_firing (tenant_id, schedule_id, scheduled_at, cause, fired_at, outcome, run_id)
  select md5('t')::uuid, md5('s')::uuid, now() + n * interval '1 ms', 'time', now(), 'started', run_id from past;
insert into event_delivery (tenant_id, subscription_id, replay, position, run_id, outcome, taken_at)
  select md5('t')::uuid, md5('s')::uuid, 0, 1000 + n, run_id, 'started', now() + n * interval '1 ms' from past;
insert into alert_firing (tenant_id, firing_id, rule_id, fired_at, cause, summary, count, items, state, next_try_at)
  select md5('t')::uuid, run_id, md5('r')::uuid, now(), 'rule', 'x', 1, '[]', 'delivered', now() from past;
insert into failure_start (tenant_id, environment_id, flow_id, node, failed_run, run_id, state, found_at, next_try_at)
  select md5('t')::uuid, md5('e')::uuid, md5('f')::uuid, 'on', run_id, run_id, 'started', now(), now() from past;
drop table past;
analyze;
";

/// A statement, by a piece of its text, and what it is asked with.
struct Asked {
    what: &'static str,
    piece: &'static str,
    role: Role,
    /// SQL, in the order of the parameters; `T`, `E` and `F` are the workspace, the environment and a flow.
    with: &'static str,
}

const fn app(what: &'static str, piece: &'static str, with: &'static str) -> Asked {
    Asked { what, piece, role: Role::App, with }
}

const fn engine(what: &'static str, piece: &'static str, with: &'static str) -> Asked {
    Asked { what, piece, role: Role::Engine, with }
}

const TASKS: &str = "from task t left join flow f on f.tenant_id = t.tenant_id and f.flow_id = t.flow_id where t.tenant_id = $1 and \
                     t.environment_id = $2 and ($3::text is null or t.state = $3)";
const RUNS: &str = "from run_hist s left join run_hist e on e.tenant_id = s.tenant_id and e.run_id = s.run_id and e.moment = 'ended' left join \
                    run_live l on l.tenant_id = s.tenant_id and l.run_id = s.run_id left join flow f on f.tenant_id = s.tenant_id and f.flow_id \
                    = s.flow_id where s.tenant_id = $1 and s.environment_id = $2 and s.moment = 'started' and s.run_id >= $3";
const ENDED: &str = "from run_hist e left join flow f on f.tenant_id = e.tenant_id and f.flow_id = e.flow_id where e.tenant_id = $1 and \
                     e.environment_id = $2 and e.moment = 'ended' and e.status = $3";
const LIVE: &str = "from run_live l join run_hist s on s.tenant_id = l.tenant_id and s.run_id = l.run_id and s.moment = 'started' left join flow f";
const LABEL: &str = "from run_label w join run_hist s";

/// What costs the same however much is over.
const FLAT: &[Asked] = &[
    app("open tasks", TASKS, "T, E, 'open', null, null, null, 51, null, false"),
    app("open tasks of somebody", TASKS, "T, E, 'open', null, null, null, 51, array['ada'], false"),
    app("open tasks of nobody", TASKS, "T, E, 'open', null, null, null, 51, null, true"),
    app("open tasks of a run", TASKS, "T, E, 'open', at_ms(7), null, null, 51, null, false"),
    app("tasks, whatever their state", TASKS, "T, E, null, null, null, null, 51, null, false"),
    app("how many tasks are open", "limit $4) as u) as \"unassigned!\"", "T, E, array['ada'], 1000"),
    app("the first page's numbers, where nothing failed lately", "as \"stuck!\"", "T, E, now(), at_ms(7)"),
    app(
        "live runs of a correlation",
        "from run_live where tenant_id = $1 and environment_id = $2 and correlation = $3",
        "T, E, 'the same', 1001",
    ),
    app("the newest of a correlation", RUNS, "T, E, N, M, null, null, 'the same', null, null, null, 200, false"),
    app("the newest runs", RUNS, "T, E, N, M, null, null, null, null, null, null, 51, false"),
    app("the newest runs of a flow", RUNS, "T, E, N, M, F, null, null, null, null, null, 51, false"),
    app("completed runs of a flow", RUNS, "T, E, N, M, F, null, null, 'completed', null, null, 51, false"),
    app(
        "completed runs of a flow that has none",
        RUNS,
        "T, E, N, M, md5('none')::uuid, null, null, 'completed', null, null, 51, false",
    ),
    app("failed runs", ENDED, "T, E, 'failed', N, M, null, null, null, null, 51"),
    app("failed runs of a flow", ENDED, "T, E, 'failed', N, M, F, null, null, null, 51"),
    app("cancelled runs of a flow, of which there are none", ENDED, "T, E, 'cancelled', N, M, F, null, null, null, 51"),
    app("runs that wait", LIVE, "T, E, 'waiting', N, M, null, null, null, null, 51, false"),
    app(
        "runs of a label",
        LABEL,
        "T, E, N, M, null, null, null, null, null, null, 51, 'n', '7', '{\"n\": \"7\"}', false",
    ),
    app(
        "one run",
        "where s.tenant_id = $1 and s.run_id = $2 and s.environment_id = $3 and s.moment = 'started'",
        "T, at_ms(7), E",
    ),
    engine("who waits for a signal", "select distinct run_id from wait", "T, E, 'paid', '7', 1000"),
    engine("what a key has started", "select run_id, request_hash, expires_at from idempotency", "T, 'api', '7'"),
    engine(
        "the journal of a run",
        "select seq, body from journal where tenant_id = $1 and run_id = $2 and seq + n > $3",
        "T, at_ms(7), 0",
    ),
    engine("whether a schedule has anything to do", "(select min(due_at) from schedule where not paused) as due", ""),
    engine(
        "firings whose runs are to be started",
        "where f.outcome = 'pending' and f.run_id is not null",
        "now(), null, null, 100",
    ),
    engine(
        "whether a schedule's runs go on",
        "from schedule_firing where tenant_id = $1 and schedule_id = $2 and outcome in ('pending', 'started')",
        "T, S, 100",
    ),
    engine("whether events wait", "exists (select from event_delivery where outcome = 'pending') as \"waiting!\"", ""),
    engine(
        "deliveries whose runs are to be started",
        "where d.outcome = 'pending' and d.taken_at <= $1",
        "now(), null, null, 100",
    ),
    engine(
        "whether what an event started goes on",
        "(select count(*) from event_delivery where tenant_id = $1 and subscription_id = $2",
        "T, S, 100",
    ),
    engine("alerts to be told", "update alert_firing f set next_try_at = $2", "now(), now(), 10"),
    engine(
        "what failures are to start",
        "with due as ( select tenant_id, environment_id, flow_id, node, failed_run from failure_start",
        "now(), now(), 10",
    ),
    engine(
        "tasks that wait long",
        "from task t where t.tenant_id = $1 and t.environment_id = $2 and t.state = 'open' and t.opened_at <= $3",
        "T, E, now(), null, false, '', T, 100",
    ),
    engine(
        "what is left over of tasks",
        "update task t set state = 'closed', ended_at = $1 where t.state = 'open'",
        "now()",
    ),
    engine("letters of a run", "where tenant_id = $1 and run_id = $2 and body = $5", "T, at_ms(7), 1, T, 'y'"),
];

/// What looks through the past, since the past is what is asked for: by something that has no index of its own.
const GROWS: &[Asked] = &[
    app(
        "what came of events: the other deliveries of their subscriptions are passed over",
        "from unnest($3::bigint[]) as p(position)",
        "T, E, array[7, 2000, 5000]::bigint[], 20",
    ),
    app(
        "tasks of somebody, whatever their state: those of others are passed over",
        TASKS,
        "T, E, null, null, null, null, 51, array['ada'], false",
    ),
    app(
        "failed runs of a trigger that started none: those of others are passed over",
        ENDED,
        "T, E, 'failed', N, M, null, 'trigger.form', null, null, 51",
    ),
    app(
        "runs of a label that failed: the others of the label are passed over",
        LABEL,
        "T, E, N, M, null, null, null, 'cancelled', null, null, 51, 'n', '7', '{\"n\": \"7\"}', false",
    ),
];

/// Rows that a statement reads.
async fn rows(db: &TestDb, asked: &Asked, statement: &Statement) -> u64 {
    let mut connection = PgConnection::connect_with(&db.options(asked.role)).await.unwrap();
    // As the server asks: pages plan each question for itself, the runtime plans once.
    let mode = if asked.role == Role::App { "force_custom_plan" } else { "auto" };
    let mut admin = PgConnection::connect_with(&db.admin_options()).await.unwrap();
    let seventh: String = sqlx::query_scalar("select quote_literal(at_ms(7))").fetch_one(&mut admin).await.unwrap();
    let given = asked
        .with
        .replace("at_ms(7)", &seventh)
        .replace('T', "md5('t')::uuid")
        .replace("E,", "md5('e')::uuid,")
        .replace(", E", ", md5('e')::uuid")
        .replace('F', "md5('f3')::uuid")
        .replace('S', "md5('s')::uuid")
        .replace("N, M", "'00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'");
    let given = if given.is_empty() { String::new() } else { format!("({given})") };
    let mut tx = connection.begin().await.unwrap();
    let prepare = format!(
        "set local plan_cache_mode = {mode}; set local jit = off; select set_config('app.tenant_id', md5('t')::uuid::text, true); \
         prepare planned as {}",
        statement.text
    );
    sqlx::raw_sql(AssertSqlSafe(prepare))
        .execute(&mut *tx)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", asked.what));
    let explain = format!("explain (analyze, timing off, format json) execute planned{given}");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_one(&mut *tx)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", asked.what));
    tx.rollback().await.unwrap();
    let mut read = 0;
    count(&plan[0]["Plan"], &mut read);
    read
}

/// What the scans of a plan read, whether they pass it on or not.
fn count(node: &Value, read: &mut u64) {
    let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
    if node["Node Type"].as_str().is_some_and(|kind| kind.contains("Scan")) && node.get("Relation Name").is_some() {
        let passed = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        *read += ((number("Actual Rows") + passed) * number("Actual Loops")).round() as u64;
    }
    node["Plans"].as_array().into_iter().flatten().for_each(|below| count(below, read));
}

async fn measured(db: &TestDb, all: &[Asked]) -> Vec<u64> {
    let statements = statements_with(|_| true);
    let mut reads = Vec::new();
    for asked in all {
        let mut found = statements.iter().filter(|statement| statement.shown.contains(asked.piece));
        let statement = found.next().unwrap_or_else(|| panic!("no statement does this: {}", asked.what));
        assert!(found.next().is_none(), "more than one statement does this: {}", asked.what);
        reads.push(rows(db, asked, statement).await);
    }
    reads
}

#[tokio::test]
async fn what_is_open_is_found_at_the_same_cost_however_much_is_over() {
    let db = TestDb::new().await;
    PgStore::new(db.pool_apart()).maintain().await.unwrap();
    let mut admin = PgConnection::connect_with(&db.admin_options()).await.unwrap();
    sqlx::raw_sql(OPEN).execute(&mut admin).await.unwrap();
    let past = |from: u32, to: u32| OVER.replace("{from}", &from.to_string()).replace("{to}", &to.to_string());
    sqlx::raw_sql(AssertSqlSafe(past(1, FEW))).execute(&mut admin).await.unwrap();
    let (flat, grows) = (measured(&db, FLAT).await, measured(&db, GROWS).await);
    sqlx::raw_sql(AssertSqlSafe(past(FEW + 1, MANY))).execute(&mut admin).await.unwrap();
    let (then_flat, then_grows) = (measured(&db, FLAT).await, measured(&db, GROWS).await);
    let told = |all: &[Asked], few: &[u64], many: &[u64], wrong: fn(u64, u64) -> bool| -> Vec<String> {
        let rows = all.iter().zip(few.iter().zip(many)).filter(|(_, (few, many))| wrong(**few, **many));
        rows.map(|(asked, (few, many))| format!("{}: {few} rows, then {many}", asked.what)).collect()
    };
    let grown = told(FLAT, &flat, &then_flat, |few, many| many > few + few / 5 + ANY_OPEN);
    assert!(grown.is_empty(), "these look through what is over:\n{}", grown.join("\n"));
    let stale = told(GROWS, &grows, &then_grows, |few, many| many <= few + few / 5 + ANY_OPEN);
    assert!(stale.is_empty(), "these look through the past no more:\n{}", stale.join("\n"));
}
