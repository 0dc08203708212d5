//! What pages ask for: one port trait a feature, answered over REST in the browser and in process while the server renders.

use std::{future::Future, pin::Pin, sync::Arc};

use holon_model::{Problem, Timestamp};
use leptos::prelude::{provide_context, use_context};

use crate::alerts::api::AlertsPort;
use crate::connections::api::ConnectionsPort;
use crate::flows::api::FlowsPort;
use crate::identity::api::IdentityPort;
use crate::runs::api::RunsPort;
use crate::schedules::api::SchedulesPort;
use crate::tasks::api::TasksPort;
use crate::tokens::api::TokensPort;

/// The answer to a question, later. `Send` so that the server can render on any thread.
pub type PortFuture<T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send>>;

/// Everything a page may read. The server puts one into the context of each request, bound to its session.
///
/// Ports only read: what changes something is asked for by a person, in a browser, over REST.
#[derive(Clone)]
pub struct Ports {
    /// Sign-up, session, settings, overview.
    pub identity: Arc<dyn IdentityPort>,
    /// Flows.
    pub flows: Arc<dyn FlowsPort>,
    /// Runs.
    pub runs: Arc<dyn RunsPort>,
    /// What runs ask people.
    pub tasks: Arc<dyn TasksPort>,
    /// Schedules.
    pub schedules: Arc<dyn SchedulesPort>,
    /// Alert rules.
    pub alerts: Arc<dyn AlertsPort>,
    /// Connections.
    pub connections: Arc<dyn ConnectionsPort>,
    /// Personal API tokens.
    pub tokens: Arc<dyn TokensPort>,
    /// When the request came: what "3 min ago" counts from in the rendered page.
    pub now: Timestamp,
}

impl Ports {
    /// The REST clients. While a server lists its routes, without a request, they answer that nothing is ready.
    pub fn rest() -> Self {
        let rest = Arc::new(crate::rest::Rest);
        Self {
            identity: rest.clone(),
            flows: rest.clone(),
            runs: rest.clone(),
            tasks: rest.clone(),
            schedules: rest.clone(),
            alerts: rest.clone(),
            connections: rest.clone(),
            tokens: rest,
            now: crate::ui::time::browser_now(),
        }
    }

    /// Makes sure that there are ports in the context of the app.
    pub(crate) fn provide() {
        if use_context::<Self>().is_none() {
            provide_context(Self::rest());
        }
    }
}

/// The ports of this page.
pub fn use_ports() -> Ports {
    use_context::<Ports>().unwrap_or_else(Ports::rest)
}
