//! The app's ports answered in process: what pages ask while the server renders them, by the same use cases as REST.

use std::sync::Arc;

use axum::http::HeaderMap;
use holon_app::ports::Ports;

use crate::alerts::AlertsInProcess;
use crate::connections::port::ConnectionsInProcess;
use crate::events::EventsInProcess;
use crate::flow_state::StateInProcess;
use crate::flows::FlowsInProcess;
use crate::http::Visitor;
use crate::identity::port::IdentityInProcess;
use crate::polls::PollsInProcess;
use crate::retention::RetentionInProcess;
use crate::runs::RunsInProcess;
use crate::schedules::SchedulesInProcess;
use crate::state::AppState;
use crate::tasks::TasksInProcess;
use crate::tokens::port::TokensInProcess;
use crate::workers::WorkersInProcess;

/// The ports of one request.
pub fn in_process(state: &AppState, visitor: &Visitor, headers: &HeaderMap) -> Ports {
    let (state, visitor) = (state.clone(), visitor.clone());
    Ports {
        identity: Arc::new(IdentityInProcess {
            state: state.clone(),
            visitor: visitor.clone(),
            headers: headers.clone(),
        }),
        flows: Arc::new(FlowsInProcess { state: state.clone(), visitor: visitor.clone() }),
        state: Arc::new(StateInProcess { state: state.clone(), visitor: visitor.clone() }),
        events: Arc::new(EventsInProcess { state: state.clone(), visitor: visitor.clone() }),
        runs: Arc::new(RunsInProcess { state: state.clone(), visitor: visitor.clone() }),
        schedules: Arc::new(SchedulesInProcess { state: state.clone(), visitor: visitor.clone() }),
        polls: Arc::new(PollsInProcess { state: state.clone(), visitor: visitor.clone() }),
        tasks: Arc::new(TasksInProcess { state: state.clone(), visitor: visitor.clone() }),
        workers: Arc::new(WorkersInProcess { state: state.clone(), visitor: visitor.clone() }),
        history: Arc::new(RetentionInProcess { state: state.clone(), visitor: visitor.clone() }),
        alerts: Arc::new(AlertsInProcess { state: state.clone(), visitor: visitor.clone() }),
        connections: Arc::new(ConnectionsInProcess { state: state.clone(), visitor: visitor.clone() }),
        tokens: Arc::new(TokensInProcess { state: state.clone(), visitor }),
        now: state.clock.now(),
    }
}
