//! What stands around every page of a person who is signed in: rail, bar, tools, command palette.

mod bar;
mod lost;
mod not_found;
mod palette;
mod person;
mod rail;
pub(crate) mod strings;
mod theme;

use holon_model::wire::identity::Session;
use holon_model::{Code, Problem};
use leptos::prelude::*;
use leptos_router::components::Outlet;

use crate::identity::ToSignIn;
use crate::ports::use_ports;
use crate::ui::icon;

pub use bar::{Crumb, bar};
pub use not_found::NotFound;
pub use theme::{Theme, apply as apply_theme, chosen as chosen_theme};

/// Who is signed in, for any page.
#[derive(Debug, Clone, Copy)]
pub struct SessionNow(pub Resource<Result<Session, Problem>>);

/// The session of the person who looks. Read it under `Suspense` or `Transition`.
pub fn use_session() -> SessionNow {
    expect_context::<SessionNow>()
}

/// The session, if it is known by now. In a browser, in answer to something that happened.
pub fn session_now() -> Option<Session> {
    use_context::<SessionNow>().and_then(|session| session.0.try_get_untracked().flatten()).and_then(Result::ok)
}

/// The frame.
#[component]
pub fn Frame() -> impl IntoView {
    let ports = use_ports();
    let session = Resource::new(|| (), move |()| ports.identity.session());
    provide_context(SessionNow(session));
    let palette = RwSignal::new(false);
    view! {
        <div class="frame">
            <a class="skip" href="#main">{strings::SKIP}</a>
            {lost::strip()}
            {rail::rail()}
            <div class="tools">
                <button type="button" class="find" aria-label=strings::FIND aria-keyshortcuts="Control+K Meta+K" on:click=move |_| palette.set(true)>
                    {icon("search")}
                    <span class="words">{strings::FIND}</span>
                    <kbd>{palette::shortcut()}</kbd>
                </button>
                <Suspense fallback=|| view! { <span class="avatar" aria-hidden="true"></span> }>
                    {move || Suspend::new(async move { session.await.ok().map(|session| person::person(&session)) })}
                </Suspense>
            </div>
            <main id="main" tabindex="-1">
                <Outlet/>
            </main>
            <Suspense>
                {move || Suspend::new(async move {
                    let over = matches!(session.await, Err(Problem { code: Code::Unauthenticated, .. }));
                    over.then(|| view! { <ToSignIn/> })
                })}
            </Suspense>
            <palette::Palette open=palette/>
        </div>
    }
    .into_any()
}
