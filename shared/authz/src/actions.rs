//! Every action there is, in one list.

use crate::Action;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $resource:literal, $verb:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name;

            impl Action for $name {
                const RESOURCE: &'static str = $resource;
                const VERB: &'static str = $verb;
            }
        )*

        /// All of them, as `(resource, verb)`.
        pub const ALL: &[(&str, &str)] = &[$(($resource, $verb)),*];
    };
}

actions! {
    /// See the workspace: its overview, its node kinds.
    ReadWorkspace = "workspace", "read";
    /// See flows, their drafts and versions.
    ReadFlows = "flows", "read";
    /// Create and change drafts.
    EditFlows = "flows", "edit";
    /// Put a draft in force.
    PublishFlows = "flows", "publish";
    /// Delete flows.
    DeleteFlows = "flows", "delete";
    /// See runs, their journals and events.
    ReadRuns = "runs", "read";
    /// Start and retry runs.
    StartRuns = "runs", "start";
    /// Cancel runs.
    CancelRuns = "runs", "cancel";
    /// Pause runs and let them go on.
    PauseRuns = "runs", "pause";
    /// End runs at once, without cleaning up.
    TerminateRuns = "runs", "terminate";
    /// Tell runs that something has happened.
    SignalRuns = "runs", "signal";
    /// See what runs ask people.
    ReadTasks = "tasks", "read";
    /// Answer what runs ask.
    AnswerTasks = "tasks", "answer";
    /// See schedules and their firings.
    ReadSchedules = "schedules", "read";
    /// Pause and resume schedules.
    EditSchedules = "schedules", "edit";
    /// See alert rules and their firings.
    ReadAlerts = "alerts", "read";
    /// Make, change, try and delete alert rules.
    EditAlerts = "alerts", "edit";
    /// See connections, never their secrets.
    ReadConnections = "connections", "read";
    /// Create, change and delete connections.
    EditConnections = "connections", "edit";
    /// See one's API tokens, never the tokens themselves.
    ReadTokens = "tokens", "read";
    /// Make and revoke one's API tokens.
    EditTokens = "tokens", "edit";
    /// See the instance's settings.
    ReadSettings = "instance", "read";
    /// Decide who may sign up, and invite.
    EditSettings = "instance", "edit";
}
