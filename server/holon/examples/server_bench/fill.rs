//! Makes a history: copies the rows of runs that really ran under other ids, spread over the weeks before this one.

use futures::TryStreamExt as _;
use sqlx::{Executor as _, PgConnection};
use tokio::time::Instant;

use crate::ground::Server;

/// Over how many weeks before this one the copies are spread.
const WEEKS: u64 = 8;
/// Copies that are made by one transaction.
const CHUNK: u64 = 50_000;
/// Connections that make them: one for each of two cores.
const CONNECTIONS: u64 = 2;

/// The partitions of past weeks.
const PARTITIONS: &str = "select holon_history_week(now() - i * interval '7 days') from generate_series(1, 8) i";

/// What a connection needs to copy: the runs that are copied, and how the id of a copy comes from its number.
const MODELS: &str = "
set synchronous_commit = off;
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

/// Their rows. What a run is about is its own.
const ROWS: [&str; 3] = [
    "insert into run_hist (tenant_id, run_id, moment, environment_id, flow_id, version, at, status, trigger, actor, started_at,
       definition_hash, error, log_hash, final, labels, correlation)
     select h.tenant_id, c.run_id, h.moment, h.environment_id, h.flow_id, h.version, c.at, h.status, h.trigger, h.actor, c.at,
       h.definition_hash, h.error, h.log_hash, h.final, h.labels, 'past ' || c.number
     from copied c join run_hist h on h.run_id = c.model order by c.run_id",
    "insert into journal (tenant_id, run_id, seq, n, at, body)
     select j.tenant_id, c.run_id, j.seq, j.n, c.at, j.body from copied c join journal j on j.run_id = c.model order by c.run_id",
    "insert into run_label (tenant_id, key, value, run_id)
     select l.tenant_id, l.key, l.value, c.run_id from copied c join run_label l on l.run_id = c.model order by c.run_id",
];

/// Makes `runs` copies of the runs that a server has; says how far it is.
pub async fn fill(server: &Server, runs: u64) {
    let owner = server.owner().await;
    let mut first = owner.connect().await.expect("the owner connects");
    run(&mut first, PARTITIONS).await;
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
                let seconds = begun.elapsed().as_secs();
                eprintln!("{each} runs of the week {week} weeks ago are there after {seconds} s");
            }
        }
    });
    futures::future::join_all(work).await;
    run(&mut first, "vacuum (analyze) run_hist; vacuum (analyze) journal; vacuum (analyze) run_label").await;
    drop(first);
    owner.close().await;
}

async fn copy(connection: &mut PgConnection, week: u64, from: u64, to: u64, of: u64) {
    run(connection, "begin; truncate copied").await;
    let mut query = sqlx::query(CHOOSE);
    for number in [week, from, to, of] {
        query = query.bind(i64::try_from(number).expect("not so many"));
    }
    query.execute(&mut *connection).await.expect("copies are chosen");
    for rows in ROWS {
        run(connection, rows).await;
    }
    run(connection, "commit").await;
}

/// Statements one after the other, each by itself: a vacuum may not stand in a transaction with another.
async fn run(connection: &mut PgConnection, statements: &'static str) {
    let single = statements.contains("$$") || !statements.contains(';');
    let all: Vec<&'static str> = if single { vec![statements] } else { statements.split(';').collect() };
    for statement in all {
        let done: Result<Vec<_>, _> = connection.fetch_many(sqlx::raw_sql(statement)).try_collect().await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}
