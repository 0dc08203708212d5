//! A whole server with a database of its own, a workspace in it, and a kind of step that does nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use holon::compose::{Ground, Kinds, compose_with};
use holon::listen::listen;
use holon::state::AppState;
use holon_flow::capability::NodeError;
use holon_flow::{Capability, Catalogue};
use holon_model::Value;
use holon_platform::clock::SystemClock;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::db::{Database, OwnerDatabase};
use holon_platform::execute::{EffectContext, EffectRequest, Executor};
use holon_platform::shutdown::Shutdown;
use serde_json::json;
use tokio::net::TcpListener;

use crate::client::Client;

/// Where the server believes to be reached.
pub const ORIGIN: &str = "http://localhost:8080";

const MANIFEST: &str = r#"{
  "capability": 1, "id": "bench", "version": "1.0.0", "title": "Bench", "summary": "A step that does nothing.",
  "permissions": [],
  "kinds": [
    {"kind": "bench.nothing@1", "title": "Nothing", "summary": "Does nothing.",      "category": "Bench", "icon": "play", "keywords": [], "config": {"type": "object"},
     "ports": {"outputs": ["out"], "error": true}, "effect": "idempotent", "preview": "sample", "line": "",
     "defaults": {}, "behaviour": "effect"}
  ]}"#;

struct Nothing;

#[async_trait]
impl Executor for Nothing {
    async fn execute(&self, _: &EffectContext, _: EffectRequest) -> Result<Value, NodeError> {
        Ok(Value::Null)
    }
}

fn kinds() -> Kinds {
    let mut kinds = Kinds::built_in();
    let nothing = Capability::from_manifest(MANIFEST, &[]).expect("the manifest is right");
    let all = kinds.catalogue.capabilities().iter().cloned().chain([nothing]).collect();
    kinds.catalogue = Arc::new(Catalogue::new(all));
    kinds.executors.insert("bench.nothing@1".to_owned(), Arc::new(Nothing));
    kinds
}

/// One that runs.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    pub state: AppState,
    /// The cookie of a person who is signed in.
    pub cookie: String,
    config: Config,
    database: Database,
    dir: PathBuf,
    serving: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts one in a temporary folder, with fsync on, and signs somebody up.
    pub async fn start() -> Self {
        let (config, database, dir) = open().await;
        let shutdown = Shutdown::new();
        let ground = Ground {
            config: config.clone(),
            pools: database.pools.clone(),
            keyring: keyring(),
            clock: SystemClock::shared(),
            shutdown: shutdown.clone(),
            address: "bench".into(),
            alone: true,
        };
        let state = compose_with(ground, kinds()).await.expect("the server starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = holon::router(state.clone());
        let serving = tokio::spawn(async move {
            let _ = listen(listener, router, &shutdown, Duration::from_secs(1)).await;
        });
        let person =
            json!({"name": "ada", "email": "ada@example.com", "password": "tangerine boat ladder", "workspace": "a"});
        let (status, cookie, body) =
            Client::connect(address).await.post("/api/v1/sign-up", "", &person.to_string()).await;
        assert_eq!(status, 201, "{body}");
        while !state.runtime.ready() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self { address, state, cookie: cookie.expect("a session"), config, database, dir, serving }
    }

    /// The database as its owner reaches it.
    pub async fn owner(&self) -> OwnerDatabase {
        OwnerDatabase::existing(&self.config, &keyring()).await.expect("the database is there")
    }

    /// A client of it.
    pub async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Publishes a flow; gives its id and the path of its webhook.
    pub async fn publish(&self, definition: serde_json::Value) -> (String, String) {
        let mut client = self.client().await;
        let flow = json!({"definition": definition}).to_string();
        let (status, _, body) = client.post("/api/v1/flows", &self.cookie, &flow).await;
        assert_eq!(status, 201, "{body}");
        let made: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let id = made["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/v1/flows/{id}");
        let (status, _, body) = client.post(&format!("{path}/publish"), &self.cookie, "{}").await;
        assert_eq!(status, 200, "{body}");
        let (_, _, body) = client.send("GET", &path, &self.cookie, "").await;
        let flow: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let url = flow["webhooks"][0]["url"].as_str().expect("an address");
        let hook = url[url.find("/hooks/").expect("a webhook's path")..].to_owned();
        (id, hook)
    }

    /// Ends it and removes what it kept.
    pub async fn stop(self) {
        self.serving.abort();
        self.state.runtime.drain(Duration::from_secs(5)).await;
        self.database.close().await;
        // What stays in the temporary folder is of no worth.
        let _ = std::fs::remove_dir_all(self.dir);
    }
}

/// A definition: a webhook that answers at the end of its run, and so many steps that do nothing, one after the other.
pub fn steps(name: &str, count: usize, webhook: serde_json::Value) -> serde_json::Value {
    let mut nodes =
        serde_json::Map::from_iter([("hook".to_owned(), json!({"kind": "trigger.webhook@1", "config": webhook}))]);
    let mut edges = Vec::new();
    let mut from = "hook".to_owned();
    for number in 0..count {
        let step = format!("s{number}");
        nodes.insert(step.clone(), json!({"kind": "bench.nothing@1"}));
        edges.push(json!({"from": format!("{from}.out"), "to": format!("{step}.in")}));
        from = step;
    }
    json!({"holon": 1, "name": name, "nodes": nodes, "edges": edges})
}

fn keyring() -> Arc<Keyring> {
    Arc::new(Keyring::from_bytes([7; 32]))
}

async fn open() -> (Config, Database, PathBuf) {
    let dir = std::env::temp_dir().join(format!("holon-bench-{}", SystemClock::shared().uuid_v7().simple()));
    let mut env: BTreeMap<String, String> = std::env::vars().filter(|(name, _)| name == "HOLON_POSTGRES_BIN").collect();
    env.insert("HOLON_DATA_DIR".into(), dir.display().to_string());
    env.insert("HOLON_PUBLIC_URL".into(), ORIGIN.into());
    let sources = Sources::new(env).expect("there is no file to read");
    let config = Config::from_sources(&sources).expect("the settings are right");
    let database = Database::open(&config, &keyring()).await.expect("Postgres starts");
    (config, database, dir)
}
