//! A block of code or data with a button that copies it.

use leptos::prelude::*;

use super::copy_button;

/// Shows a text as it is; `what` names it for the copy button.
pub fn code(text: String, what: &str, wrap: bool) -> AnyView {
    let copied = text.clone();
    view! {
        <div class="code" class:wrap=wrap>
            <pre tabindex="0" aria-label=what.to_owned()><code>{text}</code></pre>
            {copy_button(move || copied.clone(), what)}
        </div>
    }
    .into_any()
}
