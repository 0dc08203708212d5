//! What there is to back up, read from Postgres's own catalogue: a table that is added later is in the next backup without
//! anybody's doing.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, PgConnection};

use super::Error;
use super::manifest::{Applied, Sequence};

/// Tables that are not in a backup: which process drives which runs is true of one moment and one place only, nothing is promised
/// of answers that are kept for a time, and the migrations are run again.
pub const LEFT_OUT: &[&str] = &["replica", "replica_batch", "shard", "kept_answer", "_sqlx_migrations"];

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// Whether row-level security holds for its owner too.
    pub forced: bool,
}

impl Table {
    /// The columns, for a statement.
    pub fn list(&self) -> String {
        self.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
    }
}

/// A name as it stands in a statement.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The tables of a database, each after those that it refers to. Partitions are in their parents; a week that was detached
/// from its parent is on its way out and is not taken along.
pub async fn tables(connection: &mut PgConnection) -> Result<Vec<Table>, Error> {
    let rows: Vec<(String, bool, Vec<String>)> = sqlx::query_as(
        "select c.relname::text, c.relforcerowsecurity, array(
           select a.attname::text from pg_attribute a
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
           order by a.attnum)
         from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
           and c.relname !~ '_[0-9]{4}w[0-9]{2}$' and not (c.relname = any($1))
         order by c.relname",
    )
    .bind(LEFT_OUT)
    .fetch_all(&mut *connection)
    .await?;
    let refers: Vec<(String, String)> = sqlx::query_as(
        "select f.relname::text, t.relname::text from pg_constraint k
         join pg_class f on f.oid = k.conrelid join pg_class t on t.oid = k.confrelid
         where k.contype = 'f' and k.conparentid = 0 and f.relnamespace = 'public'::regnamespace and f.oid <> t.oid",
    )
    .fetch_all(&mut *connection)
    .await?;
    let tables =
        rows.into_iter().map(|(name, forced, columns)| (name.clone(), Table { name, columns, forced })).collect();
    in_order(tables, &refers)
}

fn in_order(mut left: BTreeMap<String, Table>, refers: &[(String, String)]) -> Result<Vec<Table>, Error> {
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |name: &str| refers.iter().any(|(from, to)| from == name && left.contains_key(to));
        let free: Vec<String> = left.keys().filter(|name| !waits(name)).cloned().collect();
        if free.is_empty() {
            let names: Vec<&str> = left.keys().map(String::as_str).collect();
            return Err(Error::Unfit(format!("the tables {} refer to each other in a circle", names.join(", "))));
        }
        ordered.extend(free.iter().filter_map(|name| left.remove(name)));
    }
    Ok(ordered)
}

/// The migrations that were run, oldest first; none in a database that is empty.
pub async fn migrations(connection: &mut PgConnection) -> Result<Vec<Applied>, Error> {
    let there: bool = sqlx::query_scalar("select to_regclass('public._sqlx_migrations') is not null")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "select version, encode(checksum, 'hex') from public._sqlx_migrations where success order by version",
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(rows.into_iter().map(|(version, checksum)| Applied { version, checksum }).collect())
}

/// Weekly partitions, by name.
pub async fn partitions(connection: &mut PgConnection) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(
        "select relname::text from pg_class where relispartition and relnamespace = 'public'::regnamespace
           and relkind = 'r' and relname ~ '_[0-9]{4}w[0-9]{2}$' order by relname",
    )
    .fetch_all(&mut *connection)
    .await?)
}

/// Where sequences stand.
pub async fn sequences(connection: &mut PgConnection) -> Result<Vec<Sequence>, Error> {
    let names: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace order by relname",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let statement = format!("select last_value, is_called from public.{}", quoted(&name));
        let (last, called) = sqlx::query_as(AssertSqlSafe(statement)).fetch_one(&mut *connection).await?;
        all.push(Sequence { name, last, called });
    }
    Ok(all)
}

/// The names in one list that are not in the other.
pub fn missing<'a>(of: impl Iterator<Item = &'a str>, there: &[Table]) -> Vec<&'a str> {
    let there: BTreeSet<&str> = there.iter().map(|table| table.name.as_str()).collect();
    of.filter(|name| !there.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(names: &[&str]) -> BTreeMap<String, Table> {
        let table = |name: &&str| Table { name: (*name).to_owned(), columns: vec![], forced: true };
        names.iter().map(|name| ((*name).to_owned(), table(name))).collect()
    }

    fn pairs(refers: &[(&str, &str)]) -> Vec<(String, String)> {
        refers.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
    }

    #[test]
    fn a_table_stands_after_those_that_it_refers_to() {
        let ordered = in_order(tables(&["a", "b", "c"]), &pairs(&[("a", "b"), ("b", "c"), ("a", "c")])).unwrap();
        assert_eq!(ordered.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
    }

    #[test]
    fn a_circle_is_told_and_not_followed_for_ever() {
        let error = in_order(tables(&["a", "b", "c"]), &pairs(&[("a", "b"), ("b", "a")])).unwrap_err();
        assert!(error.to_string().contains("a, b"), "{error}");
    }
}
