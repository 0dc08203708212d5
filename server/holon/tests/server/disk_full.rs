//! A server on its own Postgres whose disk runs full: refusals say so, nothing acknowledged is lost, and it heals by itself.
//! The disk is a small one in memory; where this user may not mount one, there is nothing to test with and it says so.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use holon::compose::{Ground, compose};
use holon_platform::clock::SystemClock;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::db::Database;
use holon_platform::shutdown::Shutdown;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{Answer, ORIGIN, request, sign_up};

/// Room for an empty database, some of its log, and little more.
const SIZE: &str = "size=192m";

struct Disk(PathBuf);

impl Disk {
    /// The disk, or why there is none.
    fn mount() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("holon-disk-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(&path).output();
        let why = match mounted {
            Ok(mount) if mount.status.success() => return Ok(Self(path)),
            Ok(mount) => String::from_utf8_lossy(&mount.stderr).trim().to_owned(),
            Err(error) => format!("`mount`: {error}"),
        };
        std::fs::remove_dir(&path).unwrap();
        Err(why)
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Leaves no byte.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        for chunk in [1 << 20, 4 << 10] {
            while file.write_all(&vec![0; chunk]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still holds a file of it must not keep it in the way.
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        if unmounted.is_ok_and(|status| status.success()) {
            // An empty folder that stays behind is of no harm.
            let _ = std::fs::remove_dir(&self.0);
        }
    }
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// Signs somebody up and publishes a flow with a webhook; the cookie and the webhook's path.
async fn published(router: &Router) -> (String, String) {
    let signed_up = send(router, request("POST", "/api/v1/sign-up", &[("origin", ORIGIN)], sign_up("ada"))).await;
    assert_eq!(signed_up.status, StatusCode::CREATED, "{}", signed_up.text);
    let cookie = signed_up.cookie();
    let headers = [("origin", ORIGIN), ("cookie", cookie.as_str())];
    let definition =
        json!({"holon": 1, "name": "takes", "nodes": {"hook": {"kind": "trigger.webhook@1"}}, "edges": []});
    let made = send(router, request("POST", "/api/v1/flows", &headers, json!({"definition": definition}))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = send(router, request("POST", &format!("{path}/publish"), &headers, json!({}))).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let flow = send(router, request("GET", &path, &headers, Value::Null)).await.json();
    let url = flow["webhooks"][0]["url"].as_str().unwrap();
    let hook = url[url.find("/hooks/").unwrap()..].to_owned();
    (cookie, hook)
}

/// Text that nothing makes smaller, another one for each number.
fn noise(number: u64, bytes: usize) -> String {
    let mut reader = blake3::Hasher::new().update(&number.to_be_bytes()).finalize_xof();
    let mut noise = vec![0; bytes];
    reader.fill(&mut noise);
    noise.into_iter().map(|byte| char::from(b' ' + byte % 94)).filter(|c| !matches!(c, '"' | '\\')).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "whoever runs the tests must see that this one had nothing to test with")]
async fn a_full_disk_is_said_loses_nothing_acknowledged_and_heals() {
    let disk = match Disk::mount() {
        Ok(disk) => disk,
        // `.config/nextest.toml` shows what this test prints also when it passes.
        Err(why) => {
            return eprintln!(
                "SKIPPED a_full_disk_is_said_loses_nothing_acknowledged_and_heals: no small disk can be mounted ({why}), so the \
                 server on a full disk was not tested"
            );
        }
    };
    let mut env: BTreeMap<String, String> = std::env::vars().filter(|(name, _)| name == "HOLON_POSTGRES_BIN").collect();
    env.insert("HOLON_DATA_DIR".into(), disk.0.join("data").display().to_string());
    let config = Config::from_sources(&Sources::new(env).unwrap()).unwrap();
    let database = Database::open(&config, &Keyring::from_bytes([7; 32])).await.unwrap();
    let state = compose(Ground {
        config,
        pools: database.pools.clone(),
        keyring: Arc::new(Keyring::from_bytes([7; 32])),
        clock: SystemClock::shared(),
        shutdown: Shutdown::new(),
        address: "test".into(),
        alone: database.is_embedded(),
    })
    .await
    .unwrap();
    let router = holon::router(state.clone());
    while !state.runtime.ready() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (cookie, hook) = published(&router).await;
    let deliver =
        |number: u64, bytes: usize| send(&router, request("POST", &hook, &[], json!({"noise": noise(number, bytes)})));

    let (mut acknowledged, mut full) = (Vec::new(), 0);
    let run_of = |answer: &Answer| answer.headers["holon-run"].to_str().unwrap().to_owned();
    for number in 0..4 {
        let answer = deliver(number, 1_000).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        acknowledged.push(run_of(&answer));
    }
    disk.fill();
    for number in 4..64 {
        let answer = deliver(number, 600_000).await;
        match answer.status {
            StatusCode::ACCEPTED => acknowledged.push(run_of(&answer)),
            StatusCode::INSUFFICIENT_STORAGE => {
                assert_eq!(answer.headers["content-type"], "application/problem+json");
                assert_eq!(answer.code(), "storage_full", "{}", answer.text);
                full += 1;
            }
            status => assert_eq!((status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable")),
        }
        if full == 3 {
            break;
        }
    }
    assert_eq!(full, 3, "a full disk is told as such");

    disk.free();
    let healed = async {
        loop {
            let answer = deliver(1_000, 1_000).await;
            if answer.status == StatusCode::ACCEPTED {
                return run_of(&answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    acknowledged.push(tokio::time::timeout(Duration::from_secs(60), healed).await.expect("it heals by itself"));
    for run in &acknowledged {
        let path = format!("/api/v1/runs/{run}");
        let read = send(&router, request("GET", &path, &[("cookie", cookie.as_str())], Value::Null)).await;
        assert_eq!((read.status, &read.json()["summary"]["status"]), (StatusCode::OK, &json!("completed")), "{run}");
    }
    state.runtime.drain(Duration::from_secs(5)).await;
    database.close().await;
}
