//! What pages ask for: one port trait a feature, answered over REST in the browser and in process while the server renders.

use std::{future::Future, pin::Pin};

use holon_model::{Problem, Timestamp};
use leptos::prelude::{provide_context, use_context};

use crate::alerts::api::AlertsPort;
use crate::connections::api::ConnectionsPort;
use crate::events::api::EventsPort;
use crate::flow_state::api::StatePort;
use crate::flows::api::FlowsPort;
use crate::identity::api::IdentityPort;
use crate::polls::api::PollsPort;
use crate::runs::api::RunsPort;
use crate::schedules::api::SchedulesPort;
use crate::settings::api::HistoryPort;
use crate::tasks::api::TasksPort;
use crate::tokens::api::TokensPort;
use crate::workers::api::WorkersPort;

/// The answer to a question, later. `Send` so that the server can render on any thread.
pub type PortFuture<T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send>>;

/// Everything a page may read. The server puts one into the context of each request, bound to its session.
///
/// Ports only read: what changes something is asked for by a person, in a browser, over REST.
#[derive(Clone)]
pub struct Ports {
    /// Sign-up, session, settings, overview.
    pub identity: Port<dyn IdentityPort>,
    /// Flows.
    pub flows: Port<dyn FlowsPort>,
    /// What flows keep.
    pub state: Port<dyn StatePort>,
    /// Events and subscriptions.
    pub events: Port<dyn EventsPort>,
    /// Runs.
    pub runs: Port<dyn RunsPort>,
    /// What runs ask people.
    pub tasks: Port<dyn TasksPort>,
    /// Schedules.
    pub schedules: Port<dyn SchedulesPort>,
    /// Polls.
    pub polls: Port<dyn PollsPort>,
    /// How long history is kept.
    pub history: Port<dyn HistoryPort>,
    /// Alert rules.
    pub alerts: Port<dyn AlertsPort>,
    /// Connections.
    pub connections: Port<dyn ConnectionsPort>,
    /// Workers and their tasks.
    pub workers: Port<dyn WorkersPort>,
    /// Personal API tokens.
    pub tokens: Port<dyn TokensPort>,
    /// When the request came: what "3 min ago" counts from in the rendered page.
    pub now: Timestamp,
}

/// A port of the server: it is bound to a request.
#[cfg(not(target_arch = "wasm32"))]
pub type Port<P> = std::sync::Arc<P>;

#[cfg(target_arch = "wasm32")]
pub use browser::Port;

#[cfg(target_arch = "wasm32")]
mod browser {
    //! The REST client as every port. It is nothing but its code, and is named only where it is used: so what only one part of
    //! the page asks for comes with that part, and not with the first page.

    use std::marker::PhantomData;
    use std::ops::Deref;

    use super::*;
    use crate::rest::Rest;

    /// A port of the browser.
    pub struct Port<P: ?Sized>(PhantomData<fn() -> *const P>);

    impl<P: ?Sized> Port<P> {
        pub(super) fn rest() -> Self {
            Self(PhantomData)
        }
    }

    impl<P: ?Sized> Clone for Port<P> {
        fn clone(&self) -> Self {
            Self::rest()
        }
    }

    impl<P: OverRest + ?Sized + 'static> Deref for Port<P> {
        type Target = P;

        fn deref(&self) -> &P {
            P::over_rest()
        }
    }

    /// What the REST client answers.
    pub trait OverRest: 'static {
        /// The client as this port.
        fn over_rest() -> &'static Self;
    }

    macro_rules! over_rest {
        ($($port:ident)*) => {$(
            impl OverRest for dyn $port {
                fn over_rest() -> &'static Self {
                    &Rest
                }
            }
        )*};
    }
    over_rest!(IdentityPort FlowsPort StatePort EventsPort RunsPort TasksPort SchedulesPort PollsPort AlertsPort HistoryPort ConnectionsPort TokensPort WorkersPort);
}

impl Ports {
    /// The REST clients.
    #[cfg(target_arch = "wasm32")]
    pub fn rest() -> Self {
        Self {
            identity: Port::rest(),
            flows: Port::rest(),
            state: Port::rest(),
            events: Port::rest(),
            runs: Port::rest(),
            tasks: Port::rest(),
            schedules: Port::rest(),
            polls: Port::rest(),
            history: Port::rest(),
            alerts: Port::rest(),
            connections: Port::rest(),
            tokens: Port::rest(),
            workers: Port::rest(),
            now: crate::ui::time::browser_now(),
        }
    }

    /// While a server lists its routes, without a request, the REST clients answer that nothing is ready.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn rest() -> Self {
        let rest = std::sync::Arc::new(crate::rest::Rest);
        Self {
            identity: rest.clone(),
            flows: rest.clone(),
            state: rest.clone(),
            events: rest.clone(),
            runs: rest.clone(),
            tasks: rest.clone(),
            schedules: rest.clone(),
            polls: rest.clone(),
            history: rest.clone(),
            alerts: rest.clone(),
            connections: rest.clone(),
            workers: rest.clone(),
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
