//! Icons: one Lucide sprite. Every name used must stand in `style/icons.txt`.

use leptos::prelude::*;

/// An icon of 16 px, hidden from screen readers: the word is beside it or in the control's label.
pub fn icon(name: &str) -> AnyView {
    draw(name, "icon")
}

/// The same in 20 px.
pub fn icon_large(name: &str) -> AnyView {
    draw(name, "icon large")
}

fn draw(name: &str, class: &'static str) -> AnyView {
    let href = format!("/pkg/icons.svg#{name}");
    view! { <svg class=class aria-hidden="true"><use href=href></use></svg> }.into_any()
}

/// The mark: a circle within a circle, the inner one open to the outer. A whole that is a part.
pub fn mark(size: u32) -> AnyView {
    view! {
        <svg width=size height=size viewBox="0 0 32 32" fill="none" stroke-linecap="round" aria-hidden="true">
            <circle cx="16" cy="16" r="13.25" stroke="currentColor" stroke-width="2.5"></circle>
            <path d="M16.9 8.2a6.4 6.4 0 1 0 6.9 6.9" stroke="var(--accent)" stroke-width="3"></path>
        </svg>
    }
    .into_any()
}
