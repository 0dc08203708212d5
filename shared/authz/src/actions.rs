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
    /// Keep all runs of the workspace from beginning, and let them begin again.
    PauseWorkspace = "workspace", "pause";
    /// Decide how long the history of the workspace's runs is kept.
    EditWorkspace = "workspace", "edit";
    /// See flows, their drafts and versions.
    ReadFlows = "flows", "read";
    /// Create and change drafts.
    EditFlows = "flows", "edit";
    /// Keep the runs of a flow from beginning, and let them begin again.
    PauseFlows = "flows", "pause";
    /// Put a draft in force.
    PublishFlows = "flows", "publish";
    /// Delete flows.
    DeleteFlows = "flows", "delete";
    /// See what flows keep from run to run.
    ReadState = "state", "read";
    /// Change what flows keep.
    EditState = "state", "edit";
    /// See events and who subscribes to them.
    ReadEvents = "events", "read";
    /// Publish events.
    PublishEvents = "events", "publish";
    /// Have events delivered again.
    ReplayEvents = "events", "replay";
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
    /// See what is handed out to workers, and which workers there are.
    ReadWork = "workers", "read";
    /// Take tasks for workers, and say what became of them.
    ClaimWork = "workers", "claim";
    /// See schedules and their firings.
    ReadSchedules = "schedules", "read";
    /// Pause and resume schedules.
    EditSchedules = "schedules", "edit";
    /// See polls and what they found.
    ReadPolls = "polls", "read";
    /// Have a poll look now.
    LookPolls = "polls", "look";
    /// Have a poll forget what it has seen.
    ForgetPolls = "polls", "forget";
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
    /// Keep all runs of the instance from beginning, and let them begin again.
    PauseInstance = "instance", "pause";
}
