//! A server ends itself, as by `kill -9`, at every named place at which that could hurt, under load, and is started again: nothing that was
//! acknowledged is lost, nothing is done twice, and it takes load again at once.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use holon_platform::db::test_db::TestDb;
use holon_platform::kill_points::{Point, VARIABLE};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::load::Load;
use super::{ENDS_WITHIN, Folder, acknowledges, end_of, tell};
use crate::kills::{READY_WITHIN, Site, until_ready};
use crate::replicas::Process;

/// Orders that are acknowledged while a server is there, at least.
const ORDERS: usize = 30;
/// Where nobody watched a replica that died, whoever comes waits for its lease first.
const LEASE: Duration = Duration::from_secs(3);

/// Ends at a place, the so-manieth time that it comes there.
fn at(point: Point, times: u32) -> String {
    format!("{}:{times}", point.name())
}

/// Places that one server alone comes to under load, and how often before it ends there: then much is under way.
const ALONE: [(Point, u32); 8] = [
    (Point::BeforeSend, 60),
    (Point::InACommit, 40),
    (Point::CommitSent, 60),
    (Point::AfterAck, 60),
    (Point::BeforeAnEffect, 50),
    (Point::EffectAnswered, 50),
    (Point::ChildStarted, 30),
    (Point::TakingUp, 2),
];

/// Places that replicas come to beside each other, in the order of the test below.
const TOGETHER: [Point; 4] = [Point::ShardsClosed, Point::ShardsGiven, Point::Fenced, Point::Adopted];

#[test]
fn every_place_is_in_a_test() {
    let alone = ALONE.into_iter().map(|(point, _)| point);
    let tried: Vec<Point> = alone.chain(TOGETHER).chain([Point::InAMigration, Point::BeforeLeaving]).collect();
    for point in Point::ALL {
        assert_eq!(tried.iter().filter(|tried| **tried == point).count(), 1, "{point:?}");
    }
}

/// Starts a server that ends at a place; waits for that.
async fn ends_at(site: &mut Site, point: Point, times: u32) {
    site.start_with(&[(VARIABLE, at(point, times).as_str())]);
    was_killed(site, point).await;
}

/// How long after a moment an order more is acknowledged; nothing when the server ends before.
async fn acknowledged_before_its_end(site: &mut Site, load: &Load, since: Instant) -> Option<Duration> {
    let before = load.count();
    while site.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none()) {
        if load.count() > before {
            return Some(since.elapsed());
        }
        assert!(since.elapsed() < ENDS_WITHIN, "it neither takes anything in nor ends:\n{}", site.log());
        sleep(Duration::from_millis(5)).await;
    }
    None
}

async fn was_killed(site: &mut Site, point: Point) {
    let ended = end_of(site.child.as_mut().expect("it was started")).await;
    assert_eq!(ended.and_then(|status| status.signal()), Some(9), "{point:?}: {ended:?}\n{}", site.log());
    site.child = None;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_at_any_place_loses_nothing_does_nothing_twice_and_is_there_again_at_once() {
    let began = Instant::now();
    let mut site = Site::new("points").await;
    ends_at(&mut site, Point::InAMigration, 1).await;
    let (first, times) = ALONE[0];
    let mut since = Instant::now();
    site.start_with(&[(VARIABLE, at(first, times).as_str())]);
    until_ready(site.port).await;
    let made = since.elapsed();
    // It does the other half first.
    assert!(made <= 2 * READY_WITHIN, "with half of its migrations done it was ready after {made:?}");
    let load = Load::new(site.port).await;
    let sending = load.start();
    was_killed(&mut site, first).await;

    let mut starts = Vec::new();
    for (point, times) in ALONE.into_iter().skip(1) {
        since = Instant::now();
        site.start_with(&[(VARIABLE, at(point, times).as_str())]);
        // One that ends in what it takes up may be gone before it takes anything in.
        starts.extend(acknowledged_before_its_end(&mut site, &load, since).await);
        was_killed(&mut site, point).await;
    }
    since = Instant::now();
    site.start_with(&[(VARIABLE, at(Point::BeforeLeaving, 1).as_str())]);
    starts.push(acknowledges(&load, since).await.unwrap_or_else(|| panic!("nothing goes on:\n{}", site.log())));
    let child = site.child.as_ref().expect("it was started");
    kill_process(Pid::from_child(child), Signal::TERM).unwrap();
    was_killed(&mut site, Point::BeforeLeaving).await;
    since = Instant::now();
    site.start_with(&[]);
    starts.push(acknowledges(&load, since).await.unwrap_or_else(|| panic!("nothing goes on:\n{}", site.log())));
    let orders = load.settled(sending).await;
    site.stop();
    let longest = starts.iter().max().copied().unwrap_or_default();
    tell(&format!(
        "{} places, {orders} orders of five kinds: none lost, none done twice; first acknowledgement {:.2} s after a start at most; \
         {:.0} s in all",
        ALONE.len() + 2,
        longest.as_secs_f64(),
        began.elapsed().as_secs_f64()
    ));
    assert!(starts.len() >= 6, "of {} starts only {} took anything in", ALONE.len() + 1, starts.len());
    assert!(longest <= READY_WITHIN, "a start took {longest:?}");
}

/// A replica that ends at a place.
async fn replica(db: &TestDb, folder: &Folder, name: &str, point: Option<(Point, u32)>) -> Process {
    let armed = point.map(|(point, times)| at(point, times));
    let env: Vec<(&str, &str)> = armed.iter().map(|armed| (VARIABLE, armed.as_str())).collect();
    Process::spawn(db, &folder.0, name, &env).await
}

async fn was_ended(mut process: Process, point: Point) {
    let ended = end_of(&mut process.child).await;
    assert_eq!(ended.and_then(|status| status.signal()), Some(9), "{point:?}: {ended:?}\n{}", process.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_end_while_they_hand_over_and_take_over_lose_nothing_and_do_nothing_twice() {
    let began = Instant::now();
    let (db, folder) = (TestDb::new().await, Folder::new("points-together"));
    let [closed, given, fenced, adopted] = TOGETHER;
    let first = replica(&db, &folder, "closes", Some((closed, 1))).await;
    first.ready().await;
    let load = Load::new(first.port).await;
    let sending = load.start();
    load.more(ORDERS).await;

    // The second is to be given its share: the first ends with its shards closed, and the second takes over all of them.
    let second = replica(&db, &folder, "gives", Some((given, 1))).await;
    was_ended(first, closed).await;
    let mut since = Instant::now();
    load.at(&[second.port]);
    let took = acknowledges(&load, since).await.expect("the second goes on");
    assert!(took <= READY_WITHIN + LEASE, "it went on after {took:?}");
    load.more(ORDERS).await;

    // The third is given shards and not told; it finds out that the second is gone, and ends when that is fenced.
    let third = replica(&db, &folder, "fences", Some((fenced, 1))).await;
    was_ended(second, given).await;
    was_ended(third, fenced).await;
    // The fourth ends with shards that nobody drives.
    was_ended(replica(&db, &folder, "adopts", Some((adopted, 1))).await, adopted).await;
    since = Instant::now();
    let last = replica(&db, &folder, "stays", None).await;
    load.at(&[last.port]);
    let took = acknowledges(&load, since).await.unwrap_or_else(|| panic!("the last one goes on:\n{}", last.said()));
    let orders = load.settled(sending).await;
    tell(&format!(
        "{} places of replicas, {orders} orders of five kinds: none lost, none done twice; the last one went on after {:.1} s; {:.0} s in all",
        TOGETHER.len(),
        took.as_secs_f64(),
        began.elapsed().as_secs_f64()
    ));
    assert!(took <= READY_WITHIN + LEASE, "the last one went on after {took:?}");
}
