//! What befalls the Postgres under a server that goes on: one of its processes is killed, all connections are ended, the whole of it is killed.
//! And a server that stands still for longer than its lease beside another one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use holon_platform::db::test_db::TestDb;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep, timeout};

use super::load::Load;
use super::{ENDS_WITHIN, Folder, acknowledges, end_of, tell};
use crate::kills::{Site, until_ready};
use crate::replicas::Process;

/// Orders that are acknowledged before anything goes wrong again.
const ORDERS: usize = 40;
/// Most of this is Postgres' own: when one of its processes dies it ends all others, waits for them and recovers.
const GOES_ON_WITHIN: Duration = Duration::from_secs(15);
/// A server stands still for as long as this: longer than its lease and the looks of the other one.
const STANDS_STILL: Duration = Duration::from_secs(5);

/// The processes of a Postgres, by what they call themselves.
fn processes(postmaster: Pid) -> BTreeMap<i32, String> {
    let parent = |stat: &str| stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<i32>().ok());
    let of = |dir: &Path| {
        let pid: i32 = dir.file_name()?.to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(dir.join("stat")).ok()?;
        let title = std::fs::read_to_string(dir.join("cmdline")).ok()?;
        (parent(&stat) == Some(postmaster.as_raw_nonzero().get())).then_some((pid, title))
    };
    let all = std::fs::read_dir("/proc").unwrap();
    all.filter_map(|entry| of(&entry.ok()?.path())).collect()
}

/// Those that serve the runtime.
fn engines(postmaster: Pid) -> Vec<Pid> {
    let titles = processes(postmaster).into_iter();
    titles.filter(|(_, title)| title.contains("holon_engine")).filter_map(|(pid, _)| Pid::from_raw(pid)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_ends_in_postgres_under_load_nothing_is_lost_or_done_twice_and_it_goes_on_at_once() {
    let mut site = Site::new("befalls").await;
    site.start_with(&[]);
    until_ready(site.port).await;
    let load = Load::new(site.port).await;
    let sending = load.start();
    let mut took = Vec::new();
    for what in ["a process is killed", "all connections are ended", "all of it is killed"] {
        load.more(ORDERS).await;
        let postmaster = site.postgres().expect("its Postgres runs");
        let engines = engines(postmaster);
        assert!(!engines.is_empty(), "{what}: the runtime has connections");
        let since = Instant::now();
        match what {
            "a process is killed" => kill_process(engines[0], Signal::KILL).unwrap(),
            // What `pg_terminate_backend` does.
            "all connections are ended" => engines.iter().for_each(|engine| {
                // One may have ended by itself.
                let _ = kill_process(*engine, Signal::TERM);
            }),
            _ => kill_process(postmaster, Signal::KILL).unwrap(),
        }
        // What is acknowledged from now on is of the time after it. Of one whose first process is killed the others go on for a moment.
        sleep(Duration::from_millis(50)).await;
        let gone = what == "all of it is killed";
        let another = async {
            while gone && site.postgres().is_none_or(|now| now == postmaster) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(ENDS_WITHIN, another).await.expect("its Postgres is started again");
        let again = acknowledges(&load, since).await;
        took.push((what, again.unwrap_or_else(|| panic!("{what}: nothing goes on:\n{}", site.log()))));
    }
    load.more(ORDERS).await;
    let orders = load.settled(sending).await;
    assert!(site.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none()), "the server went on");
    site.stop();
    tell(&format!("{orders} orders of five kinds, none lost, none done twice; acknowledged again after: {took:?}"));
    assert!(took.iter().all(|(_, took)| *took <= GOES_ON_WITHIN), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stood_still_for_longer_than_its_lease_is_fenced_when_it_wakes_up() {
    let (db, folder) = (TestDb::new().await, Folder::new("zombie"));
    let (stays, mut stands) =
        (Process::start(&db, &folder.0, "stays").await, Process::spawn(&db, &folder.0, "stands", &[]).await);
    stands.ready().await;
    let load = Load::new(stays.port).await;
    load.at(&[stays.port, stands.port]);
    let sending = load.start();
    load.more(ORDERS).await;
    let pid = Pid::from_child(&stands.child);
    let since = Instant::now();
    kill_process(pid, Signal::STOP).unwrap();
    // Whoever balances load sees that it does not answer.
    load.at(&[stays.port]);
    sleep(STANDS_STILL.saturating_sub(since.elapsed())).await;
    load.more(1).await;
    assert!(stands.child.try_wait().unwrap().is_none(), "it stands still");
    kill_process(pid, Signal::CONT).unwrap();
    let awake = Instant::now();
    let ended = end_of(&mut stands.child).await.expect("it ends by itself");
    let noticed = awake.elapsed();
    assert_eq!(ended.code(), Some(1), "{ended}: {}", stands.said());
    assert!(stands.said().contains("another process has taken over the runs of this one"), "{}", stands.said());
    let orders = load.settled(sending).await;
    tell(&format!(
        "{orders} orders of five kinds, none lost, none done twice; the one that stood still ended {noticed:?} after it woke"
    ));
}
