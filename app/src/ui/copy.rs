//! Copying with one press, and saying that it was copied.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{icon, strings, toast::use_toasts};

/// A button that copies; `what` completes its name ("Copy", "the address").
pub fn copy_button(text: impl Fn() -> String + 'static, what: &str) -> AnyView {
    let (done, set_done) = signal(false);
    let toasts = use_toasts();
    let label = format!("{} {what}", strings::COPY);
    let press = move |_| {
        let text = text();
        spawn_local(async move {
            if super::dom::copy(text).await {
                set_done.try_set(true);
                set_timeout(move || _ = set_done.try_set(false), Duration::from_secs(2));
            } else {
                toasts.bad(strings::COPY_FAILED);
            }
        });
    };
    view! {
        <button type="button" class="button ghost small only-icon copy above" class:done=done aria-label=label.clone() title=label on:click=press>
            {move || icon(if done.get() { "check" } else { "copy" })}
            <span class="hidden-visually" role="status">{move || done.get().then_some(strings::COPIED)}</span>
        </button>
    }
    .into_any()
}

/// A short text in the data font with a button that copies it.
pub fn copyable(text: String, what: &str) -> AnyView {
    let copied = text.clone();
    view! {
        <span class="copyable">
            <code title=text.clone()>{text.clone()}</code>
            {copy_button(move || copied.clone(), what)}
        </span>
    }
    .into_any()
}
