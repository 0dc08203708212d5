//! A search field that waits until the reader stops typing.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

use super::icon;

/// Sets `value` a moment after the last keystroke.
pub fn search(label: &'static str, value: RwSignal<String>) -> AnyView {
    let waiting = StoredValue::new_local(None::<TimeoutHandle>);
    let typed = move |event| {
        let text = event_target_value(&event);
        if let Some(handle) = waiting.get_value() {
            handle.clear();
        }
        let set = move || _ = value.try_set(text);
        waiting.set_value(set_timeout_with_handle(set, Duration::from_millis(180)).ok());
    };
    view! {
        <div class="search">
            {icon("search")}
            <input type="search" class="input" aria-label=label placeholder=label value=value.get_untracked() autocomplete="off" spellcheck="false" on:input=typed/>
        </div>
    }
    .into_any()
}
