//! What stands where there is nothing yet: it says how to fill it.

use leptos::prelude::*;

use super::icon;

/// An icon, a heading, a sentence, and what to do.
pub fn empty(glyph: &str, title: &str, text: &str, actions: impl IntoView) -> AnyView {
    view! {
        <div class="empty">
            {icon(glyph)}
            <h2>{title.to_owned()}</h2>
            <p>{text.to_owned()}</p>
            <div class="actions">{actions.into_any()}</div>
        </div>
    }
    .into_any()
}
