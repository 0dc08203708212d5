//! Numbers, and how they are told: one JSON line a measure.

use holon_runtime::RuntimeHandle;
use sqlx::PgPool;

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    at(values, 50)
}

/// The one that so many percent are below.
pub fn at(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() * percent / 100).copied().unwrap_or(f64::NAN)
}

/// What was written until now.
#[derive(Clone, Copy)]
pub struct Written {
    commits: u64,
    wal: i64,
    dead: i64,
}

impl Written {
    /// Reads the counters.
    pub async fn now(runtime: &RuntimeHandle, pool: &PgPool) -> Self {
        let at = sqlx::query_scalar("select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint");
        let wal = at.fetch_one(pool).await.expect("Postgres answers");
        // Each row that was changed or deleted leaves one that is dead. Processes tell what they did once a second.
        let dead =
            sqlx::query_scalar("select coalesce(sum(n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables");
        let dead = dead.fetch_one(pool).await.expect("Postgres answers");
        Self { commits: runtime.metrics().await.commits, wal, dead }
    }

    /// Commits, bytes of the log and rows that died since `before`, each over `count`.
    pub fn since(self, before: Self, count: f64) -> [f64; 3] {
        let over = |more: i64| more as f64 / count;
        [(self.commits - before.commits) as f64 / count, over(self.wal - before.wal), over(self.dead - before.dead)]
    }
}

/// Dead rows that no vacuum has cleared away yet, in all tables.
pub async fn dead_rows(pool: &PgPool) -> i64 {
    let dead = sqlx::query_scalar("select coalesce(sum(n_dead_tup), 0)::bigint from pg_stat_user_tables");
    dead.fetch_one(pool).await.expect("Postgres answers")
}

/// A number without a bar.
pub fn print(name: &str, value: f64, unit: &str) {
    print_with(name, value, unit, None, None);
}

/// A number with a bar such as `<= 3`.
pub fn print_must(name: &str, value: f64, unit: &str, must: &str) {
    print_with(name, value, unit, Some(must), None);
}

/// A number with a bar, and what ran beside it with the ratio to that.
pub fn print_with(name: &str, value: f64, unit: &str, must: Option<&str>, peer: Option<(&str, f64)>) {
    let value = (value * 1_000.0).round() / 1_000.0;
    let must = must.map_or_else(String::new, |must| format!(r#","must":"{must}""#));
    let peer = peer.map_or_else(String::new, |(peer, ratio)| format!(r#","peer":"{peer}","ratio":{ratio:.2}"#));
    println!(r#"{{"name":"{name}","value":{value},"unit":"{unit}"{must}{peer}}}"#);
}
