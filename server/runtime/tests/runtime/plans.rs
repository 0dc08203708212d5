//! No statement walks through a table that grows with the runs there are, but those that are meant to: all statements of the server, as the
//! build knows them, are planned over a hundred thousand runs of fifty workspaces.

use std::collections::BTreeSet;

use holon_platform::db::test_db::TestDb;
use holon_runtime::store::Store as _;
use holon_runtime::store::pg::PgStore;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Tables that are filled, each with a hundred thousand rows.
const FILLED: [&str; 18] = [
    "run_live",
    "run_hist",
    "run_label",
    "journal",
    "idempotency",
    "wait",
    "inbox",
    "task",
    "link",
    "schedule_firing",
    "event",
    "event_delivery",
    "alert_firing",
    "alert_seen",
    "failure_start",
    "poll_seen",
    "audit_event",
    "kept_answer",
];

/// A hundred thousand runs of now, of fifty workspaces.
const FILL: &str = "
set session_replication_role = replica;
set synchronous_commit = off;
create temp table run as
  select n, md5((n % 50)::text)::uuid as tenant_id, md5('e' || n % 50)::uuid as environment_id, md5('f' || n % 500)::uuid as flow_id,
    (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid
      as run_id
  from generate_series(1, 100000) n;
insert into run_live (tenant_id, run_id, environment_id, shard, flow_id, version, status, started_at)
  select tenant_id, run_id, environment_id, n % 256, flow_id, 1, 'waiting', now() from run;
insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor, started_at, definition_hash)
  select tenant_id, run_id, case when n % 2 = 0 then 'started' else 'ended' end, environment_id, flow_id, 1, now(),
    case when n % 2 = 0 then 'queued' when n % 20 = 1 then 'failed' else 'completed' end, 'trigger.webhook', 'webhook', now(), '' from run;
insert into journal (tenant_id, run_id, seq, n, at, body) select tenant_id, run_id, 0, 1, now(), 'x' from run;
insert into idempotency (tenant_id, scope, key, run_id, request_hash, expires_at)
  select tenant_id, 'api', n::text, run_id, 'x', now() + n * interval '1 second' from run;
insert into wait (tenant_id, run_id, ask_id, environment_id, name, correlation)
  select tenant_id, run_id, run_id, environment_id, 'paid', n::text from run;
insert into inbox (tenant_id, run_id, shard, sender, body) select tenant_id, run_id, n % 256, tenant_id, 'x' from run;
insert into run_label (tenant_id, key, value, run_id) select tenant_id, 'n', (n % 100)::text, run_id from run;
insert into task (tenant_id, run_id, task_id, environment_id, flow_id, path, kind, title, context, choices, form, assignees, state, opened_at)
  select tenant_id, run_id, run_id, environment_id, flow_id, 'ask', 'approval', 'x', '{}', '[]', '{}', array['bob'],
    case when n % 100 = 0 then 'open' else 'answered' end, now() from run;
insert into link (tenant_id, link_id, environment_id, run_id, kind, token_hash, task_id, made_by, created_at, expires_at)
  select tenant_id, run_id, environment_id, run_id, 'task', sha256(n::text::bytea), run_id, 'x', now(), now() + n * interval '1 second' from run;
insert into schedule_firing (tenant_id, schedule_id, scheduled_at, cause, fired_at, outcome, run_id)
  select tenant_id, md5('s' || n % 500)::uuid, now() + n * interval '1 second', 'time', now() + n * interval '1 second',
    case when n % 1000 = 0 then 'pending' else 'started' end, run_id from run;
insert into event (tenant_id, environment_id, position, event_id, subject, data, bytes, run_id, published_at, at)
  select tenant_id, environment_id, n, run_id, 'orders.' || n % 100, '{}', 2, run_id, now(), now() + n * interval '1 second' from run;
insert into event_delivery (tenant_id, subscription_id, replay, position, run_id, outcome, taken_at)
  select tenant_id, md5('b' || n % 500)::uuid, 0, n, run_id, case when n % 1000 = 0 then 'pending' else 'started' end, now() + n * interval '1 second'
  from run;
insert into alert_firing (tenant_id, firing_id, rule_id, fired_at, cause, summary, count, items, state, next_try_at)
  select tenant_id, run_id, md5('r' || n % 500)::uuid, now() + n * interval '1 second', 'rule', 'x', 1, '[]',
    case when n % 1000 = 0 then 'pending' else 'delivered' end, now() from run;
insert into alert_seen (tenant_id, rule_id, subject, seen_at) select tenant_id, md5('r' || n % 500)::uuid, n::text, now() + n * interval '1 second' from run;
insert into failure_start (tenant_id, environment_id, flow_id, node, failed_run, run_id, state, found_at, next_try_at)
  select tenant_id, environment_id, flow_id, 'on', run_id, run_id, case when n % 1000 = 0 then 'pending' else 'started' end,
    now() + n * interval '1 second', now() from run;
insert into poll_seen (tenant_id, poll_id, key, state, run_id, seen_at, listed_at)
  select tenant_id, md5('p' || n % 500)::uuid, sha256(n::text::bytea), 'started', run_id, now(), now() + n * interval '1 second' from run;
insert into audit_event (tenant_id, event_id, at, actor, source, intent_id, intent_type, subject)
  select tenant_id, run_id, now(), 'system', 'web', run_id, 'run.start', run_id::text from run;
insert into kept_answer (tenant_id, environment_id, key, value, given_at, expires_at)
  select tenant_id, environment_id, sha256(n::text::bytea), 'x', now(), now() + n * interval '1 second' from run;
";

/// Statements that walk, by a piece of their text, and why they may.
const WALKS: [(&str, &str); 6] = [
    ("l.shard = any($1)", "whoever comes to hold shards reads the live runs of them, once"),
    ("where shard = any($1) and wakes_at is not null", "the same"),
    (
        "(select from run_live l where l.tenant_id",
        "what is left over is swept now and then, in the whole of a small table",
    ),
    ("from run_live", "what is live is counted for a person who looks"),
    (
        "select ctid from link where run_id >= $1",
        "what belongs to a week of which nobody keeps anything goes with it, once",
    ),
    ("select ctid from task where run_id >= $1", "the same"),
];

/// A statement of the build.
pub struct Statement {
    pub text: String,
    /// Without line breaks.
    pub shown: String,
    parameters: usize,
}

/// Those that read or change one of the filled tables.
fn statements() -> Vec<Statement> {
    statements_with(|words| FILLED.iter().any(|table| words.contains(table)))
}

/// Those of which the words are these.
pub fn statements_with(are: impl Fn(&BTreeSet<&str>) -> bool) -> Vec<Statement> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sqlx");
    let files = std::fs::read_dir(folder).expect("the statements lie beside the build");
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let said: serde_json::Value = serde_json::from_str(&text).unwrap();
        let text = said["query"].as_str().unwrap().to_owned();
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        if are(&words) {
            let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let parameters = said["describe"]["parameters"]["Left"].as_array().map_or(0, Vec::len);
            all.push(Statement { text, shown, parameters });
        }
    }
    all.sort_by(|one, other| one.shown.cmp(&other.shown));
    all
}

/// The lines of its plan, whatever its parameters are.
async fn plan(connection: &mut PgConnection, statement: &Statement) -> Vec<String> {
    let prepare = format!("prepare planned as {}", statement.text);
    sqlx::raw_sql(AssertSqlSafe(prepare))
        .execute(&mut *connection)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", statement.shown));
    let nulls = vec!["null"; statement.parameters].join(", ");
    let given = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
    let explain = format!("explain execute planned{given}");
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *connection).await.unwrap();
    sqlx::raw_sql("deallocate planned").execute(&mut *connection).await.unwrap();
    lines
}

#[tokio::test]
async fn no_statement_walks_through_what_grows_with_the_runs_but_those_that_are_meant_to() {
    let db = TestDb::new().await;
    PgStore::new(db.pool_apart()).maintain().await.unwrap();
    let mut connection = PgConnection::connect_with(&db.admin_options()).await.unwrap();
    sqlx::raw_sql(FILL).execute(&mut connection).await.unwrap();
    for table in FILLED {
        sqlx::raw_sql(AssertSqlSafe(format!("analyze {table}"))).execute(&mut connection).await.unwrap();
    }
    // Partitions in which nothing lies may be walked through.
    let mut full = BTreeSet::new();
    for table in FILLED {
        let count = format!("select tableoid::regclass::text from {table} group by 1 having count(*) > 1000");
        let parts: Vec<String> = sqlx::query_scalar(AssertSqlSafe(count)).fetch_all(&mut connection).await.unwrap();
        assert!(!parts.is_empty(), "{table} is filled");
        full.extend(parts);
    }
    sqlx::raw_sql("set plan_cache_mode = force_generic_plan; set jit = off").execute(&mut connection).await.unwrap();
    let (mut walk, mut meant) = (Vec::new(), BTreeSet::new());
    let statements = statements();
    assert!(statements.len() > 50, "{}", statements.len());
    for statement in &statements {
        let plan = plan(&mut connection, statement).await;
        let walks = |line: &String| {
            let (_, table) = line.split_once("Seq Scan on ")?;
            table.split(' ').next().filter(|table| full.contains(*table)).map(str::to_owned)
        };
        let walked: BTreeSet<String> = plan.iter().filter_map(walks).collect();
        if walked.is_empty() {
            continue;
        }
        match WALKS.iter().find(|(piece, _)| statement.shown.contains(piece)) {
            Some((piece, _)) => drop(meant.insert(*piece)),
            None => walk.push(format!("{walked:?}: {}\n{}", statement.shown, plan.join("\n"))),
        }
    }
    assert!(walk.is_empty(), "{} statements walk:\n\n{}", walk.len(), walk.join("\n\n"));
    let stale: Vec<_> = WALKS.iter().filter(|(piece, _)| !meant.contains(piece)).collect();
    assert!(stale.is_empty(), "these walk no more: {stale:?}");
}
