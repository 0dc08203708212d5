//! The page for addresses where nothing is.

use leptos::prelude::*;
use leptos_meta::Title;

use super::strings;
use crate::shell::PageStatus;

/// Says that there is nothing here and where to go.
#[component]
pub fn NotFound() -> impl IntoView {
    if let Some(status) = use_context::<PageStatus>() {
        status.set(404);
    }
    view! {
        <Title text=strings::NOTHING_HERE/>
        <div class="stop">
            <span class="digits">"404"</span>
            <h1>{strings::NOTHING_HERE}</h1>
            <p>{strings::ABOUT_404}</p>
            <div class="actions">
                <a class="button primary" href="/">{strings::GO_HOME}</a>
                <a class="button" href="/flows">{strings::SEE_FLOWS}</a>
            </div>
        </div>
    }
    .into_any()
}
