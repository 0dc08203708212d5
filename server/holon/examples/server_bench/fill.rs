//! Makes a history: copies the rows of runs that really ran under other ids, spread over the weeks before this one.

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};
use tokio::time::Instant;

use crate::ground::Server;

/// Over how many weeks before this one the copies are spread.
const WEEKS: u64 = 8;
/// Copies that are made by one transaction.
const CHUNK: u64 = 50_000;
/// Connections that make them: one for each of two cores.
const CONNECTIONS: u64 = 2;

/// The tables that are filled.
const TABLES: [&str; 3] = ["run_hist", "journal", "run_label"];

/// The partitions of the week that is so many weeks ago, beside their tables and without an index: a row is put into a table that
/// has none in a fraction of the time, and an index that is made at once in a fraction of what its entries take one by one.
const APART: &str = "
do $$
declare week timestamptz := now() - $WEEK * interval '7 days'; parent text; child text; made record;
begin
  perform holon_history_week(week);
  foreach parent in array array['run_hist', 'journal', 'run_label'] loop
    child := format('%s_%s', parent, to_char(week, 'IYYY\"w\"IW'));
    execute format('alter table public.%I detach partition public.%I', parent, child);
    execute format('alter table public.%I no force row level security', child);
    for made in
      select i.indexrelid::regclass as name, c.conname from pg_index i left join pg_constraint c on c.conindid = i.indexrelid
      where i.indrelid = ('public.' || child)::regclass
    loop
      if made.conname is null then
        execute format('drop index %s', made.name);
      else
        execute format('alter table public.%I drop constraint %I', child, made.conname);
      end if;
    end loop;
  end loop;
end
$$";

/// Puts a partition back to its table, which makes its indexes.
const ATTACH: &str = "
do $$
declare
  week timestamptz := date_trunc('week', now() - $WEEK * interval '7 days');
  child text := '$TABLE_' || to_char(week, 'IYYY\"w\"IW');
begin
  execute format('alter table public.%I force row level security', child);
  execute format('alter table public.$TABLE attach partition public.%I for values from (%L) to (%L)', child,
                 holon_run_bound(week), holon_run_bound(week + interval '7 days'));
end
$$";

/// What a connection needs to copy: the runs that are copied, and how the id of a copy comes from its number.
const MODELS: &str = "
set timezone = 'UTC';
set synchronous_commit = off;
set maintenance_work_mem = '512MB';
create temp table model as
  select run_id, row_number() over (order by run_id) - 1 as number from run_hist where moment = 'started';
analyze model;
create function pg_temp.copy_id(at timestamptz, number bigint) returns uuid language sql immutable as $$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(number::text), 1, 3)
    || '8' || substr(md5(number::text), 4, 15))::uuid
$$;
create temp table copied (run_id uuid, model uuid, number bigint, at timestamptz);";

/// Copies of the week that is so many weeks ago, `from` (inclusive) to `to` (exclusive) of `of`: each is as long after the one before.
const CHOOSE: &str = "
insert into copied
select pg_temp.copy_id(c.at, $1::bigint * 1000000000 + c.number), m.run_id, $1::bigint * 1000000000 + c.number, c.at
from (select number, date_trunc('week', now()) - $1::bigint::float8 * interval '7 days' + number * (interval '7 days' / $4::bigint::float8) as at
      from generate_series($2::bigint, $3::bigint - 1) as number) c
join model m on m.number = c.number % (select count(*) from model)";

/// Their rows, for each of the tables. What a run is about is its own.
const ROWS: [&str; 3] = [
    "insert into $INTO (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor, started_at,
       definition_hash, error, log_hash, final, labels, correlation)
     select h.tenant_id, c.run_id, h.moment, h.environment_id, h.flow_id, h.version, c.at, h.status, h.trigger, h.actor, c.at,
       h.definition_hash, h.error, h.log_hash, h.final, h.labels, 'past ' || c.number
     from copied c join run_hist h on h.run_id = c.model order by c.run_id",
    "insert into $INTO (tenant_id, run_id, seq, n, at, body)
     select j.tenant_id, c.run_id, j.seq, j.n, c.at, j.body from copied c join journal j on j.run_id = c.model order by c.run_id",
    "insert into $INTO (tenant_id, key, value, run_id)
     select l.tenant_id, l.key, l.value, c.run_id from copied c join run_label l on l.run_id = c.model order by c.run_id",
];

/// Makes `runs` copies of the runs that a server has; says how far it is.
pub async fn fill(server: &Server, runs: u64) {
    let owner = server.owner().await;
    let mut first = owner.connect().await.expect("the owner connects");
    run(&mut first, "set timezone = 'UTC'").await;
    for week in 1..=WEEKS {
        run(&mut first, &APART.replace("$WEEK", &week.to_string())).await;
    }
    let begun = Instant::now();
    let each = runs / WEEKS;
    let work = (0..CONNECTIONS).map(|mine| {
        let owner = &owner;
        async move {
            let mut connection = owner.connect().await.expect("the owner connects");
            run(&mut connection, MODELS).await;
            for week in (1..=WEEKS).filter(|week| week % CONNECTIONS == mine) {
                for from in (0..each).step_by(CHUNK as usize) {
                    copy(&mut connection, week, from, (from + CHUNK).min(each), each).await;
                }
                for table in TABLES {
                    run(&mut connection, &ATTACH.replace("$WEEK", &week.to_string()).replace("$TABLE", table)).await;
                }
                let seconds = begun.elapsed().as_secs();
                eprintln!("{each} runs of the week {week} weeks ago are there after {seconds} s");
            }
        }
    });
    futures::future::join_all(work).await;
    for table in TABLES {
        run(&mut first, &format!("vacuum (analyze) {table}")).await;
    }
    drop(first);
    owner.close().await;
}

async fn copy(connection: &mut PgConnection, week: u64, from: u64, to: u64, of: u64) {
    run(connection, "begin").await;
    run(connection, "truncate copied").await;
    let mut query = sqlx::query(CHOOSE);
    for number in [week, from, to, of] {
        query = query.bind(i64::try_from(number).expect("not so many"));
    }
    query.execute(&mut *connection).await.expect("copies are chosen");
    let name = format!("select to_char(now() - {week} * interval '7 days', 'IYYY\"w\"IW')");
    let name: String =
        sqlx::query_scalar(AssertSqlSafe(name)).fetch_one(&mut *connection).await.expect("a week's name");
    for (table, rows) in TABLES.iter().zip(ROWS) {
        run(connection, &rows.replace("$INTO", &format!("{table}_{name}"))).await;
    }
    run(connection, "commit").await;
}

/// One statement: a vacuum may not stand in a transaction with another.
async fn run(connection: &mut PgConnection, statement: &str) {
    let done: Result<Vec<_>, _> =
        connection.fetch_many(sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))).try_collect().await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
