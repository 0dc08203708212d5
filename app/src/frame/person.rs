//! Who is signed in, and signing out.

use holon_model::wire::identity::Session;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::strings;
use crate::identity::api;
use crate::ui::{Menu, dom, menu, toast::Toasts, use_toasts};

const MENU: &str = "person-menu";

/// The button with the person's initials and its menu.
pub fn person(session: &Session) -> AnyView {
    let toasts = use_toasts();
    let (name, email, workspace) =
        (session.person.name.clone(), session.person.email.clone(), session.tenant.name.clone());
    view! {
        <button type="button" class="avatar" popovertarget=MENU aria-haspopup="menu" aria-label=name.clone() title=name.clone()>
            {initials(&name)}
        </button>
        <Menu id=MENU label=name.clone()>
            <div class="who">
                <strong class="truncate">{name.clone()}</strong>
                <span class="muted truncate">{email}</span>
                <span class="muted truncate small">{strings::WORKSPACE}" "{workspace}</span>
            </div>
            <hr/>
            {menu::link("settings", strings::SETTINGS, "/settings".into())}
            {menu::link("key-round", strings::TOKENS, "/tokens".into())}
            // The API's own page: not one of these, so it is loaded whole.
            <a role="menuitem" class="item" href="/api/docs" rel="external">{crate::ui::icon("book-open")}{strings::DOCS}</a>
            <hr/>
            {menu::item("log-out", strings::SIGN_OUT, false, move || sign_out(toasts))}
        </Menu>
    }
    .into_any()
}

/// Ends the session and leaves with a whole page load, so that nothing of it stays in memory.
pub fn sign_out(toasts: Toasts) {
    spawn_local(async move {
        match api::sign_out().await {
            Ok(()) => dom::leave_for("/sign-in"),
            Err(_) => toasts.bad(strings::SIGN_OUT_FAILED),
        }
    });
}

/// The first letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_those_of_the_first_and_the_last_word() {
        assert_eq!(["Ada Lovelace", "ada", "Ada King of Lovelace", ""].map(initials), ["AL", "A", "AL", ""]);
    }
}
