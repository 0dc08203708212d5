//! That both stores know the same runs for sleepers, and take them up from the same.

use std::collections::BTreeSet;

use holon_model::{RunId, TenantId};
use holon_runtime::store::mem::MemStore;
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{LiveRow, Sleeper, Store};

/// `live` are all live runs of the tenants of `runs`, which may be live or not.
pub async fn compare(mem: &MemStore, pg: &PgStore, runs: &[(TenantId, RunId)], live: &[LiveRow]) {
    let shards: Vec<i16> = (0..256).collect();
    let tenants: BTreeSet<TenantId> = runs.iter().map(|(tenant, _)| *tenant).collect();
    let awake: Vec<LiveRow> = live.iter().filter(|row| row.wakes.is_none()).cloned().collect();
    let wakes = |row: &LiveRow| Some(Sleeper { tenant: row.tenant, run: row.run, due: row.wakes? });
    let sleep: Vec<Sleeper> = live.iter().filter_map(wakes).collect();
    let mut wanted = runs.to_vec();
    // A run of somebody else is no run.
    wanted.extend(runs.first().zip(runs.last()).map(|((_, run), (tenant, _))| (*tenant, *run)));
    let mut found = Vec::new();
    for store in [mem as &dyn Store, pg] {
        let mut rows = store.awake(&shards).await.unwrap();
        rows.retain(|row| tenants.contains(&row.tenant));
        assert_eq!(rows, awake);
        let mut sleepers = store.asleep(&shards).await.unwrap();
        sleepers.retain(|sleeper| tenants.contains(&sleeper.tenant));
        sleepers.sort_unstable();
        assert_eq!(sleepers, sleep);
        let mut all = store.found(&wanted).await.unwrap();
        all.sort_by_key(|found| (found.row.tenant, found.row.run));
        assert_eq!(all.iter().map(|found| found.row.clone()).collect::<Vec<_>>(), live);
        found.push(all);
    }
    assert_eq!(found[0], found[1]);
}
