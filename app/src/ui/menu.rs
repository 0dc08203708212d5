//! A menu: the browser's own popover, closed by Escape or a click beside it, walked with the arrow keys.

use leptos::prelude::*;

use super::{dom, icon, keys, strings};

/// The button that opens the menu `id`: three dots.
pub fn menu_button(id: &str, label: &str) -> AnyView {
    let label = format!("{}: {label}", strings::MORE_ACTIONS);
    view! {
        <button type="button" class="button ghost small only-icon above" popovertarget=id.to_owned() aria-haspopup="menu" aria-label=label.clone() title=strings::MORE_ACTIONS>
            {icon("ellipsis")}
        </button>
    }
    .into_any()
}

/// The menu itself; its children are elements of class `item` with the role `menuitem`.
#[component]
pub fn Menu(
    /// Unique on the page; the opening button names it in `popovertarget`.
    #[prop(into)]
    id: String,
    /// What it is about.
    #[prop(into)]
    label: String,
    /// Its items.
    children: Children,
) -> impl IntoView {
    let close = id.clone();
    view! {
        <div
            id=id
            class="menu above"
            popover="auto"
            role="menu"
            aria-label=label
            on:keydown=move |event| keys::vertical(&event, "[role=menuitem]")
            on:click=move |_| dom::hide_popover(&close)
            on:toggle=move |_| dom::focus(":popover-open > [role=menuitem]")
        >
            {children()}
        </div>
    }
    .into_any()
}

/// An item that does something.
pub fn item(glyph: &str, label: &'static str, danger: bool, act: impl Fn() + 'static) -> AnyView {
    view! {
        <button type="button" role="menuitem" class="item" class:danger=danger on:click=move |_| act()>{icon(glyph)}{label}</button>
    }
    .into_any()
}

/// An item that leads somewhere.
pub fn link(glyph: &str, label: &'static str, href: String) -> AnyView {
    view! { <a role="menuitem" class="item" href=href>{icon(glyph)}{label}</a> }.into_any()
}
