//! Sign-up, sign-in, the session: pages and their port.

pub mod api;
mod gate;
mod sign_in;
mod sign_up;
pub(crate) mod strings;

use leptos::prelude::*;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_location;

use crate::rest::Query;

pub use sign_in::SignInPage;
pub use sign_up::SignUpPage;

/// Leads to sign-in and back to this page afterwards; on the server it is a redirect.
#[component]
pub fn ToSignIn() -> impl IntoView {
    let location = use_location();
    let (path, search) = (location.pathname.get_untracked(), location.search.get_untracked());
    let back = match (path.as_str(), search.as_str()) {
        ("/", "") => String::new(),
        (path, "") => path.to_owned(),
        (path, search) => format!("{path}?{}", search.trim_start_matches('?')),
    };
    view! { <Redirect path=Query::new("/sign-in").with("next", &back).build()/> }
}
