//! Clients that start runs one after the other, and what they see.

use std::sync::Arc;
use std::time::Duration;

use holon_model::{FlowId, TenantId};
use holon_runtime::RuntimeHandle;
use sqlx::PgPool;
use tokio::time::Instant;

use crate::measure::Written;
use crate::support::World;

/// For how long many clients go on.
const LOAD_FOR: Duration = Duration::from_secs(8);

/// What is measured over.
#[derive(Clone)]
pub struct Bench {
    pub world: Arc<World>,
    pub runtime: RuntimeHandle,
    pub pool: PgPool,
}

/// What many clients saw together.
pub struct Load {
    /// Runs that ended a second.
    pub rate: f64,
    /// Milliseconds of each.
    pub taken: Vec<f64>,
    /// Commits of one run.
    pub commits: f64,
    /// Bytes of the log of one run.
    pub wal: f64,
    /// Rows that died for one run.
    pub dead: f64,
}

impl Bench {
    /// Milliseconds from asking for a run to its end.
    pub async fn one_run(&self, tenant: TenantId, flow: FlowId) -> f64 {
        let mut request = self.world.request(flow);
        request.tenant = tenant;
        let end = self.runtime.expect_answer(tenant, request.run);
        let begun = Instant::now();
        self.runtime.start(request).await.expect("the run starts");
        end.answer().await.expect("the run ends");
        begun.elapsed().as_secs_f64() * 1_000.0
    }

    /// What so many clients see, each starting its next run when the last one ended.
    pub async fn many(&self, clients: usize, tenant: TenantId, flow: FlowId) -> Load {
        let before = Written::now(&self.runtime, &self.pool).await;
        let begun = Instant::now();
        let clients = (0..clients).map(|_| {
            let bench = self.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while begun.elapsed() < LOAD_FOR {
                    taken.push(bench.one_run(tenant, flow).await);
                }
                taken
            })
        });
        let mut taken = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            taken.extend(client.await.expect("a client ends well"));
        }
        let runs = taken.len() as f64;
        let rate = runs / begun.elapsed().as_secs_f64();
        let [commits, wal, dead] = Written::now(&self.runtime, &self.pool).await.since(before, runs);
        Load { rate, taken, commits, wal, dead }
    }
}
