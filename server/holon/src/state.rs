//! What every route can reach. Made once at the start, shared by all; cheap to clone.

use std::ops::Deref;
use std::sync::Arc;

use holon_flow::Catalogue;
use holon_model::TenantId;
use holon_platform::clock::SharedClock;
use holon_platform::config::Config;
use holon_platform::crypto::{Keyring, PasswordPool};
use holon_platform::db::Pools;
use holon_platform::egress::Egress;
use holon_platform::execute::ConnectionSource;
use holon_platform::shutdown::Shutdown;
use holon_platform::telemetry::Traces;
use holon_runtime::{Buckets, RuntimeHandle};

use crate::definitions::StoredDefinitions;
use crate::metrics::Requests;
use crate::middleware::Throttle;
use crate::pages::Build;
use crate::retention::Forgotten;
use crate::runs::{Replays, Streams};
use crate::webhooks::{Crowd, KnownAddresses};

/// The server's state.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// Its parts.
pub struct Parts {
    /// What the operator decided.
    pub config: Config,
    /// The database, a pool a role.
    pub pools: Pools,
    /// Time and ids.
    pub clock: SharedClock,
    /// The root of all sealed secrets.
    pub keyring: Arc<Keyring>,
    /// Where passwords are hashed.
    pub passwords: PasswordPool,
    /// Who has tried how often.
    pub throttle: Throttle,
    /// The one road out.
    pub egress: Arc<Egress>,
    /// Connections with their secrets, for executors and webhooks.
    pub connections: Arc<dyn ConnectionSource>,
    /// The kinds of nodes.
    pub catalogue: Arc<Catalogue>,
    /// Published flows, compiled.
    pub definitions: Arc<StoredDefinitions>,
    /// Where flows listen.
    pub webhooks: KnownAddresses,
    /// Deliveries to them that are being started.
    pub receiving: Crowd,
    /// What drives runs.
    pub runtime: RuntimeHandle,
    /// How many API requests each workspace has made.
    pub asked: Buckets<TenantId>,
    /// Who reads how many live streams.
    pub streams: Streams,
    /// Who replays recorded runs.
    pub replays: Replays,
    /// Who waits for tasks for workers.
    pub claims: Streams,
    /// What was forgotten because its time was up.
    pub forgotten: Forgotten,
    /// Who is told of requests, runs and nodes.
    pub traces: Traces,
    /// What requests came to.
    pub requests: Requests,
    /// The build of the static files.
    pub build: Build,
    /// Whether the server drains.
    pub shutdown: Shutdown,
}

impl AppState {
    /// Shares the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
