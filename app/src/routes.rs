//! The app: its contexts and its routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::connections::ConnectionsPage;
use crate::editor::EditorPage;
use crate::flows::{FlowsPage, VersionsPage};
use crate::frame::{Frame, NotFound};
use crate::home::HomePage;
use crate::identity::{SignInPage, SignUpPage};
use crate::ports::{Ports, use_ports};
use crate::runs::{RunPage, RunsPage};
use crate::settings::SettingsPage;
use crate::tokens::TokensPage;
use crate::schedules::{SchedulePage, SchedulesPage};
use crate::ui::{Clock, Ready, Toasts, dom};

/// The pages. Every page is rendered whole before it is sent, so that a redirect is one and nothing pops in.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Ports::provide();
    Clock::provide(*SharedValue::new(|| use_ports().now));
    let toasts = Toasts::new();
    provide_context(toasts);
    let (ready, set_ready) = signal(false);
    provide_context(Ready(ready));
    Effect::new(move |_| {
        dom::root_attribute("data-ready", Some(""));
        set_ready.set(true);
    });
    let (going, set_going) = signal(false);

    view! {
        <Title formatter=|page: String| if page.is_empty() { "Holon".to_owned() } else { format!("{page} · Holon") }/>
        <Router set_is_routing=set_going>
            {move || going.get().then(|| view! { <div class="going" aria-hidden="true"></div> })}
            <Routes fallback=|| view! { <main><NotFound/></main> }>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/sign-up") view=SignUpPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("/") view=HomePage/>
                    <Route path=path!("/flows") view=FlowsPage/>
                    <Route path=path!("/flows/:id") view=EditorPage/>
                    <Route path=path!("/flows/:id/versions") view=VersionsPage/>
                    <Route path=path!("/runs") view=RunsPage/>
                    <Route path=path!("/runs/:id") view=RunPage/>
                    <Route path=path!("/connections") view=ConnectionsPage/>
                    <Route path=path!("/tokens") view=TokensPage/>
                    <Route path=path!("/settings") view=SettingsPage/>
                    <Route path=path!("/schedules") view=SchedulesPage/>
                    <Route path=path!("/schedules/:id") view=SchedulePage/>
                </ParentRoute>
            </Routes>
        </Router>
        {toasts.view()}
    }
}
