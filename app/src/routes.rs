//! The app: its contexts and its routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::flows::FlowsPage;
use crate::frame::{Frame, NotFound};
use crate::home::HomePage;
use crate::lazy::{
    Alerts, Backtest, Connections, Editor, Events, FlowState, OnePoll, OneSchedule, OneTask, Run, Runs, Schedules,
    Settings, SignIn, SignUp, Tasks, Tokens, Versions, Workers,
};
use crate::ports::{Ports, use_ports};
use crate::rest::connection::Connection;
use crate::ui::{Clock, Ready, Toasts};

/// The pages. Every page is rendered whole before it is sent, so that a redirect is one and nothing pops in.
#[component]
pub fn App(
    /// Becomes true when the script has taken over all of the page: its parts may come later than the script.
    ready: ArcRwSignal<bool>,
) -> impl IntoView {
    provide_meta_context();
    Ports::provide();
    Connection::provide();
    Clock::provide(*SharedValue::new(|| use_ports().now));
    let toasts = Toasts::new();
    provide_context(toasts);
    provide_context(Ready(ready.into()));
    let (going, set_going) = signal(false);

    view! {
        <Title formatter=|page: String| if page.is_empty() { "Holon".to_owned() } else { format!("{page} · Holon") }/>
        <Router set_is_routing=set_going>
            {move || going.get().then(|| view! { <div class="going" aria-hidden="true"></div> })}
            <Routes fallback=|| view! { <main><NotFound/></main> }>
                <Route path=path!("/sign-in") view=SignIn::route() ssr=SsrMode::Async/>
                <Route path=path!("/sign-up") view=SignUp::route() ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("/") view=HomePage/>
                    <Route path=path!("/flows") view=FlowsPage/>
                    <Route path=path!("/flows/:id") view=Editor::route()/>
                    <Route path=path!("/flows/:id/versions") view=Versions::route()/>
                    <Route path=path!("/flows/:id/backtest") view=Backtest::route()/>
                    <Route path=path!("/flows/:id/state") view=FlowState::route()/>
                    <Route path=path!("/events") view=Events::route()/>
                    <Route path=path!("/runs") view=Runs::route()/>
                    <Route path=path!("/runs/:id") view=Run::route()/>
                    <Route path=path!("/tasks") view=Tasks::route()/>
                    <Route path=path!("/tasks/:run/:task") view=OneTask::route()/>
                    <Route path=path!("/connections") view=Connections::route()/>
                    <Route path=path!("/workers") view=Workers::route()/>
                    <Route path=path!("/tokens") view=Tokens::route()/>
                    <Route path=path!("/settings") view=Settings::route()/>
                    <Route path=path!("/settings/alerts") view=Alerts::route()/>
                    <Route path=path!("/schedules") view=Schedules::route()/>
                    <Route path=path!("/schedules/:id") view=OneSchedule::route()/>
                    // Polls stand below the schedules.
                    <Route path=path!("/polls") view=Schedules::route()/>
                    <Route path=path!("/polls/:id") view=OnePoll::route()/>
                </ParentRoute>
            </Routes>
        </Router>
        {toasts.view()}
    }
}
