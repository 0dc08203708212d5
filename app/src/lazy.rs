//! Pages that are modules of their own: the browser fetches them when they are first opened, so that the first page is small.
//!
//! `#[wasm_split]` marks where the page's module is cut; pages of one name share a module, and what several modules use
//! and the first page does not becomes a module that they share (`xtask/src/build/split.rs`). On the server all are
//! plain functions.

use leptos::prelude::*;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use leptos_router::{Lazy, LazyRoute};

use crate::frame::{bar, strings};
use crate::ui::dom;

/// The module of a page did not come: the network is gone, or the server was updated since the tab was opened.
struct Missing;

impl From<SplitLoaderError> for Missing {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

/// Goes on when the module of a page came. Of the first page it must: what the server rendered stays otherwise, since there
/// is nothing here that could take it over. Of a later one it is asked for again, and complained of, when it is shown.
async fn came(module: Result<(), Missing>) {
    if module.is_err() && !dom::is_taken_over() {
        dom::say_broken(strings::PAGE_MISSING, strings::RELOAD);
        std::future::pending().await
    }
}

/// The page, or what to do when its module did not come.
fn shown(page: Result<AnyView, Missing>) -> AnyView {
    page.unwrap_or_else(|Missing| {
        view! {
            {bar(Vec::new(), ())}
            <div class="content">
                <div class="notice bad" role="alert">
                    <span class="detail">{strings::PAGE_MISSING}</span>
                    <button type="button" class="button" on:click=|_| dom::reload()>{strings::RELOAD}</button>
                </div>
            </div>
        }
        .into_any()
    })
}

/// One page: `name: module, loader, page`.
macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident: $module:ident, $load:ident, $preload:ident, $page:path;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl $name {
            /// The page as a route's view.
            #[must_use]
            pub fn route() -> Lazy<Self> {
                Lazy::new()
            }
        }

        impl LazyRoute for $name {
            fn data() -> Self {
                Self
            }

            async fn view(_this: Self) -> AnyView {
                // While the server renders: the page's head names the module, so that it comes together with the script.
                leptos::prefetch_lazy_fn_on_server(stringify!($module));
                shown($load().await)
            }

            async fn preload() {
                came($preload().await.map_err(Missing::from)).await;
            }
        }

        #[wasm_split($module, wasm_split_path = ::leptos::wasm_split, preload($preload), fallible)]
        fn $load() -> Result<AnyView, Missing> {
            Ok($page().into_any())
        }
    )*};
}

pages! {
    /// Signing in.
    SignIn: identity, load_sign_in, preload_sign_in, crate::identity::SignInPage;
    /// Signing up.
    SignUp: identity, load_sign_up, preload_sign_up, crate::identity::SignUpPage;
    /// The editor of one flow.
    Editor: editor, load_editor, preload_editor, crate::editor::EditorPage;
    /// A flow's versions.
    Versions: workspace, load_versions, preload_versions, crate::flows::VersionsPage;
    /// All runs.
    Runs: workspace, load_runs, preload_runs, crate::runs::RunsPage;
    /// A draft, tried on recorded runs.
    Backtest: run, load_backtest, preload_backtest, crate::runs::BacktestPage;
    /// One run.
    Run: run, load_run, preload_run, crate::runs::RunPage;
    /// The workspace's connections.
    Connections: workspace, load_connections, preload_connections, crate::connections::ConnectionsPage;
    /// What a flow keeps.
    FlowState: workspace, load_flow_state, preload_flow_state, crate::flow_state::StatePage;
    /// All events.
    Events: workspace, load_events, preload_events, crate::events::EventsPage;
    /// All schedules.
    Schedules: workspace, load_schedules, preload_schedules, crate::schedules::SchedulesPage;
    /// One schedule.
    OneSchedule: workspace, load_schedule, preload_schedule, crate::schedules::SchedulePage;
    /// One poll.
    OnePoll: workspace, load_poll, preload_poll, crate::polls::PollPage;
    /// What runs ask people.
    Tasks: workspace, load_tasks, preload_tasks, crate::tasks::TasksPage;
    /// One of it.
    OneTask: workspace, load_task, preload_task, crate::tasks::TaskPage;
    /// The workspace's alerts.
    Alerts: workspace, load_alerts, preload_alerts, crate::alerts::AlertsPage;
    /// The workspace's workers.
    Workers: workspace, load_workers, preload_workers, crate::workers::WorkersPage;
    /// A person's tokens.
    Tokens: workspace, load_tokens, preload_tokens, crate::tokens::TokensPage;
    /// The workspace's settings.
    Settings: workspace, load_settings, preload_settings, crate::settings::SettingsPage;
}
