//! Servers of an older build beside newer ones over one Postgres, as real programs: a rolling deploy under load, and a roll back that stops the
//! newer ones first. The older build is this one saying that it knows the meaning of flows before the present one, which is all that replicas know
//! of each other's build.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use holon_engine::SEMANTICS;
use holon_platform::db::test_db::TestDb;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::load::Load;
use super::{Folder, end_of, tell};
use crate::replicas::Process;

/// Orders that are acknowledged between two steps of a deploy.
const ORDERS: usize = 30;
/// How long shards may be on the way.
const COMES_WITHIN: Duration = Duration::from_secs(20);

/// The servers of a test.
struct Site {
    db: TestDb,
    folder: Folder,
}

impl Site {
    async fn server(&self, name: &str, semantics: u32) -> Process {
        let semantics = semantics.to_string();
        let process =
            Process::spawn(&self.db, &self.folder.0, name, &[("HOLON_ACT_AS_SEMANTICS", semantics.as_str())]).await;
        process.ready().await;
        process
    }

    /// What the living replicas say they know, from the least to the most.
    async fn known(&self) -> Vec<i32> {
        let living = "select semantics from replica where not fenced order by semantics";
        sqlx::query_scalar(living).fetch_all(&self.db.pools.engine).await.unwrap()
    }

    /// Waits until no shard is another's than these replicas', by what they know.
    async fn settles(&self, known: &[i32]) {
        let wanted = "select count(*) from shard s join replica r on r.replica_id = s.owner and not r.fenced
                      where r.semantics = any($1)";
        let settled = async {
            while sqlx::query_scalar::<_, i64>(wanted).bind(known).fetch_one(&self.db.pools.engine).await.unwrap() < 256
            {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(COMES_WITHIN, settled).await.expect("every shard is somebody's");
    }
}

/// Looks all the time whether an older replica holds a shard that a newer one drove while a newer one is there; how often it looked.
fn watch(site: &Arc<Site>, over: &Arc<AtomicBool>) -> JoinHandle<u32> {
    let (site, over) = (site.clone(), over.clone());
    tokio::spawn(async move {
        let taken = "select count(*) from shard s join replica r on r.replica_id = s.owner and not r.fenced
                     where r.semantics < s.semantics
                       and exists (select from replica n where not n.fenced and not n.leaving and n.semantics >= s.semantics)";
        let (mut looks, mut since) = (0, None::<Instant>);
        while !over.load(Relaxed) {
            let taken: i64 = sqlx::query_scalar(taken).fetch_one(&site.db.pools.engine).await.unwrap();
            // One that just came is given them: that takes a moment.
            since = (taken > 0).then(|| since.unwrap_or_else(Instant::now));
            let kept = since.map(|since| since.elapsed()).unwrap_or_default();
            assert!(kept < COMES_WITHIN, "an older replica keeps {taken} shards of newer runs");
            looks += 1;
            sleep(Duration::from_millis(20)).await;
        }
        looks
    })
}

/// Stops a server as an operator does, when nobody asks it any more.
async fn stopped(mut process: Process) {
    kill_process(Pid::from_child(&process.child), Signal::TERM).unwrap();
    let ended = end_of(&mut process.child).await.expect("it ends");
    assert_eq!(ended.code(), Some(0), "{}", process.said());
}

/// The reasons of the runs that Holon parked.
async fn parked(server: &Process, load: &Load) -> Vec<String> {
    let reply =
        server.ask("GET", "/api/v1/runs?status=parked&limit=200", &[("cookie", load.cookie())], &Value::Null).await;
    let page = reply.filter(|reply| reply.status == 200).map(|reply| reply.json()).unwrap_or_default();
    let runs = page["data"].as_array().cloned().unwrap_or_default();
    runs.iter().map(|run| run["reason"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_deploy_under_load_loses_nothing_and_older_servers_leave_newer_runs_to_newer_ones() {
    let began = Instant::now();
    let (older, newer) = (i32::try_from(SEMANTICS - 1).unwrap(), i32::try_from(SEMANTICS).unwrap());
    let site = Arc::new(Site { db: TestDb::new().await, folder: Folder::new("deploys") });
    let (one, two) = (site.server("old-1", SEMANTICS - 1).await, site.server("old-2", SEMANTICS - 1).await);
    let load = Load::new(one.port).await;
    load.at(&[one.port, two.port]);
    let sending = load.start();
    load.more(ORDERS).await;
    let over = Arc::new(AtomicBool::new(false));
    let watching = watch(&site, &over);

    // A newer one comes, and is given its share; an older one goes.
    let three = site.server("new-1", SEMANTICS).await;
    assert_eq!(site.known().await, [older, older, newer]);
    load.at(&[two.port, three.port, one.port]);
    load.more(ORDERS).await;
    load.at(&[two.port, three.port]);
    stopped(one).await;
    load.more(ORDERS).await;
    let four = site.server("new-2", SEMANTICS).await;
    load.at(&[three.port, four.port]);
    stopped(two).await;
    site.settles(&[newer]).await;
    load.more(ORDERS).await;
    assert_eq!((site.known().await, parked(&three, &load).await), (vec![newer, newer], Vec::new()));

    // Rolled back the wrong way: the newer ones are gone at once, with runs that the older one does not know.
    let five = site.server("old-3", SEMANTICS - 1).await;
    load.at(&[three.port, four.port, five.port]);
    load.more(ORDERS).await;
    load.at(&[five.port]);
    over.store(true, Relaxed);
    let looks = watching.await.unwrap();
    drop((three, four));
    site.settles(&[older]).await;
    load.more(ORDERS).await;
    let left = async {
        loop {
            let parked = parked(&five, &load).await;
            if !parked.is_empty() {
                return parked;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let left = timeout(COMES_WITHIN, left).await.expect("the older one lays aside what it does not know");
    assert!(left.iter().all(|reason| reason.starts_with("newer_semantics")), "{left:?}");

    // One comes back that knows them.
    let six = site.server("new-3", SEMANTICS).await;
    load.at(&[five.port, six.port]);
    load.more(ORDERS).await;
    let orders = load.settled(sending).await;
    assert_eq!(site.known().await, [older, newer]);
    tell(&format!(
        "{orders} orders of five kinds over six servers of two builds: none lost, none done twice; {looks} looks, {} runs laid \
         aside meanwhile; {:.0} s in all",
        left.len(),
        began.elapsed().as_secs_f64()
    ));
    assert!(looks > 50, "it looked {looks} times");
}
