//! The example workers of the documentation, in Python and in JavaScript, against two real servers, one of which is killed, and so is a
//! worker: every task of every run is done, and the runs come to what they should.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use holon_platform::db::test_db::TestDb;
use serde_json::{Value, json};

use crate::replicas::{Process, ended};
use crate::support::{ORIGIN, sign_up};

/// A worker; it is killed with this.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn example(file: &str) -> PathBuf {
    Path::new("../../docs/examples/word-count").join(file).canonicalize().expect("the example is there")
}

impl Worker {
    fn start(program: &str, file: &str, name: &str, server: &Process, token: &str, dir: &Path) -> Self {
        let log = std::fs::File::create(dir.join(format!("{name}.log"))).unwrap();
        let child = Command::new(program)
            .arg(example(file))
            .env("HOLON", format!("http://127.0.0.1:{}", server.port))
            .env("HOLON_TOKEN", token)
            .env("HOLON_WORKER", name)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("`{program}` does not start, which the example `{file}` needs ({error}): `cargo xtask setup` gets it")
            });
        Self(child)
    }
}

/// The example's flow, with a short heartbeat so that the tasks of who is killed come back soon.
fn flow() -> Value {
    let mut flow: Value = serde_json::from_str(include_str!("../../../../docs/examples/word-count/flow.json")).unwrap();
    flow["nodes"]["each"]["bodies"]["body"]["nodes"]["count"]["config"]["heartbeat"] = json!("1s");
    flow
}

/// The workers of the only pool that were heard of.
async fn names(server: &Process, headers: &[(&str, &str)]) -> BTreeSet<String> {
    let pools = server.ask("GET", "/api/v1/workers/pools", headers, &Value::Null).await.unwrap().json();
    let workers = pools["data"][0]["workers"].as_array().cloned().unwrap_or_default();
    workers.iter().filter_map(|worker| worker["name"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workers_in_python_and_javascript_do_every_task_though_a_server_and_a_worker_are_killed() {
    let db = TestDb::new().await;
    let dir = std::env::temp_dir().join(format!("holon-workers-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let stays = Process::start(&db, &dir, "stays").await;
    let made = stays.ask("POST", "/api/v1/sign-up", &[("origin", ORIGIN)], &sign_up("ada")).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let cookie = made.headers["set-cookie"].split(';').next().unwrap().to_owned();
    let headers = [("origin", ORIGIN), ("cookie", cookie.as_str())];
    let post = async |server: &Process, path: &str, body: Value| {
        let reply = server.ask("POST", path, &headers, &body).await.unwrap();
        assert!((200..300).contains(&reply.status), "{path}: {}", reply.body);
        reply.json()
    };
    let flow = post(&stays, "/api/v1/flows", json!({"definition": flow()})).await;
    let path = format!("/api/v1/flows/{}", flow["id"].as_str().unwrap());
    post(&stays, &format!("{path}/publish"), json!({})).await;
    let token = post(&stays, "/api/v1/tokens", json!({"name": "workers", "pools": ["texts"]})).await;
    let token = token["secret"].as_str().unwrap().to_owned();

    let mut killed = Process::start(&db, &dir, "killed").await;
    let workers = [
        Worker::start("python3", "worker.py", "python", &stays, &token, &dir),
        Worker::start("node", "worker.mjs", "javascript", &stays, &token, &dir),
    ];
    let mut doomed = Worker::start("python3", "worker.py", "doomed", &killed, &token, &dir);
    // Who is killed before anybody heard of it is not remembered either.
    let all_heard_of = async {
        while names(&stays, &headers).await.len() < 3 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_heard_of).await.expect("all workers ask for tasks");
    let texts = json!(["every whole is made", "of parts that are", "wholes in their turn"]);
    let mut runs = Vec::new();
    for number in 0..30 {
        let server = if number % 2 == 0 { &stays } else { &killed };
        let input = json!({"input": {"texts": texts}});
        // A server that has just joined has no shard to start runs in for a moment.
        let started = async {
            loop {
                let reply = server.ask("POST", &format!("{path}/runs"), &headers, &input).await.unwrap();
                if reply.status == 201 {
                    return reply.json()["id"].as_str().unwrap().to_owned();
                }
                assert_eq!(reply.status, 503, "{}", reply.body);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        runs.push(tokio::time::timeout(Duration::from_secs(30), started).await.expect("the run starts"));
        if number == 20 {
            doomed.0.kill().unwrap();
            killed.child.kill().unwrap();
            killed.child.wait().unwrap();
            break;
        }
    }
    let statuses = ended(&stays, &cookie, &runs).await;
    let logs = || {
        let read = |name: &str| std::fs::read_to_string(dir.join(format!("{name}.log"))).unwrap_or_default();
        [read("python"), read("javascript"), read("stays")].join("\n")
    };
    assert!(statuses.iter().all(|status| status == "completed"), "{statuses:?}\n{}", logs());
    for run in &runs {
        let run = stays.ask("GET", &format!("/api/v1/runs/{run}"), &headers, &Value::Null).await.unwrap().json();
        assert_eq!(run["output"], json!({"texts": 3, "words": 12}), "{run}");
    }
    let pools = stays.ask("GET", "/api/v1/workers/pools", &headers, &Value::Null).await.unwrap().json();
    let pool = &pools["data"][0];
    assert_eq!((&pool["waiting"], &pool["claimed"]), (&json!(0), &json!(0)), "{pools}");
    let seen = names(&stays, &headers).await;
    for name in ["python", "javascript", "doomed"] {
        assert!(seen.contains(name), "{seen:?} {}", logs());
    }
    drop(workers);
    drop(stays);
    // What stays in the temporary folder is of no worth.
    let _ = std::fs::remove_dir_all(&dir);
}
