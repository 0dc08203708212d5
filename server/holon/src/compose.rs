//! Puts the server together from what is outside of it: the same for the process and for tests.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use holon_flow::Catalogue;
use holon_platform::clock::SharedClock;
use holon_platform::config::Config;
use holon_platform::crypto::{Keyring, PasswordPool};
use holon_platform::db::Pools;
use holon_platform::egress::Egress;
use holon_platform::execute::{ConnectionSource, Executors};
use holon_platform::shutdown::Shutdown;
use holon_platform::telemetry::Traces;
use holon_runtime::store::pg::PgStore;
use holon_runtime::{Buckets, Driving, EffectLimits, Host, Memory, PgWake, Runtime, RuntimeConfig};

use crate::connections::{self, StoredConnections};
use crate::definitions::StoredDefinitions;
use crate::links;
use crate::metrics::Requests;
use crate::middleware::Throttle;
use crate::pages::Build;
use crate::retention::Forgotten;
use crate::state::{AppState, Parts};
use crate::webhooks::{Crowd, KnownAddresses};

/// How long a start waits for the database before its caller is told to come again.
const START_WITHIN: Duration = Duration::from_secs(10);

/// Workers of one workspace that wait for tasks at once.
const MOST_CLAIMING: u32 = 1_000;

/// What the server stands on.
pub struct Ground {
    /// What the operator decided.
    pub config: Config,
    /// The database, migrated.
    pub pools: Pools,
    /// The root of all sealed secrets.
    pub keyring: Arc<Keyring>,
    /// Time and ids.
    pub clock: SharedClock,
    /// Whether the server drains.
    pub shutdown: Shutdown,
    /// Where this process listens, for other replicas.
    pub address: String,
    /// Nobody else can reach the database: runs of a process that was killed are taken up at once.
    pub alone: bool,
}

/// What flows are made of: the kinds, and how their effects are executed.
pub struct Kinds {
    /// The kinds.
    pub catalogue: Arc<Catalogue>,
    /// Who executes their effects.
    pub executors: Executors,
}

impl Kinds {
    /// The built-in ones.
    pub fn built_in() -> Self {
        Self { catalogue: holon_catalogue::catalogue(), executors: holon_catalogue::executors() }
    }
}

/// Starts the runtime and makes the state of the routes.
///
/// # Errors
/// When the runtime cannot take up its runs, or passwords cannot be hashed.
pub async fn compose(ground: Ground) -> anyhow::Result<AppState> {
    compose_with(ground, Kinds::built_in()).await
}

/// The newest meaning of flows that this process drives. A build with debug assertions can act as an older one beside a newer one:
/// `HOLON_ACT_AS_SEMANTICS` says which. In a release build that is a variable that means nothing.
fn semantics() -> u32 {
    #[cfg(debug_assertions)]
    if let Some(older) = std::env::var("HOLON_ACT_AS_SEMANTICS").ok().and_then(|text| text.parse().ok()) {
        return older;
    }
    holon_engine::SEMANTICS
}

/// The same with kinds of the caller's choice.
///
/// # Errors
/// See [`compose`].
pub async fn compose_with(ground: Ground, kinds: Kinds) -> anyhow::Result<AppState> {
    let Kinds { catalogue, mut executors } = kinds;
    let Ground { config, pools, keyring, clock, shutdown, address, alone } = ground;
    let definitions = Arc::new(StoredDefinitions::new(pools.engine.clone(), Arc::clone(&catalogue)));
    // What needs the server's own database is executed here and not in a capability.
    executors.extend(links::executors(links::Maker {
        pools: pools.clone(),
        keyring: Arc::clone(&keyring),
        clock: clock.clone(),
        base: config.public_base(),
        definitions: definitions.clone(),
    }));
    executors.extend(connections::own::executors(pools.app.clone()));
    let egress = Arc::new(Egress::new(config.egress_allow_loopback));
    let connections: Arc<dyn ConnectionSource> =
        Arc::new(StoredConnections::new(pools.engine.clone(), Arc::clone(&keyring)));
    let store = PgStore::new(pools.engine.clone());
    // A private Postgres lies in the data directory: when it ends itself because the disk is full, callers are told that.
    let store = if alone { store.on_disk(config.data_dir.clone()) } else { store };
    let runtime = Runtime::start(RuntimeConfig {
        store: Arc::new(store),
        definitions: definitions.clone(),
        executors,
        host: Host { egress: Arc::clone(&egress), connections: Arc::clone(&connections) },
        clock: clock.clone(),
        address,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        alone,
        effects: EffectLimits::default(),
        start_within: START_WITHIN,
        drivers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        driving: Driving::Apart,
        wake: Arc::new(PgWake::new(&pools.engine)),
        memory: Memory {
            most_asleep: config.waiting_runs.unwrap_or(Memory::default().most_asleep),
            ..Memory::default()
        },
        semantics: semantics(),
    })
    .await
    .context("starting the runtime")?;
    runtime.bound_starts(config.starts_per_minute);
    let traces = if config.otlp_endpoint.is_some() { Traces::on() } else { Traces::off() };
    runtime.trace(traces.clone());
    Ok(AppState::new(Parts {
        traces,
        forgotten: Forgotten::default(),
        requests: Requests::default(),
        build: Build::of(&config.site_dir),
        passwords: PasswordPool::new()?,
        throttle: Throttle::default(),
        asked: Buckets::default(),
        webhooks: KnownAddresses::new(pools.clone(), clock.clone()),
        receiving: Crowd::default(),
        streams: crate::runs::Streams::default(),
        replays: crate::runs::Replays::default(),
        claims: crate::runs::Streams::seats(MOST_CLAIMING),
        config,
        pools,
        clock,
        keyring,
        egress,
        connections,
        catalogue,
        definitions,
        runtime,
        shutdown,
    }))
}
